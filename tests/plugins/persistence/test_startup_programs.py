"""The tables startup_programs and linker_variables, and the checks on them, over files as attackers and administrators leave them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

import hardaudit_plugins.persistence
from hardaudit.model.gap import GapReason
from hardaudit.policy.check_file import load_check
from hardaudit_plugins.persistence.startup_commands import SCRIPT_LIMIT

CHECKS = Path(hardaudit_plugins.persistence.__file__).parent / "checks"
PROGRAMS = "SELECT kind, user, program, role FROM startup_programs WHERE role <> 'definition' ORDER BY kind, program"


@pytest.fixture
def host(root):
    root.write("/etc/passwd", "root:x:0:0::/root:/bin/sh\nwww-data:x:33:33::/var/www:/bin/sh\nann:x:1001:1001::/home/ann:/bin/sh\n")
    root.write("/etc/group", "root:x:0:\nstaff:x:50:\ndevs:x:900:ann\n")
    root.mkdir("/usr/lib")
    root.symlink("/lib", "usr/lib")
    return root


@pytest.fixture
def subjects(host, query):
    def run(name, **params):
        check = load_check(str(CHECKS / f"{name}.yaml"))
        answer = query(check.query, host, {key: json.dumps(value) for key, value in {**check.defaults, **params}.items()})
        assert answer.gaps == ()
        return {row["subject"] for row in answer.rows}

    return run


def test_every_place_where_something_starts_by_itself(host, query, require_root):
    host.write("/etc/crontab", "17 * * * *\troot\tcd / && run-parts /etc/cron.hourly\n")
    host.write("/etc/cron.d/a", "@daily ann /opt/cron_d\n")
    host.write("/var/spool/cron/crontabs/ann", "* * * * * /opt/spool\n")
    host.write("/etc/anacrontab", "SHELL=/bin/sh\nA = /b\n1 5 cron.daily nice /opt/anacron\n@monthly 9 m /opt/monthly\n")
    host.write("/etc/cron.daily/b", "#!/bin/sh\nD=/opt\n[ -x $D/daily ] || exit 0\n$D/daily\n", mode=0o755)
    host.write("/etc/cron.daily/c", "#!/usr/bin/env python3\nimport os\n/opt/not_shell\n", mode=0o755)
    host.write("/etc/cron.daily/.placeholder", "/opt/hidden\n")
    host.write("/var/spool/cron/atjobs/a00001", "#!/bin/sh\numask 22\ncd /srv || {\n exit 1\n}\n./at\n", mode=0o700, uid=33, gid=1)
    host.write("/etc/rc.local", "#!/bin/sh -e\n/opt/rc\n", mode=0o755)
    host.write("/etc/systemd/system/d.service", "[Service]\nUser=ann\nExecStartPre=+/opt/pre\nExecStart=/opt/main\n")
    host.write("/etc/systemd/system/e.service", "[Service]\nWorkingDirectory=/srv\nExecStart=sh e.sh\nDynamicUser=yes\n")
    host.write("/usr/lib/systemd/user/f.service", "[Service]\nExecStart=/opt/every_user\n")
    host.write("/var/www/.config/systemd/user/g.service", "[Service]\nExecStart=/opt/web\n")
    host.write("/etc/systemd/system-generators/h", "", mode=0o755)
    host.write("/etc/init.d/i", "", mode=0o755)
    host.write("/etc/init.d/README", "")
    host.write("/etc/profile.d/j.sh", "/opt/login\n")
    host.write("/root/.bashrc", ". /opt/root_login\n")
    host.write("/home/ann/.config/autostart/k.desktop", "[Desktop Entry]\nExec=env A=1 /opt/desktop\n")
    answer = query(PROGRAMS, host)
    assert set(answer.tuples) == {
        ("anacron", "root", "/opt/anacron", "program"),
        ("anacron", "root", "/opt/monthly", "program"),
        ("at", "www-data", "/srv/at", "program"),
        ("autostart", "ann", "/opt/desktop", "program"),
        ("cron", "ann", "/opt/cron_d", "program"),
        ("cron", "ann", "/opt/spool", "program"),
        ("cron", "root", "/etc/cron.hourly", "directory"),
        ("cron_script", "root", "/etc/cron.daily/b", "script"),
        ("cron_script", "root", "/opt/daily", "program"),
        ("cron_script", "root", "/etc/cron.daily/c", "script"),
        ("generator", "root", "/etc/systemd/system-generators/h", "program"),
        ("init_script", "root", "/etc/init.d/i", "script"),
        ("login_script", None, "/etc/profile.d/j.sh", "script"),
        ("login_script", None, "/opt/login", "program"),
        ("login_script", "root", "/root/.bashrc", "script"),
        ("login_script", "root", "/opt/root_login", "script"),
        ("rc_local", "root", "/etc/rc.local", "script"),
        ("rc_local", "root", "/opt/rc", "program"),
        ("unit", "root", "/opt/pre", "program"),
        ("unit", "ann", "/opt/main", "program"),
        ("unit", "e", "/srv/e.sh", "script"),
        ("user_unit", None, "/opt/every_user", "program"),
        ("user_unit", "www-data", "/opt/web", "program"),
    }
    assert answer.gaps == ()


def test_unit_files_and_their_drop_ins_say_what_runs(host, query):
    host.write("/etc/systemd/system/d.timer", "[Timer]\nOnCalendar=daily\n")
    host.write("/usr/lib/systemd/system/d.service", "[Service]\nExecStart=/opt/d\n")
    host.write("/etc/systemd/system/d.service.d/o.conf", "[Service]\nNice=1\n")
    answer = query("SELECT program, user FROM startup_programs WHERE role = 'definition' ORDER BY program", host)
    assert answer.tuples == (
        ("/etc/systemd/system/d.service.d/o.conf", "root"),
        ("/etc/systemd/system/d.timer", "root"),
        ("/usr/lib/systemd/system/d.service", "root"),
    )


def test_where_links_lead(host, query):
    host.symlink("/etc/cron.daily/a", "../../tmp/gone")
    host.mkdir("/srv/app")
    host.symlink("/opt", "srv/app")
    host.write("/etc/cron.d/b", "* * * * * root /opt/b\n")
    host.symlink("/etc/cron.daily/loop", "loop")
    answer = query("SELECT program, resolved FROM startup_programs", host)
    assert set(answer.tuples) == {
        ("/etc/cron.daily/a", "/tmp/gone"),
        ("/opt/b", "/srv/app/b"),
        ("/etc/cron.daily/loop", "/etc/cron.daily/loop"),
    }


def test_what_cannot_be_read_is_a_gap(host, query):
    host.write("/etc/cron.daily/long", "#!/bin/sh\n" + "true\n" * SCRIPT_LIMIT)
    host.write("/etc/cron.d/deep", "* * * * * root " + "eval " * 50 + "/opt/x\n")
    os.mkfifo(host.directory / "etc/cron.daily/pipe")
    answer = query("SELECT count(*) FROM startup_programs", host)
    details = {(gap.reason, gap.detail.partition(":")[0]) for gap in answer.gaps}
    assert (GapReason.TRUNCATED, "/etc/cron.daily/long") in details
    assert (GapReason.UNDECIDABLE, "/etc/cron.d/deep") in details
    assert any(place == "/etc/cron.daily/pipe" for _, place in details)


def test_programs_from_temporary_directories(host, subjects):
    host.write("/etc/anacrontab", "1 5 job /tmp/a\n")
    host.write("/etc/cron.hourly/b", "#!/bin/sh\ncd /var/tmp && ./b\n", mode=0o755)
    host.symlink("/etc/cron.daily/c", "/dev/shm/c")
    host.write("/home/ann/.config/systemd/user/d.service", "[Service]\nExecStart=env A=1 /tmp/d\n")
    host.symlink("/etc/systemd/system-generators/e", "/tmp/e")
    host.write("/etc/systemd/system/f.service", "[Service]\nWorkingDirectory=/tmp\nExecStart=sh f\n")
    host.symlink("/etc/systemd/system/g.service", "/tmp/g.service")
    host.write("/tmp/g.service", "[Service]\nExecStart=/bin/true\n")
    host.write("/etc/cron.d/ok", "* * * * * root find /tmp/x -delete; /opt/ok > /tmp/log\n")
    assert subjects("temporary_directory_programs") == {
        "/tmp/a",
        "/var/tmp/b",
        "/etc/cron.daily/c",
        "env A=1 /tmp/d",
        "/etc/systemd/system-generators/e",
        "sh f",
        "/etc/systemd/system/g.service",
    }


def test_who_may_change_what_root_runs(host, subjects, require_root):
    for directory in ("/", "/etc", "/usr", "/opt", "/home", "/srv"):
        host.mkdir(directory, uid=0, gid=0)
    host.write(
        "/etc/cron.d/jobs",
        "".join(
            f"* * * * * root {path}\n"
            for path in (
                "nice -n 19 ionice -c 3 /opt/fifth_word.sh",
                "cd /; /opt/behind_semicolon.sh; true",
                "/home/ann/in_her_home.sh",
                "/srv/open/missing.sh",
                "/srv/shared/group.sh",
                "/usr/local/bin/staffs",
                "/opt/fine.sh",
                "sudo -u ann /opt/link",
            )
        ),
    )
    host.write("/opt/fifth_word.sh", mode=0o757, uid=0, gid=0)
    host.write("/opt/behind_semicolon.sh", mode=0o755, uid=1001, gid=0)
    host.mkdir("/home/ann", mode=0o700, uid=1001, gid=1001)
    host.write("/home/ann/in_her_home.sh", mode=0o755, uid=0, gid=0)
    host.mkdir("/srv/open", mode=0o1777, uid=0, gid=0)
    host.mkdir("/srv/shared", mode=0o2775, uid=0, gid=900)
    host.write("/srv/shared/group.sh", mode=0o755, uid=0, gid=0)
    host.mkdir("/usr/local", mode=0o2775, uid=0, gid=50)
    host.mkdir("/usr/local/bin", mode=0o2775, uid=0, gid=50)
    host.write("/usr/local/bin/staffs", mode=0o755, uid=0, gid=0)
    host.write("/opt/fine.sh", mode=0o755, uid=0, gid=0)
    host.symlink("/opt/link", "/srv/elsewhere/x")
    host.mkdir("/srv/elsewhere", uid=0, gid=0)
    host.write("/srv/elsewhere/x", mode=0o755, uid=33, gid=33)
    host.write("/etc/systemd/system/deploy.service", "[Service]\nUser=ann\nExecStart=/opt/not_roots\n", uid=1001, gid=1001)
    host.write("/opt/not_roots", mode=0o777, uid=0, gid=0)
    assert subjects("writable_scheduled_programs") == {
        "/opt/fifth_word.sh",
        "/opt/behind_semicolon.sh",
        "/home/ann",
        "/srv/open",
        "/srv/shared",
        "/srv/elsewhere/x",
        "/etc/systemd/system/deploy.service",
    }


def test_what_the_web_user_schedules(host, subjects):
    host.write("/var/www/.config/systemd/user/e.timer", "[Timer]\nOnCalendar=daily\n")
    host.write("/home/ann/.config/systemd/user/e.timer", "[Timer]\nOnCalendar=daily\n")
    assert subjects("web_user_cron") == {"/var/www/.config/systemd/user/e.timer; user unit"}


def test_libraries_through_the_environment(host, query, subjects):
    host.write("/etc/environment", '# LD_PRELOAD=/no\nPATH="/bin"\nexport LD_PRELOAD="/opt/a.so"\n')
    host.write("/etc/security/pam_env.conf", "LD_PRELOAD\tDEFAULT= OVERRIDE=/opt/b.so\n#LD_PRELOAD DEFAULT=/no\n")
    host.write("/etc/systemd/system.conf", '[Manager]\nDefaultEnvironment=A=1 "LD_PRELOAD=/opt/c.so"\nDefaultEnvironment=B=2\n')
    host.write("/usr/lib/systemd/system/d.service", "[Service]\nExecStart=/bin/d\nEnvironmentFile=-/etc/default/d\n")
    host.write("/etc/default/d", "LD_AUDIT=/opt/d.so\n")
    host.write("/etc/systemd/system/d.service.d/o.conf", "[Service]\nEnvironment=LD_PRELOAD=/opt/e.so LD_LIBRARY_PATH=/opt/lib\n")
    host.write("/etc/cron.d/f", "LD_PRELOAD = '/opt/f.so'\n* * * * * root /bin/true\n")
    host.write("/root/.bashrc", "[ -r x ] && export LD_PRELOAD=/opt/g.so:/opt/h.so; true\n")
    host.write("/etc/environment.d/i.conf", "LD_PRELOAD=/opt/i.so\n")
    host.write("/etc/ld.so.preload", "  \t/opt/j.so\n")
    assert subjects("ld_so_preload") == {f"/opt/{letter}.so" for letter in "abcdefghij"}
    answer = query("SELECT value, kind, place, line FROM linker_variables WHERE variable = 'LD_LIBRARY_PATH'", host)
    assert answer.tuples == (("/opt/lib", "unit", "/etc/systemd/system/d.service.d/o.conf", 2),)


def test_a_heap_of_executables_is_one_finding_and_a_single_one_is_named(host, query):
    check = load_check(str(CHECKS / "executables_in_temporary_directories.yaml"))
    for name in ("build/a", "build/b/c", ".x", "one/d"):
        host.write(f"/tmp/{name}", mode=0o755)
    answer = query(check.query, host, {name: json.dumps(value) for name, value in check.defaults.items()})
    assert {(row["subject"], row["files"]) for row in answer.rows} == {("/tmp/build", 2), ("/tmp/.x", 1), ("/tmp/one/d", 1)}


def test_the_live_host_has_rows_without_a_gap_of_ours(query):
    answer = query("SELECT DISTINCT kind FROM startup_programs")
    assert {gap.table for gap in answer.gaps} <= {"startup_programs"}
