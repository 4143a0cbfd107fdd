from __future__ import annotations

import json
import os
import stat
import subprocess

import apsw
import pytest

from hardaudit.engine.engine import Bounds, Engine
from hardaudit.errors import QueryError
from hardaudit.model.gap import GapReason
from hardaudit.target.target import Target
from hardaudit.target.walk import MAX_DEPTH, Walk
from hardaudit_plugins.accounts.tables import groups, users
from hardaudit_plugins.filesystem import tree_store
from hardaudit_plugins.filesystem.tables import file_tree

PASSWD = "root:x:0:0:root:/root:/bin/bash\nann:x:1000:1000::/home/ann:/bin/sh\n"
GROUP = "root:x:0:\nann:x:1000:\nwww-data:x:33:\n"


@pytest.fixture
def host(root):
    root.write("/etc/passwd", PASSWD)
    root.write("/etc/group", GROUP)
    return root


@pytest.fixture
def engine(host):
    with Target.directory(host.path) as target, Engine(target, [file_tree.TABLE, users.TABLE, groups.TABLE]) as made:
        yield made


@pytest.fixture
def walks(monkeypatch):
    """The roots that were walked, in order."""
    roots: list[str] = []
    iterate = Walk.__iter__

    def counted(self):
        roots.append(self.root)
        return iterate(self)

    monkeypatch.setattr(Walk, "__iter__", counted)
    return roots


def paths(answer) -> list[str]:
    return sorted(row["path"] for row in answer.rows)


def test_a_row_says_what_lstat_says(host, query):
    place = host.write("/srv/a/run.sh", "#!/bin/sh\n", mode=0o6755)
    os.link(place, host.directory / "srv/a/second")
    os.utime(place, (1, 1_700_000_000))
    status = os.lstat(place)
    [row] = query("SELECT * FROM file_tree WHERE root = '/srv' AND filename = 'run.sh'", host).rows
    assert row == {
        "path": "/srv/a/run.sh",
        "directory": "/srv/a",
        "filename": "run.sh",
        "type": "regular",
        "uid": status.st_uid,
        "gid": status.st_gid,
        "mode": "6755",
        "size": 10,
        "mtime": 1_700_000_000,
        "ctime": int(status.st_ctime),
        "inode": status.st_ino,
        "device": status.st_dev,
        "hard_links": 2,
        "world_writable": 0,
        "group_writable": 0,
        "setuid": 1,
        "setgid": 1,
        "sticky": 0,
        "executable": 1,
        "unowned": 0,
        "package": "",
    }


def test_types_and_flags(host, query):
    host.mkdir("/srv/open", mode=0o1777)
    host.write("/srv/open/group", mode=0o664)
    host.symlink("/srv/open/link", "nowhere")
    os.mkfifo(host.directory / "srv/open/fifo")
    sql = "SELECT filename, type, world_writable, group_writable, sticky, executable FROM file_tree WHERE root = '/srv/open'"
    rows = {row.pop("filename"): tuple(row.values()) for row in query(sql, host).rows}
    assert rows["open"] == ("directory", 1, 1, 1, 0)
    assert rows["group"] == ("regular", 0, 1, 0, 0)
    assert rows["link"] == ("symlink", 0, 0, 0, 0)
    assert rows["fifo"][0] == "fifo"


def test_the_root_directory_itself(host, query):
    [row] = query("SELECT path, directory, filename, type FROM file_tree WHERE root = '/' AND path = '/'", host).rows
    assert row == {"path": "/", "directory": "", "filename": "/", "type": "directory"}


def test_a_query_without_a_root_is_refused(host, query):
    with pytest.raises(QueryError, match="root"):
        query("SELECT path FROM file_tree", host)


def test_a_root_that_is_a_link_is_resolved_inside_the_target(host, query):
    host.write("/data/site/index.php")
    host.symlink("/var/www", "/data/site")
    answer = query("SELECT path, root FROM file_tree WHERE root = '/var/www'", host)
    assert answer.rows == [{"path": "/data/site", "root": "/var/www"}, {"path": "/data/site/index.php", "root": "/var/www"}]


