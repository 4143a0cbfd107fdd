from __future__ import annotations

import contextlib
import errno
import os
import socket
import stat
import subprocess
import sys

import pytest

from hardaudit.model import host_text
from hardaudit.model.gap import GapReason
from hardaudit.target.target import Target
from hardaudit.target.walk import MAX_DEPTH, Walk, WalkProblem, canonical


class Seen:
    """What a walk yielded, and its problems."""

    def __init__(self) -> None:
        self.statuses: dict[str, os.stat_result] = {}
        self.problems: list[WalkProblem] = []

    @property
    def paths(self) -> set[str]:
        return set(self.statuses)


def walk(target: Target, root: str = "/", skip=(), meanwhile=lambda path: None) -> Seen:
    """Every entry; `meanwhile` is called with each path after it was yielded and before the walk goes on."""
    seen = Seen()
    for prefix, name, status in Walk(target, root, skip=frozenset(skip), problem=seen.problems.append):
        path = prefix + name
        assert path not in seen.statuses
        seen.statuses[path] = status
        meanwhile(path)
    return seen


@pytest.fixture
def target(root):
    with Target.directory(root.path) as made:
        yield made


@pytest.fixture
def live(root):
    """A target that counts as live; its mountinfo is the file that the test writes."""

    def make(*lines: str) -> Target:
        root.write("/proc/self/mountinfo", "".join(f"{line}\n" for line in ("27 1 254:0 / / rw - ext4 /dev/vda rw", *lines)))
        made.append(Target(root.path, live=True))
        return made[-1]

    made: list[Target] = []
    yield make
    for each in made:
        each.close()


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@contextlib.contextmanager
def as_nobody():
    if os.geteuid() != 0:
        yield
        return
    os.setegid(65534)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


HOSTILE_NAMES = [
    b"new\nline",
    b"\x1b[2J",
    b"caf\xc3\xa9",
    b"\xff\xfe not utf-8",
    b"\xee\xbe\x80 private use",
    b"x" * 255,
    b"'; DROP TABLE kept; --",
    b" ",
    b"-rf",
    b"*",
    b"back\\slash",
]


def test_every_entry_is_yielded_once_with_its_lstat_whatever_its_name(root, target):
    for name in HOSTILE_NAMES:
        inner = os.path.join(os.fsencode(root.path), name)
        os.mkdir(inner)
        with open(os.path.join(inner, name), "wb"):
            pass
    expected = {}
    for directory, directories, files in os.walk(os.fsencode(root.path)):
        for name in [*directories, *files]:
            path = os.path.join(directory, name)
            expected[host_text.decode(path.removeprefix(os.fsencode(root.path)))] = os.lstat(path)
    seen = walk(target)
    assert not seen.problems
    assert seen.paths == {"/", *expected}
    assert {path: seen.statuses[path].st_ino for path in expected} == {path: status.st_ino for path, status in expected.items()}


