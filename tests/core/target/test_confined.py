"""No path, link or rename leads out of the root, and nothing but regular files is opened."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time

import pytest

from hardaudit.errors import TargetError
from hardaudit.target.errors import NotRegularFileError, ReadLimitError
from hardaudit.target.target import Target


@pytest.fixture
def target(root):
    with Target.directory(root.path) as made:
        yield made


@pytest.fixture
def outside(tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_text("outside")
    (tmp_path / "secret").write_text("outside")
    return tmp_path / "outside"


def test_absolute_links_start_at_the_root(root, target, outside):
    root.write("/data/file", "inside")
    root.symlink("/etc/link", "/data/file")
    root.symlink("/etc/dir", "/data")
    root.symlink("/etc/out", str(outside / "secret"))
    assert target.read_text("/etc/link") == "inside"
    assert target.read_text("/etc/dir/file") == "inside"
    with pytest.raises(FileNotFoundError):
        target.read_text("/etc/out")


@pytest.mark.parametrize(
    "path", ["/../secret", "/etc/../../secret", "/../../../../etc/../../secret", "../secret", "/etc/up/secret", "/etc/up2/secret"]
)
def test_dotdot_stays_at_the_root(root, target, outside, path):
    root.symlink("/etc/up", "../../..")
    root.symlink("/etc/up2", "../../../outside")
    with pytest.raises(OSError):
        target.read_text(path)


def test_relative_links_and_dotdot_work_inside(root, target):
    root.write("/a/b/file", "inside")
    root.symlink("/a/c/link", "../b/./file")
    root.symlink("/a/d", "b")
    assert target.read_text("/a/c/link") == "inside"
    assert target.read_text("/a/d/../b//file") == "inside"
    assert target.readlink("/a/c/link") == "../b/./file"


def test_loops_end(root, target):
    root.symlink("/etc/loop", "loop")
    root.symlink("/etc/x", "y/z")
    root.symlink("/etc/y", "x/w")
    for path in ("/etc/loop", "/etc/x", "/etc/loop/more"):
        with pytest.raises(OSError, match="Too many levels"):
            target.stat(path)
    assert target.lstat("/etc/loop").st_size == 4


def test_the_kernels_errors(root, target):
    for path, error in (
        ("/no/such", FileNotFoundError),
        ("/etc/hostname/x", NotADirectoryError),
        ("/etc/hostname/", NotADirectoryError),
        ("/etc/hostname/..", NotADirectoryError),
        ("/etc", NotRegularFileError),
        ("/etc/a\0b", FileNotFoundError),
        ("/" + "x" * 300, OSError),
        ("/a" * 1000, OSError),
    ):
        with pytest.raises(error):
            target.read_text(path)
    assert target.exists("/etc/hostname")
    assert not target.exists("/etc/hostname/x")


def test_fifos_sockets_and_devices_are_never_opened(root, target, monkeypatch):
    os.mkfifo(root.directory / "etc/fifo")
    sock = socket.socket(socket.AF_UNIX)
    monkeypatch.chdir(root.directory / "etc")
    sock.bind("sock")
    root.symlink("/etc/link", "fifo")
    paths = ["/etc/fifo", "/etc/sock", "/etc/link"]
    if os.geteuid() == 0:
        os.mknod(root.directory / "etc/null", 0o20666, os.makedev(1, 3))
        paths.append("/etc/null")
    started = time.monotonic()
    for path in paths:
        with pytest.raises(NotRegularFileError):
            target.read_bytes(path)
    assert time.monotonic() - started < 5
    sock.close()


def test_reads_are_bounded(root, target):
    root.write("/etc/exact", b"x" * 100)
    assert len(target.read_bytes("/etc/exact", limit=100)) == 100
    with pytest.raises(ReadLimitError):
        target.read_bytes("/etc/exact", limit=99)
    with open(root.write("/etc/sparse"), "r+b") as file:
        file.truncate(2**30)
    with pytest.raises(ReadLimitError):
        target.read_bytes("/etc/sparse")
    with Target.live_host() as live, pytest.raises(ReadLimitError):
        live.read_bytes("/proc/self/maps", limit=10)  # its size is given as 0
    for number in range(5):
        root.write(f"/many/{number}")
    with pytest.raises(ReadLimitError):
        target.list_directory("/many", limit=4)


def test_nothing_to_read_yet_is_not_the_end(root, target, monkeypatch):
    """A file of /proc or of FUSE may answer so, and Python's reader then returns None, which is no byte either."""
    root.write("/etc/log", "x")

    def open_pipe(*_):
        reading, writing = os.pipe2(os.O_NONBLOCK)
        os.write(writing, b"the start")
        return reading

    monkeypatch.setattr("hardaudit.target.confined.open_file", open_pipe)
    with pytest.raises(BlockingIOError):
        target.read_bytes("/etc/log")
    with target.open("/etc/log") as file:
        assert file.read1(100) == b"the start"
        for read in (file.read, file.read1, file.readline):
            with pytest.raises(BlockingIOError):
                read()