def test_a_root_that_does_not_exist_has_no_rows_and_no_gap(host, query):
    answer = query("SELECT path FROM file_tree WHERE root = '/srv/none'", host)
    assert not answer.rows
    assert not answer.gaps


@pytest.mark.parametrize(
    "argument",
    ["root = 'srv'", "root = ''", "root = '/etc' AND skip = ''", "root = '/etc' AND skip = '[1]'", "root = '/etc' AND skip = '[\"x\"]'"],
)
def test_an_argument_of_the_wrong_form_is_a_gap(host, query, argument):
    answer = query(f"SELECT path FROM file_tree WHERE {argument}", host)
    assert not answer.rows
    assert [gap.reason for gap in answer.gaps] == [GapReason.UNSUPPORTED]


def test_several_roots(host, query):
    host.write("/srv/a")
    host.write("/opt/b")
    roots = json.dumps(["/srv", "/opt", "/none"])
    answer = query(f"SELECT t.path FROM json_each('{roots}') r JOIN file_tree t ON t.root = r.value", host)
    assert paths(answer) == ["/opt", "/opt/b", "/srv", "/srv/a"]
    assert paths(query("SELECT path FROM file_tree WHERE root IN ('/srv', '/opt')", host)) == ["/opt", "/opt/b", "/srv", "/srv/a"]


FLAGGED = "SELECT path FROM file_tree WHERE root = '{}' AND {} = 1"


def test_skipped_directories(host, query):
    host.write("/srv/a/x", mode=0o666)
    host.write("/srv/b/x", mode=0o666)
    host.symlink("/srv/to-a", "a")
    for skip in (["/srv/a"], ["/srv/a/", "/none"], ["/srv/to-a"]):
        answer = query(
            "SELECT path FROM file_tree WHERE root = '/srv' AND skip = :skip AND world_writable = 1", host, {"skip": json.dumps(skip)}
        )
        assert paths(answer) == ["/srv/b/x"]
        assert not answer.gaps
    assert not query("SELECT path FROM file_tree WHERE root = '/srv' AND skip = '[\"/srv\"]'", host).rows


# One walk for every query of a run.


def populate(host) -> None:
    host.mkdir("/srv/open", mode=0o777)
    host.mkdir("/srv/sticky", mode=0o1777)
    host.write("/srv/open/suid", mode=0o4755)
    host.write("/srv/open/sgid", mode=0o2755)
    host.write("/srv/open/group", mode=0o664)
    host.write("/srv/plain", mode=0o644)
    host.symlink("/srv/link", "plain")
    host.write("/opt/any", mode=0o666)
    os.mkfifo(host.directory / "opt/fifo")
    (host.directory / "opt/fifo").chmod(0o666)
    for name in (b"\xff\xfe", b"new\nline", b"caf\xc3\xa9"):
        place = os.path.join(os.fsencode(host.path), b"opt", name)
        os.close(os.open(place, os.O_CREAT))
        os.chmod(place, 0o666)


ALL_COLUMNS = "path, directory, filename, type, uid, gid, mode, size, mtime, ctime, inode, device, hard_links, world_writable, group_writable, setuid, setgid, sticky, executable, unowned"