def test_links_pipes_and_sockets_are_yielded_and_not_opened(root, target, tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").touch()
    root.mkdir("/a")
    root.symlink("/a/loop", "../a")
    root.symlink("/a/self", "self")
    root.symlink("/a/out", str(tmp_path / "outside"))
    os.mkfifo(f"{root.path}/a/fifo")
    with (
        contextlib.closing(socket.socket(socket.AF_UNIX)) as server,
        contextlib.chdir(f"{root.path}/a") if hasattr(contextlib, "chdir") else contextlib.nullcontext(),
    ):
        server.bind("socket" if hasattr(contextlib, "chdir") else f"{root.path}/a/socket")
    seen = walk(target, "/a")
    assert seen.paths == {"/a", "/a/loop", "/a/self", "/a/out", "/a/fifo", "/a/socket"}
    assert stat.S_ISLNK(seen.statuses["/a/loop"].st_mode)
    assert not seen.problems


def test_a_directory_comes_before_what_is_in_it(root, target):
    root.write("/a/b/c", "")
    assert list(walk(target, "/a").statuses) == ["/a", "/a/b", "/a/b/c"]


@pytest.mark.parametrize("replacement", ["link", "directory", "file"])
def test_a_directory_that_is_replaced_during_the_walk_is_a_problem_and_not_entered(root, target, tmp_path, replacement):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").touch()
    root.write("/a/victim/own", "")

    def replace(path: str) -> None:
        if path != "/a/victim":
            return
        place = root.directory / "a/victim"
        place.rename(tmp_path / "moved")
        if replacement == "link":
            place.symlink_to(outside)
        elif replacement == "directory":
            outside.rename(place)
        else:
            place.touch()

    seen = walk(target, "/a", meanwhile=replace)
    assert seen.paths == {"/a", "/a/victim"}
    assert [(problem.path, problem.reason) for problem in seen.problems] == [("/a/victim", GapReason.UNDECIDABLE)]


def test_a_root_that_is_replaced_by_a_link_is_not_followed(root, target):
    root.write("/elsewhere/secret", "")
    root.symlink("/a", "elsewhere")
    assert walk(target, "/a").paths == {"/a"}
    with pytest.raises(NotADirectoryError):
        walk(target, "/a/secret")


def test_a_directory_that_is_removed_during_the_walk_is_no_problem(root, target):
    root.mkdir("/a/gone")
    seen = walk(target, "/a", meanwhile=lambda path: (root.directory / "a/gone").rmdir() if path == "/a/gone" else None)
    assert seen.paths == {"/a", "/a/gone"}
    assert not seen.problems


def test_files_that_vanish_or_appear_meanwhile_do_no_harm(root, target):
    for number in range(3000):
        root.write(f"/a/{number:04}", "")

    def disturb(path: str) -> None:
        number = int(path[-4:]) if path[-4:].isdecimal() else 0
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{root.path}/a/{(number * 7) % 3000:04}")
        root.write(f"/a/new-{number}", "")
        os.unlink(f"{root.path}/a/new-{number}")

    assert not walk(target, "/a", meanwhile=disturb).problems


def test_what_may_not_be_read_is_a_problem_that_names_it(root, target):
    root.write("/a/closed/file", "")
    root.write("/a/open/file", "")
    (root.directory / "a/closed").chmod(0o000)
    with as_nobody():
        seen = walk(target, "/a")
    (root.directory / "a/closed").chmod(0o755)
    assert seen.paths == {"/a", "/a/closed", "/a/open", "/a/open/file"}
    assert seen.problems == [WalkProblem("/a/closed", GapReason.PERMISSION_DENIED, "/a/closed: Permission denied")]


def test_names_that_may_be_listed_but_not_examined_are_problems(root, target):
    root.write("/a/listed/file", "")
    (root.directory / "a/listed").chmod(0o744)
    if os.geteuid() != 0:
        (root.directory / "a/listed").chmod(0o400)
    with as_nobody():
        seen = walk(target, "/a")
    (root.directory / "a/listed").chmod(0o755)
    assert [(problem.path, problem.reason) for problem in seen.problems] == [("/a/listed/file", GapReason.PERMISSION_DENIED)]


def test_directories_deeper_than_the_bound_are_a_problem_and_descriptors_are_given_back(root, target):
    before = descriptors()
    fd = os.open(root.path, os.O_RDONLY)
    for _ in range(MAX_DEPTH + 20):
        os.mkdir("d", dir_fd=fd)
        fd, outer = os.open("d", os.O_RDONLY, dir_fd=fd), fd
        os.close(outer)
    os.close(fd)
    seen = walk(target)
    assert [problem.reason for problem in seen.problems] == [GapReason.TRUNCATED]
    assert seen.problems[0].path == "/d" * MAX_DEPTH
    assert max(path.count("/d") for path in seen.paths) == MAX_DEPTH
    assert descriptors() == before


def test_a_walk_that_is_given_up_gives_its_descriptors_back(root, target):
    root.write("/a/b/c/d", "")
    before = descriptors()
    entries = iter(Walk(target, "/a", skip=frozenset(), problem=pytest.fail))
    while next(entries)[1] != "c":
        pass
    assert descriptors() > before
    entries.close()
    assert descriptors() == before


def test_a_root_that_is_no_directory_is_yielded_alone(root, target):
    root.write("/etc/shadow", "x", mode=0o640)
    assert walk(target, "/etc/shadow").paths == {"/etc/shadow"}


@pytest.mark.parametrize("path", ["/absent", "/absent/too", "/etc/hostname/below"])
def test_a_root_that_does_not_exist_is_an_error(target, path):
    with pytest.raises((FileNotFoundError, NotADirectoryError)):
        walk(target, path)


def test_skipped_paths_are_neither_yielded_nor_entered(root, target):
    root.write("/a/skipped/file", "")
    root.write("/a/skipped-not/file", "")
    root.write("/a/b/skipped/file", "")
    assert walk(target, "/a", skip={"/a/skipped"}).paths == {
        "/a",
        "/a/skipped-not",
        "/a/skipped-not/file",
        "/a/b",
        "/a/b/skipped",
        "/a/b/skipped/file",
    }


def test_canonical_resolves_links_inside_the_root(root, target):
    root.write("/usr/bin/su", "")
    root.symlink("/bin", "usr/bin")
    root.symlink("/abs", "/usr/../bin")
    root.symlink("/up", "../../../usr/bin")
    root.symlink("/dot", "./abs/.")
    for path in ("/bin", "/abs", "/up", "/dot", "/usr//bin/", "/bin/../bin/."):
        assert canonical(target, path) == "/usr/bin", path
    assert canonical(target, "/bin/su") == "/usr/bin/su"
    assert canonical(target, "/") == "/"


def test_canonical_gives_up_on_loops_and_absent_paths(root, target):
    root.symlink("/one", "two")
    root.symlink("/two", "one")
    with pytest.raises(OSError, match=os.strerror(errno.ELOOP)):
        canonical(target, "/one")
    with pytest.raises(FileNotFoundError):
        canonical(target, "/absent")


# Mounts of a live host.


def test_network_file_systems_are_a_problem_and_never_touched(root, live):
    root.write("/srv/nfs/file", "")
    root.write("/srv/local/file", "")
    target = live("40 27 0:40 / /srv/nfs rw - nfs4 server:/export rw", "41 27 0:41 / /srv/local rw - ext4 /dev/sdb rw")
    seen = walk(target, "/srv")
    assert seen.paths == {"/srv", "/srv/local", "/srv/local/file"}
    [problem] = seen.problems
    assert (problem.path, problem.reason) == ("/srv/nfs", GapReason.UNSUPPORTED)
    assert "nfs4" in problem.detail


def test_a_network_file_system_that_is_the_root_is_walked(root, live):
    root.write("/srv/nfs/file", "")
    target = live("40 27 0:40 / /srv/nfs rw - nfs4 server:/export rw")
    assert walk(target, "/srv/nfs").paths == {"/srv/nfs", "/srv/nfs/file"}


def test_a_skipped_network_file_system_is_no_problem(root, live):
    root.mkdir("/srv/nfs")
    seen = walk(live("40 27 0:40 / /srv/nfs rw - nfs4 server:/export rw"), "/srv", skip={"/srv/nfs"})
    assert not seen.problems


def test_the_kernels_own_file_systems_are_left_out(root, live):
    root.write("/sys/kernel/x", "")
    root.write("/dev/shm/x", "")
    target = live("40 27 0:40 / /sys rw - sysfs s rw", "41 27 0:41 / /dev rw - devtmpfs d rw", "42 41 0:42 / /dev/shm rw - tmpfs t rw")
    seen = walk(target)
    assert "/dev/shm/x" in seen.paths
    assert not {path for path in seen.paths if path.startswith("/sys")}
    assert not seen.problems


def test_a_directory_that_is_shown_twice_is_walked_once(root, live):
    root.write("/srv/www/file", "")
    root.write("/home/www/file", "")
    target = live("40 27 254:0 /srv/www /home/www rw - ext4 /dev/vda rw")
    assert {path for path in walk(target).paths if path.endswith("/file")} == {"/srv/www/file"}
    assert "/home/www/file" in walk(target, "/home").paths
    assert "/home/www/file" in walk(target, skip={"/srv"}).paths


def test_a_mountinfo_that_cannot_be_read_is_an_error(root, live):
    with pytest.raises(OSError, match="not a line of mountinfo"):
        walk(live("rubbish"))


REAL_MOUNTS = """
import os, sys
from hardaudit.target.target import Target
from hardaudit.target.walk import Walk
top = sys.argv[1]
def say(problem): print("problem", problem.path)
def walk(root):
    for prefix, name, status in Walk(Target.live_host(), root, skip=frozenset(), problem=say):
        path = prefix + name
        print(path.removeprefix(top))
        if path == top:
            os.system(f"mount -t proc proc {top}/late")
walk(top)
"""


@pytest.mark.real
def test_real_mounts(tmp_path, require_root, require_tool):
    script = f"""
    set -e
    cd {tmp_path}
    mkdir source bind memory kernel late
    touch source/file
    mount --bind source bind
    mount -t tmpfs tmpfs memory
    touch memory/inside
    mount -t proc proc kernel
    {sys.executable} -c '{REAL_MOUNTS}' {tmp_path}
    """
    done = subprocess.run([require_tool("unshare"), "-m", "sh", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert sorted(done.stdout.split()) == sorted(["/source", "/source/file", "/memory", "/memory/inside", "/late"])


@pytest.mark.real
def test_the_walk_agrees_with_find(require_tool, tmp_path):
    expected = subprocess.run([require_tool("find"), "/usr/share/doc", "-printf", "%m %s %i %p\\0"], capture_output=True, check=True).stdout
    with Target.live_host() as target:
        seen = walk(target, canonical(target, "/usr/share/doc"))
    ours = {f"{stat.S_IMODE(s.st_mode):o} {s.st_size} {s.st_ino} ".encode() + host_text.encode(path) for path, s in seen.statuses.items()}
    assert ours == set(expected.split(b"\0")[:-1])
