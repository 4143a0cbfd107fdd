"""What shell text starts: wrappers, interpreters, quotes, and text that a host's users make up to hide it or to stop the audit."""

from __future__ import annotations

import subprocess

import pytest

from hardaudit_plugins.persistence.shell_programs import WRAPPERS
from hardaudit_plugins.persistence.started_programs import ShellReader, started_programs


def paths(text, directory=None):
    return [started.path for started in started_programs(text, directory)]


@pytest.mark.parametrize(
    "text",
    [
        "/tmp/x",
        "//tmp/x",
        "/./tmp//x",
        "/var/../tmp/x",
        "\\/tmp/x",
        '"/tmp"/x -d',
        "'/tmp/x' a",
        "cd /tmp && ./x",
        "cd /tmp; sh x",
        "T=/tmp; $T/x",
        'T="/tmp"\n"${T}/x"',
        "FOO=1 /tmp/x",
        "env -u A FOO=1 /tmp/x",
        "sudo -u www-data FOO=1 /tmp/x",
        "sudo -u www-data -- /tmp/x",
        "doas -u www-data /tmp/x",
        "nohup nice -n 19 ionice -c 3 /tmp/x &",
        "timeout -s KILL 10 /tmp/x",
        "setsid /tmp/x",
        "chroot / /tmp/x",
        "unshare -m /tmp/x",
        "runuser -u a -- /tmp/x",
        "su - www-data -s /bin/sh -c /tmp/x",
        "flock -n /run/l /tmp/x",
        "flock -n /run/l -c '/tmp/x a'",
        "systemd-run --on-calendar=daily /tmp/x",
        "start-stop-daemon --start --exec /tmp/x",
        "sh -c '/tmp/x'",
        'bash -lc "exec /tmp/x"',
        "sh /tmp/x",
        "sh < /tmp/x",
        "cat /tmp/x | sh -s",
        ". /tmp/x",
        "source /tmp/x",
        "busybox sh /tmp/x",
        "perl -w /tmp/x",
        "/usr/bin/php -d a=b /tmp/x",
        "python3 -u /tmp/x",
        "java -jar /tmp/x",
        "awk -f /tmp/x",
        "/lib64/ld-linux-x86-64.so.2 /tmp/x",
        "LD_PRELOAD=/tmp/x ls",
        "export LD_PRELOAD=/tmp/x",
        "find / -name a -exec /tmp/x {} \\;",
        "ls | xargs -n 1 /tmp/x",
        "eval '/tmp/x'",
        "trap /tmp/x EXIT",
        "if true; then /tmp/x; fi",
        "! /tmp/x",
        "{ /tmp/x; }",
        "(/tmp/x)",
        "echo $(/tmp/x)",
        'echo "a `/tmp/x` b"',
        "diff <(/tmp/x) a",
        "case $1 in start) /tmp/x;; esac",
        "true 2>&1 | /tmp/x",
        "cat <<END\ntext\nEND\n/tmp/x",
        "true # no comment\n/tmp/x",
        "a=b#c /tmp/x",
    ],
)
def test_a_program_is_seen_through_whatever_starts_it(text):
    assert "/tmp/x" in paths(text)


@pytest.mark.parametrize(
    "text",
    [
        "find /tmp/x -mtime +7 -delete",
        "rm -rf /tmp/x",
        "tar czf /tmp/x /etc",
        "backup > /tmp/x 2>/tmp/x",
        "flock -n /tmp/x backup",
        "[ -x /tmp/x ] && true",
        "test -e /tmp/x",
        "for f in /tmp/x; do true; done",
        "cat <<END\n/tmp/x\nEND",
        "cat <<-'END'\n\t/tmp/x\n\tEND",
        "true # /tmp/x",
        "echo '/tmp/x'",
        "python3 -c 'import os' /tmp/x",
        "perl -ne print /tmp/x",
        "sh -s /tmp/x",
        "$UNKNOWN/tmp/x",
        "T=$(mktemp -d); $T/tmp/x",
        "x",
        "",
    ],
)
def test_files_that_are_only_read_or_written_are_not_started(text):
    assert "/tmp/x" not in paths(text)


def test_roles_and_relative_paths():
    assert [(one.path, one.role) for one in started_programs("run-parts --report /etc/cron.daily; ./a; b; sh c", "/srv")] == [
        ("/etc/cron.daily", "directory"),
        ("/srv/a", "program"),
        ("/srv/c", "script"),
    ]
    assert paths("./a; sh c") == []


def test_the_library_and_the_program():
    assert [(one.path, one.role) for one in started_programs("LD_PRELOAD=/a.so:/b.so /bin/ls")] == [
        ("/a.so", "library"),
        ("/b.so", "library"),
        ("/bin/ls", "program"),
    ]


@pytest.mark.parametrize("nested", ["eval " * 200 + "/tmp/x", "nice " * 1000 + "/tmp/x", "$(" * 100 + "/tmp/x" + ")" * 100])
def test_commands_in_commands_that_are_not_followed_are_said(nested):
    reader = ShellReader()
    reader.read(nested)
    assert reader.cut


@pytest.mark.parametrize(
    "text",
    [
        "$(" * 50_000,
        "`" * 100_000,
        '"$(`' * 30_000,
        "A=/x;" + "$A/" * 50_000,
        "find -exec " * 20_000,
        "sudo -n " * 40_000,
        "<<A\n" * 40_000,
        "\\",
    ],
)
def test_made_up_text_takes_no_longer_than_its_length(text):
    reader = ShellReader("/")
    reader.read(text)
    assert len(reader.found) < 10


@pytest.mark.real
@pytest.mark.parametrize("name", ["env", "nice", "nohup", "setsid", "stdbuf", "timeout", "ionice", "chrt", "taskset", "flock", "xargs"])
def test_wrappers_start_what_stands_where_the_table_says(name, require_tool, tmp_path):
    """The real wrapper is run on a script that leaves a mark."""
    tool = require_tool(name)
    script, mark = tmp_path / "script", tmp_path / "mark"
    script.write_text(f"#!/bin/sh\necho done > {mark}\n")
    script.chmod(0o755)
    between = {"timeout": ["10"], "chrt": ["-b", "0"], "taskset": ["1"], "flock": [str(tmp_path / "lock")], "stdbuf": ["-oL"]}.get(name, [])
    subprocess.run([tool, *between, str(script)], check=True, stdin=subprocess.DEVNULL, cwd=tmp_path, capture_output=True)
    assert mark.read_text() == "done\n"
    assert str(script) in paths(" ".join([name, *between, str(script)]))
    assert name in WRAPPERS