@pytest.mark.parametrize("first", ["/", "/srv", None])
@pytest.mark.parametrize(
    "condition",
    [
        "world_writable = 1",
        "setuid = 1",
        "setgid = 1 AND type = 'regular'",
        "unowned = 1",
        "setuid = 1 OR world_writable = 1",
        "world_writable = 1 AND sticky = 0",
    ],
)
def test_the_shared_walk_gives_the_rows_of_a_walk_of_its_own(host, engine, require_root, first, condition):
    populate(host)
    host.write("/opt/lost", uid=4242, gid=0)
    host.write("/opt/lost-group", uid=0, gid=4242)
    if first:
        engine.run(FLAGGED.format(first, "world_writable"))
    unshared = condition.replace("world_writable", "+world_writable").replace("set", "+set").replace("unowned", "+unowned")
    counts = set()
    for place in ("/", "/srv", "/srv/open", "/opt", "/srv/open/suid"):
        for skip in ("[]", '["/srv/open"]', '["/opt"]'):
            select = f"SELECT {ALL_COLUMNS} FROM file_tree WHERE root = '{place}' AND skip = '{skip}'"
            streamed = engine.run(f"{select} AND ({unshared})")
            shared = engine.run(f"{select} AND ({condition})")
            assert sorted(shared.tuples) == sorted(streamed.tuples), (place, skip)
            assert not shared.gaps
            assert not streamed.gaps
            counts.add(len(shared.tuples))
    assert len(counts) > 1


def test_queries_of_a_run_share_one_walk(host, engine, walks):
    populate(host)
    for root in ("/", "/srv", "/opt", "/none"):
        for flag in ("world_writable", "setuid", "setgid", "unowned"):
            engine.run(FLAGGED.format(root, flag))
    engine.run("SELECT path FROM file_tree WHERE root = '/srv' AND skip = '[\"/srv/open\"]' AND setuid = 1")
    assert walks == ["/"]


def test_what_a_shared_walk_left_out_is_walked_when_asked_for(host, engine, walks):
    host.write("/srv/a/x", mode=0o666)
    engine.run("SELECT path FROM file_tree WHERE root = '/' AND skip = '[\"/srv\"]' AND world_writable = 1")
    assert paths(engine.run(FLAGGED.format("/srv/a", "world_writable"))) == ["/srv/a/x"]
    assert walks == ["/", "/srv/a"]


def test_the_walk_goes_on_where_the_deadline_stopped_it(host, engine, walks, monkeypatch):
    for number in range(40):
        host.write(f"/srv/{number}", mode=0o666)
    monkeypatch.setattr(tree_store, "_DEADLINE_EVERY", 5)
    first = engine.run(FLAGGED.format("/srv", "world_writable"), bounds=Bounds(seconds=0))
    assert {gap.reason for gap in first.gaps} == {GapReason.TIMEOUT}
    steps = iter([0.0, 0.0, 0.0])
    monkeypatch.setattr(engine, "_late", lambda: next(steps, None) is None)
    assert {gap.reason for gap in engine.run(FLAGGED.format("/srv", "setuid")).gaps} == {GapReason.TIMEOUT}
    monkeypatch.undo()
    answer = engine.run("SELECT path FROM file_tree WHERE root = '/srv' AND world_writable = 1 AND type = 'regular'")
    assert len(answer.rows) == 40
    assert not answer.gaps


@pytest.mark.parametrize("moment", ["opened", "written"])
def test_when_the_walk_cannot_be_kept_each_query_walks_for_itself(host, engine, walks, monkeypatch, moment):
    populate(host)
    if moment == "opened":
        monkeypatch.setattr(
            tree_store.apsw, "Connection", lambda _: (_ for _ in ()).throw(apsw.CantOpenError("unable to open database file"))
        )
    else:
        monkeypatch.setattr(tree_store, "_SCHEMA", tree_store._SCHEMA.replace("max_page_count = 262144", "max_page_count = 3"))
        for number in range(300):
            host.write(f"/opt/{'long' * 40}{number}", mode=0o666)
    for _ in range(2):
        answer = engine.run("SELECT path FROM file_tree WHERE root = '/srv' AND world_writable = 1")
        assert paths(answer) == ["/srv/open", "/srv/sticky"]
        assert not answer.gaps
    answer = engine.run(FLAGGED.format("/", "world_writable"))
    assert len(answer.rows) >= 5
    assert not answer.gaps
    assert "/" in walks


