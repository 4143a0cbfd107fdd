"""hardaudit's tables and those of a real osquery, read from the same machine at the same time; and a whole run through each.

An osqueryd is taken from HARDAUDIT_OSQUERYD or PATH. The differences that are meant are named here with their reason, and in the reference
of each table.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass

import pytest
from installed_tables import builtin_tables

from hardaudit.engine.engine import Bounds, Engine
from hardaudit.osquery.catalog import read_catalog
from hardaudit.osquery.daemon import EphemeralDaemon
from hardaudit.osquery.shell import ShellReader
from hardaudit.osquery.tables import tables_of
from hardaudit.target.target import Target

pytestmark = pytest.mark.real_osquery

HARDAUDIT = shutil.which("hardaudit", path=os.path.dirname(sys.executable)) or "hardaudit"
ME = os.getpid()
ROUNDS = 4  # of a comparison, for what changes between two readings


@pytest.fixture(scope="module")
def osqueryd():
    found = os.environ.get("HARDAUDIT_OSQUERYD") or shutil.which("osqueryd", path=f"{os.environ.get('PATH', '')}:/opt/osquery/bin")
    if not found:
        pytest.skip("no osqueryd is installed: put one on PATH or name it with HARDAUDIT_OSQUERYD")
    if os.geteuid() != 0:
        pytest.skip("needs root: osquery does not say what it may not read")
    return found


@pytest.fixture(scope="module")
def osquery(osqueryd):
    """Makes engines all of whose tables are read through osqueryd; those that it lacks are not on offer."""
    reader = EphemeralDaemon(osqueryd)
    with contextlib.closing(reader):
        tables = tables_of(reader, read_catalog(reader), {}, has_systemd=True)
        yield lambda: engine_over(tables)


def embedded():
    return engine_over(builtin_tables())


@contextlib.contextmanager
def engine_over(tables):
    with Target.live_host() as target, Engine(target, tables) as engine:
        yield engine


@dataclass(frozen=True)
class Comparison:
    """A question to both, whose answers are the same rows; osquery's NULL is the empty text.

    `only_embedded`: conditions in SQL for rows that hardaudit alone is meant to have, each with its reason.
    """

    sql: str
    only_embedded: tuple[tuple[str, str], ...] = ()


SAME = {
    "apparmor_profiles": Comparison("SELECT path, name, attach, mode, sha1 FROM apparmor_profiles"),
    "apt_sources": Comparison("SELECT name, source, base_uri, release, version, maintainer, components, architectures FROM apt_sources"),
    "authorized_keys": Comparison(
        "SELECT uid, algorithm, key, key_file FROM authorized_keys WHERE uid IN (SELECT uid FROM users)",
        only_embedded=(
            ("algorithm LIKE 'sk-%' OR algorithm LIKE '%-cert-v01%' OR algorithm = 'ssh-dss'", "osquery does not know these types"),
        ),
    ),
    "crontab": Comparison("SELECT event, minute, hour, day_of_month, month, day_of_week, command, path FROM crontab"),
    "deb_packages": Comparison(
        "SELECT name, version, source, size, arch, revision, status, maintainer, section, priority FROM deb_packages"
    ),
    "deb_package_files": Comparison("SELECT package, path FROM deb_package_files WHERE package IN ('bash', 'coreutils')"),
    "etc_hosts": Comparison("SELECT address, hostnames FROM etc_hosts"),
    "etc_protocols": Comparison("SELECT name, number, alias, comment FROM etc_protocols"),
    "etc_services": Comparison("SELECT name, port, protocol, aliases, comment FROM etc_services"),
    "extended_attributes": Comparison(
        "SELECT path, key, value FROM extended_attributes WHERE path IN ('/usr/bin/ping', '/bin/ping', '/etc/passwd')"
    ),
    "file": Comparison(
        "SELECT path, directory, filename, inode, uid, gid, mode, device, size, block_size, mtime, ctime, btime, hard_links, symlink, type, "
        "symlink_target_path FROM file WHERE (directory IN ('/etc', '/usr/bin') OR path LIKE '/etc/%') AND filename <> 'mtab'"
    ),
    "groups": Comparison("SELECT gid, gid_signed, groupname FROM groups"),
    "hash": Comparison("SELECT path, md5, sha1, sha256 FROM hash WHERE path IN ('/etc/passwd', '/etc/hostname', '/nonexistent')"),
    "interface_addresses": Comparison("SELECT interface, address, mask, broadcast, type FROM interface_addresses"),
    "kernel_info": Comparison("SELECT version, arguments FROM kernel_info"),
    "kernel_modules": Comparison("SELECT name, status FROM kernel_modules"),
    "known_hosts": Comparison("SELECT uid, key, key_file FROM known_hosts WHERE uid IN (SELECT uid FROM users)"),
    "listening_ports": Comparison(
        f"SELECT pid, port, protocol, family, address FROM listening_ports WHERE pid = {ME} AND family IN (2, 10)"
    ),
    "logged_in_users": Comparison("SELECT type, user, tty, host FROM logged_in_users"),
    "memory_info": Comparison("SELECT memory_total, swap_total FROM memory_info"),
    "mounts": Comparison("SELECT device, path, type, flags FROM mounts"),
    "os_version": Comparison("SELECT name, version, major, minor, patch, platform, codename FROM os_version"),
    "process_namespaces": Comparison(
        f"SELECT pid, cgroup_namespace, ipc_namespace, mnt_namespace, net_namespace, pid_namespace, user_namespace, uts_namespace "
        f"FROM process_namespaces WHERE pid = {ME}"
    ),
    "process_open_files": Comparison(f"SELECT pid, fd, path FROM process_open_files WHERE pid = {os.getppid()}"),
    "process_open_sockets": Comparison(
        f"SELECT pid, family, protocol, local_address, local_port FROM process_open_sockets WHERE pid = {ME} AND family IN (2, 10)"
    ),
    "processes": Comparison(
        f"SELECT pid, name, path, cmdline, uid, gid, euid, egid, suid, sgid, on_disk, parent, pgroup FROM processes WHERE pid IN (1, {os.getppid()}, {ME})"
    ),
    "rpm_packages": Comparison("SELECT name, version, release, arch, epoch FROM rpm_packages"),
    "selinux_settings": Comparison("SELECT scope, key, value FROM selinux_settings"),
    "shadow": Comparison("SELECT username, password_status, hash_alg, last_change, min, max, warning, inactive, expire, flag FROM shadow"),
    "ssh_configs": Comparison("SELECT uid, block, option, ssh_config_file FROM ssh_configs WHERE uid IN (SELECT uid FROM users)"),
    "sudoers": Comparison(
        "SELECT source, header, rule_details FROM sudoers",
        only_embedded=(("header LIKE '#%' AND header NOT LIKE '#include%'", "osquery takes a numeric user #1000 for a comment"),),
    ),
    "suid_bin": Comparison("SELECT path, username, groupname, permissions FROM suid_bin"),
    "system_controls": Comparison(
        "SELECT name, subsystem, current_value FROM system_controls WHERE name IN ('kernel.randomize_va_space', 'kernel.kptr_restrict', "
        "'kernel.dmesg_restrict', 'fs.suid_dumpable', 'fs.protected_hardlinks', 'fs.protected_symlinks', 'net.ipv4.ip_forward', "
        "'net.ipv4.tcp_syncookies', 'net.ipv4.conf.all.rp_filter', 'net.ipv4.conf.all.accept_redirects', 'vm.mmap_min_addr')"
    ),
    "user_groups": Comparison("SELECT uid, gid FROM user_groups"),
    "user_ssh_keys": Comparison("SELECT uid, path, encrypted FROM user_ssh_keys WHERE uid IN (SELECT uid FROM users)"),
    "users": Comparison("SELECT uid, gid, uid_signed, gid_signed, username, description, directory, shell FROM users"),
}
"""Questions of facts that stay as they are while both are asked."""

NOT_COMPARED = {
    "iptables": "osquery reads the kernel's legacy tables through libiptc, which leaves them loaded",
    "last": "its rows grow by the sessions of this very test where logins are recorded",
    "load_average": "changes all the time",
    "osquery_info": "each says what it is itself",
    "startup_items": "osquery asks systemd for units, hardaudit reads files too: compared as systemd_units",
    "system_info": "its uuid and hardware are read from SMBIOS, which containers do not show",
    "systemd_units": "osquery has the units that systemd has loaded, hardaudit those that have files: compared below",
    "time": "changes all the time",
    "uptime": "changes all the time",
}


def rows(engine, sql):
    answer = engine.run(sql, bounds=Bounds(rows=10**6, characters=10**9))
    return Counter(tuple("" if value is None else str(value) for value in row) for row in answer.tuples), answer


def test_every_table_is_compared_or_says_why_not():
    ours = {table.spec.name for table in builtin_tables() if table.spec.osquery}
    assert ours == SAME.keys() | NOT_COMPARED.keys()


@pytest.mark.parametrize("table", sorted(SAME))
def test_both_have_the_same_rows(table, osquery):
    comparison = SAME[table]
    with osquery() as there:
        if table not in there.tables:
            pytest.skip(f"this osquery has no table {table}")
    with socket.create_server(("127.0.0.1", 0)):
        for _ in range(ROUNDS):
            more, less, gaps = compared(comparison, osquery)
            if not more and not less:
                return
    unread = [gap for gap in gaps if gap.reason.value in ("permission_denied", "missing_source")]
    if unread:
        pytest.skip(f"hardaudit could not read all of it here, and says so: {unread[0].detail}")
    assert (dict(more), dict(less)) == ({}, {})


def compared(comparison, osquery):
    """Rows that only hardaudit has, rows that only osquery has, without those that are meant; what hardaudit could not read."""
    with osquery() as there, embedded() as here:
        theirs, (ours, answer) = rows(there, comparison.sql)[0], rows(here, comparison.sql)
        more, less = ours - theirs, theirs - ours
        for condition, _reason in comparison.only_embedded:
            more -= rows(here, f"SELECT * FROM ({comparison.sql}) WHERE {condition}")[0]
    return more, less, answer.gaps


def test_every_column_has_osquery_s_type(osqueryd):
    reader = EphemeralDaemon(osqueryd)
    with contextlib.closing(reader):
        catalog = read_catalog(reader)
    for table in builtin_tables():
        columns = catalog.tables.get(table.spec.name)
        if not table.spec.osquery or columns is None:
            continue
        ours = {column.name: (column.type.value, column.hidden) for column in table.spec.columns}
        theirs = {name: (column.type.value, column.hidden) for name, column in columns.items() if name in ours}
        assert {name: ours[name] for name in theirs} == theirs, table.spec.name


def test_enabled_units_are_the_same_where_systemd_runs(osquery):
    if not os.path.isdir("/run/systemd/system"):
        pytest.skip("systemd does not run here, so osquery has no units")
    sql = "SELECT id, fragment_path FROM systemd_units WHERE unit_file_state = 'enabled' AND load_state = 'loaded' AND fragment_path <> ''"
    with osquery() as there, embedded() as here:
        assert not rows(there, sql)[0] - rows(here, sql)[0]


def test_tables_that_only_osquery_has_can_be_asked(osquery):
    with osquery() as there:
        answer = there.run("SELECT name, value FROM osquery_flags WHERE name = 'ephemeral'")
    assert answer.tuples == (("ephemeral", "true"),)


def test_errors_are_gaps_also_through_osqueryi(osqueryd):
    place = os.path.join(os.path.dirname(os.path.realpath(osqueryd)), "osqueryi")
    program, is_daemon = (place, False) if os.path.exists(place) else (osqueryd, True)
    reader = ShellReader(program, is_daemon=is_daemon)
    with contextlib.closing(reader):
        assert {"username": "root"} in list(reader.rows("SELECT `username` FROM `users` WHERE `uid` = 0", lambda: None))
        with pytest.raises(Exception, match="no such table"):
            list(reader.rows("SELECT `a` FROM `nosuchtable`", lambda: None))


def test_the_default_run_comes_to_the_same_states(osqueryd):
    reports = []
    for source in (["--source", "embedded"], ["--osquery-binary", osqueryd]):
        done = subprocess.run([HARDAUDIT, "run", *source, "--format", "json"], capture_output=True, text=True, check=False)
        assert done.returncode in (0, 1, 3), done.stderr
        reports.append({check["id"]: check["state"] for check in json.loads(done.stdout)["checks"]})
    assert reports[1] == reports[0]


def test_nothing_is_left_behind(osqueryd):
    done = subprocess.run(
        [HARDAUDIT, "query", "--osquery-binary", osqueryd, "--format", "csv", "SELECT pid FROM osquery_info"],
        capture_output=True,
        text=True,
        check=True,
    )
    pid = done.stdout.split()[1]
    assert not os.path.exists(f"/proc/{pid}/exe") or os.path.realpath(f"/proc/{pid}/exe") != os.path.realpath(osqueryd)