def test_a_root_that_is_a_link_or_is_renamed_stays_what_it_was(tmp_path):
    (tmp_path / "disk/etc").mkdir(parents=True)
    (tmp_path / "disk/etc/hostname").write_text("first")
    (tmp_path / "link").symlink_to("disk")
    with Target.directory(str(tmp_path / "link")) as target:
        (tmp_path / "link").unlink()
        (tmp_path / "disk").rename(tmp_path / "moved")
        (tmp_path / "disk/etc").mkdir(parents=True)
        (tmp_path / "disk/etc/hostname").write_text("second")
        assert target.read_text("/etc/hostname") == "first"
        assert target.read_text("/../etc/hostname") == "first"


def test_paths_longer_than_the_kernel_takes_at_once(root, target):
    """A path of more than 4096 bytes can be made step by step, and hides nothing."""
    name = "d" * 200
    fd = os.open(root.path, os.O_RDONLY)
    for _ in range(60):
        os.mkdir(name, dir_fd=fd)
        below = os.open(name, os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = below
    os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=fd))
    os.close(fd)
    assert target.stat("/" + "/".join([name] * 60) + "/file").st_size == 0
    subprocess.run(["rm", "-rf", f"{root.path}/{name}"], check=True)


def test_too_few_descriptors_are_an_error_and_none_is_lost(root):
    """In a process of its own, whose limit is low."""
    script = f"""
import os, resource
from hardaudit.target.target import Target
resource.setrlimit(resource.RLIMIT_NOFILE, (12, 12))
with Target.directory({root.path!r}) as target:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        try:
            target.stat("/1/2/3/4/5/6/7/8/9/10/11/12/13")
            raise SystemExit("found")
        except OSError as error:
            assert error.errno == 24, error
    assert len(os.listdir("/proc/self/fd")) == before
"""
    (root.directory / "1/2/3/4/5/6/7/8/9/10/11/12/13").mkdir(parents=True)
    subprocess.run([sys.executable, "-c", script], check=True)


@pytest.mark.parametrize("name", [b"new\nline", b"\x1b[31m", b"bad-\xff\xfe", b"\xee\xbe\x80", b"x" * 255, "é€😀".encode()])
def test_any_name_can_be_listed_and_opened_again(root, target, name):
    directory = os.fsencode(root.path) + b"/names"
    os.makedirs(directory)
    with open(directory + b"/" + name, "wb") as file:
        file.write(b"content")
    (listed,) = target.list_directory("/names")
    listed.encode()  # valid Unicode
    assert target.read_bytes(f"/names/{listed}") == b"content"
    assert [entry.name for entry in target.scan_directory("/names")] == [listed]


def test_a_directory_exchanged_for_a_link_again_and_again_never_leads_out(root, target, outside):
    """The classic race of check and use, run for real: another thread swaps a directory and a link out of the root."""
    root.write("/srv/real/secret", "inside")
    (root.directory / "srv/link").symlink_to(outside)
    stop = threading.Event()
    place = root.directory / "srv/place"

    def swap():
        while not stop.is_set():
            for name in ("real", "link"):
                os.rename(root.directory / "srv" / name, place)
                os.rename(place, root.directory / "srv" / name)

    thread = threading.Thread(target=swap)
    thread.start()
    read = set()
    try:
        for _ in range(20_000):
            try:
                read.add(target.read_text("/srv/place/secret"))
            except OSError:
                continue
    finally:
        stop.set()
        thread.join()
    assert read == {"inside"}


def test_a_file_of_proc_links_is_not_magic():
    """/proc/self/root and fd links are followed as text, inside the root, never as the kernel's shortcuts."""
    with Target.live_host() as live:
        assert live.stat("/proc/self/root/etc").st_ino == os.stat("/etc").st_ino
        fd = os.open("/etc", os.O_RDONLY)
        try:
            assert live.readlink(f"/proc/self/fd/{fd}") == "/etc"
        finally:
            os.close(fd)


def test_no_descriptor_is_left_open(root, target):
    root.symlink("/etc/loop", "loop")
    root.symlink("/etc/ok", "hostname")
    before = len(os.listdir("/proc/self/fd"))
    for path in ("/etc/ok", "/etc/hostname", "/etc/loop", "/no", "/etc", "/etc/hostname/x", "/etc/../.."):
        for method in (target.read_bytes, target.stat, target.lstat, target.list_directory, target.readlink):
            try:
                method(path)
            except OSError:
                continue
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_root_that_is_no_directory_is_the_users_error(tmp_path):
    for path in (tmp_path / "none", __file__):
        with pytest.raises(TargetError, match="name a directory"):
            Target.directory(str(path))


def test_unreadable_is_not_absent(root, target, require_root):
    root.write("/private/file", "x")
    root.mkdir("/private", mode=0o700)
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            outcomes = []
            for call in (
                lambda: target.exists("/private/file"),
                lambda: target.read_text("/private/file"),
                lambda: target.list_directory("/private"),
            ):
                try:
                    call()
                    outcomes.append("read")
                except PermissionError:
                    outcomes.append("denied")
            os._exit(0 if outcomes == ["denied"] * 3 else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