def test_problems_of_the_shared_walk_are_gaps_of_every_query_they_concern(host, engine):
    deep = os.open(host.path, os.O_RDONLY)
    os.mkdir("deep", dir_fd=deep)
    for name in ["deep", *["d"] * (MAX_DEPTH + 5)]:
        if name == "d":
            os.mkdir(name, dir_fd=deep)
        deep, outer = os.open(name, os.O_RDONLY, dir_fd=deep), deep
        os.close(outer)
    os.close(deep)
    host.mkdir("/srv", mode=0o755)
    for flag in ("world_writable", "setuid"):
        answer = engine.run(FLAGGED.format("/", flag))
        assert [gap.reason for gap in answer.gaps] == [GapReason.TRUNCATED]
        assert not engine.run(FLAGGED.format("/srv", flag)).gaps
        assert not engine.run(f"SELECT path FROM file_tree WHERE root = '/' AND skip = '[\"/deep\"]' AND {flag} = 1").gaps
    assert [gap.reason for gap in engine.run("SELECT count(*) FROM file_tree WHERE root = '/'").gaps] == [GapReason.TRUNCATED]


@pytest.mark.parametrize("condition", ["setuid = 1", "type = 'regular'"])
def test_unreadable_directories_are_gaps_of_which_the_first_are_named(host, engine, condition):
    for number in range(60):
        host.mkdir(f"/srv/{number}", mode=0o000)
    if os.geteuid() == 0:
        os.setegid(65534)
        os.seteuid(65534)
    try:
        answer = engine.run(f"SELECT path FROM file_tree WHERE root = '/' AND {condition}")
    finally:
        if os.getuid() == 0:
            os.seteuid(0)
            os.setegid(0)
    reasons = [gap.reason for gap in answer.gaps]
    assert reasons.count(GapReason.PERMISSION_DENIED) == 50
    assert reasons.count(GapReason.TRUNCATED) == 1
    assert all("/srv/" in gap.detail for gap in answer.gaps if gap.reason is GapReason.PERMISSION_DENIED)


# Owners.


UNOWNED = "SELECT path, unowned FROM file_tree WHERE root = '/srv' AND unowned = 1"


def test_files_of_nobody(host, engine, require_root):
    host.write("/srv/root", uid=0, gid=0)
    host.write("/srv/ann", uid=1000, gid=1000)
    host.write("/srv/user", uid=1234, gid=0)
    host.write("/srv/group", uid=0, gid=1234)
    answer = engine.run(UNOWNED)
    assert paths(answer) == ["/srv/group", "/srv/user"]
    assert not answer.gaps


def test_subordinate_ids_are_their_users(host, engine, require_root):
    host.write("/etc/subuid", "ann:100000:65536\nbob:165536:10\n")
    host.write("/etc/subgid", "ann:100000:65536\n")
    for name, uid, gid in (("in", 100000, 165535), ("below", 99999, 0), ("above", 165546, 0), ("last", 165545, 0), ("group", 0, 165536)):
        host.write(f"/srv/{name}", uid=uid, gid=gid)
    assert paths(engine.run(UNOWNED)) == ["/srv/above", "/srv/below", "/srv/group"]


def test_comments_and_odd_lines_of_passwd_own_nothing(host, engine, require_root):
    host.write("/etc/passwd", PASSWD + "#old:x:1234:1234::/:/bin/sh\n")
    host.write("/srv/old", uid=1234, gid=0)
    assert paths(engine.run(UNOWNED)) == ["/srv/old"]


@pytest.mark.parametrize("column", ["unowned", "+unowned"])
def test_where_a_directory_service_may_know_the_owner_it_is_undecided(host, engine, require_root, column):
    host.write("/etc/nsswitch.conf", "passwd: files ldap # or not\ngroup: files [NOTFOUND=return] ldap\n")
    host.write("/srv/perhaps", uid=1234, gid=0)
    answer = engine.run(f"SELECT path FROM file_tree WHERE root = '/srv' AND {column} = 1")
    assert not answer.rows
    assert GapReason.UNDECIDABLE in {gap.reason for gap in answer.gaps}


def test_sss_counts_only_where_it_is_configured(host, query, require_root):
    host.write("/etc/nsswitch.conf", "passwd: sss files systemd\ngroup: sss files systemd\n")
    host.write("/srv/lost", uid=1234, gid=0)
    assert paths(query(UNOWNED, host)) == ["/srv/lost"]
    host.write("/etc/sssd/conf.d/corp.conf", "[sssd]\n", mode=0o600)
    answer = query(UNOWNED, host)
    assert not answer.rows
    assert answer.gaps


@pytest.mark.parametrize("absent", ["passwd", "group"])
@pytest.mark.parametrize("condition", ["unowned = 1", "+unowned = 1"])
def test_without_accounts_nothing_is_said_of_owners(host, engine, absent, condition):
    (host.directory / "etc" / absent).unlink()
    host.write("/srv/file", mode=0o666)
    answer = engine.run(f"SELECT path FROM file_tree WHERE root = '/srv' AND {condition}")
    assert not answer.rows
    assert GapReason.MISSING_SOURCE in {gap.reason for gap in answer.gaps}
    other = engine.run(FLAGGED.format("/srv", "world_writable"))
    assert paths(other) == ["/srv/file"]
    assert not other.gaps


# Packages.


def packages(host, **lists: list[str]) -> None:
    for name, lines in lists.items():
        host.write(f"/var/lib/dpkg/info/{name.replace('__', ':')}.list", "".join(f"{line}\n" for line in lines))


def owners(answer) -> dict[str, str | None]:
    return {row["path"]: row["package"] for row in answer.rows}


PACKAGES = "SELECT path, package FROM file_tree WHERE root = '/usr' AND type = 'regular'"


def test_the_package_of_a_file(host, query):
    packages(host, sudo=["/.", "/usr", "/usr/bin", "/usr/bin/sudo"], libc6__amd64=["/usr/lib/libc.so.6"])
    host.write("/usr/bin/sudo", mode=0o4755)
    host.write("/usr/bin/own", mode=0o4755)
    host.write("/usr/lib/libc.so.6")
    answer = query(PACKAGES, host)
    assert owners(answer) == {"/usr/bin/sudo": "sudo", "/usr/bin/own": None, "/usr/lib/libc.so.6": "libc6"}
    assert not answer.gaps
    assert owners(query(PACKAGES + " AND setuid = 1", host)) == {"/usr/bin/sudo": "sudo", "/usr/bin/own": None}


def test_packages_that_name_a_directory_that_became_a_link(host, query):
    packages(host, util=["/bin/su", "/lib64/x"])
    host.write("/usr/bin/su", mode=0o4755)
    host.write("/usr/lib64/x")
    host.symlink("/bin", "usr/bin")
    host.symlink("/lib64", "usr/lib64")
    assert owners(query(PACKAGES, host)) == {"/usr/bin/su": "util", "/usr/lib64/x": "util"}


def test_without_a_merged_usr_the_two_are_different_files(host, query):
    packages(host, util=["/bin/su"])
    host.write("/usr/bin/su", mode=0o4755)
    host.write("/bin/su", mode=0o4755)
    assert owners(query(PACKAGES, host)) == {"/usr/bin/su": None}


def test_diverted_files_belong_to_whom_dpkg_says(host, query):
    packages(host, perf=["/usr/bin/perf"], wrapper=["/usr/bin/perf"], dash=["/bin/sh"], bash=["/bin/sh"], vim=["/usr/bin/local"])
    host.write(
        "/var/lib/dpkg/diversions",
        "/usr/bin/perf\n/usr/bin/perf.wrapped\nwrapper\n/bin/sh\n/bin/sh.distrib\ndash\n/usr/bin/local\n/usr/bin/local.distrib\n:\n",
    )
    host.symlink("/bin", "usr/bin")
    for name in ("perf", "perf.wrapped", "sh", "sh.distrib", "local", "local.distrib"):
        host.write(f"/usr/bin/{name}")
    assert owners(query(PACKAGES, host)) == {
        "/usr/bin/perf": "wrapper",
        "/usr/bin/perf.wrapped": "perf",
        "/usr/bin/sh": "dash",
        "/usr/bin/sh.distrib": "bash",
        "/usr/bin/local": None,
        "/usr/bin/local.distrib": "vim",
    }


def test_of_several_packages_the_first_by_name_counts(host, query):
    packages(host, beta=["/usr/x"], alpha=["/usr/x"])
    host.write("/usr/x")
    assert owners(query(PACKAGES, host)) == {"/usr/x": "alpha"}


def test_without_a_package_database_no_file_counts_as_unpackaged(host, query):
    host.write("/usr/bin/own")
    answer = query(PACKAGES, host)
    assert owners(answer) == {"/usr/bin/own": ""}
    assert [gap.reason for gap in answer.gaps] == [GapReason.MISSING_SOURCE]
    assert not query("SELECT path FROM file_tree WHERE root = '/usr'", host).gaps


def test_another_package_manager_is_named(host, query):
    host.mkdir("/var/lib/rpm")
    host.write("/usr/bin/own")
    answer = query(PACKAGES, host)
    assert owners(answer) == {"/usr/bin/own": ""}
    assert "/var/lib/rpm" in answer.gaps[0].detail


@pytest.mark.parametrize("fault", ["list", "diversions"])
def test_where_dpkgs_files_cannot_be_read_no_file_counts_as_unpackaged(host, query, fault):
    packages(host, sudo=["/usr/bin/sudo"])
    host.write("/usr/bin/sudo")
    host.write("/usr/bin/own")
    if fault == "list":
        os.mkfifo(host.directory / "var/lib/dpkg/info/broken.list")
    else:
        host.write("/var/lib/dpkg/diversions", "/usr/bin/perf\n/usr/bin/perf.wrapped\n")
    answer = query(PACKAGES, host)
    assert owners(answer) == {"/usr/bin/sudo": "sudo", "/usr/bin/own": ""}
    assert answer.gaps


@pytest.mark.real
def test_packages_agree_with_dpkg(query, require_tool):
    answer = query("SELECT path, package FROM file_tree WHERE root = '/usr/bin' AND type = 'regular'")
    found = {path: package for path, package in owners(answer).items() if package}
    assert found
    for path in sorted(found)[:40]:
        search = [require_tool("dpkg"), "-S", path]
        done = subprocess.run(search, capture_output=True, text=True, check=False)
        if done.returncode:
            done = subprocess.run([*search[:-1], path.removeprefix("/usr")], capture_output=True, text=True, check=False)
        named = {
            name.strip().partition(":")[0]
            for line in done.stdout.split("\n")
            if not line.startswith("diversion")
            for name in line.partition(": ")[0].split(",")
        }
        assert found[path] in named, path


@pytest.mark.real
def test_set_user_id_files_agree_with_find(query, require_tool):
    expected = subprocess.run(
        [require_tool("find"), "/usr", "-type", "f", "-perm", "-4000", "-print0"], capture_output=True, check=True
    ).stdout
    answer = query("SELECT path FROM file_tree WHERE root = '/usr' AND setuid = 1 AND type = 'regular'")
    assert {os.fsencode(path) for path in paths(answer)} == set(expected.split(b"\0")[:-1])


def test_flags_match_their_definitions():
    for permissions in range(0o10000):
        columns = file_tree._mode_columns(stat.S_IFREG | permissions)
        assert columns["mode"] == format(permissions, "04o")
        assert tree_store.is_flagged(stat.S_IFREG | permissions) == bool(
            columns["world_writable"] or columns["setuid"] or columns["setgid"]
        )
        assert not file_tree._mode_columns(stat.S_IFLNK | permissions)["world_writable"]
