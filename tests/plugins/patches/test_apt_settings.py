"""apt_settings, on written configurations and beside the real apt-config."""

from __future__ import annotations

import os
import subprocess
from urllib.parse import unquote

import pytest

from hardaudit.model.gap import GapReason

CONFIGURATIONS = [
    'APT::Periodic::Unattended-Upgrade "1";\n',
    'APT { Periodic { Unattended-Upgrade "1"; Update-Package-Lists\n  "0"\n; }; Install-Recommends "false"; };\n',
    "// comment\n# another\nAPT::A 1; /* more\nAPT::B 2; */ APT::C yes; // x\n",
    'APT::List { "a"; "b c"; };\nAPT::List:: "d";\nAPT::List:: "a//b";\n',
    'A::B "x";\na::b "y";\nA::b::C "z";\n',
    'A::B "x" "y";\nA::D "one""two";\nA::E "q//r#s;{}";\n',
    'A { B { C "1"; }; D "2"; }\nE "3";\n',
    'A::B "1";\nA::B::C "2";\n#clear A::B;\nA::D "4";\n',
    'Unattended-Upgrade::Origins-Pattern {\n  "origin=Debian,codename=${distro_codename},label=Debian-Security";\n};\n',
    'A::B "x" ; A::C "y";;\n} A::D "z";\n',
    "A::B;\nA::Flag true;\n",
    'A::"B C" "1";\nA::D%20E "2";\n',
    "scope foo { bar baz; };\n",
    'A\n{\n  B\n    "1"\n  ;\n}\n;\n',
    'A::B "a\\"b";\n',
]


@pytest.mark.parametrize("text", CONFIGURATIONS)
@pytest.mark.real
def test_the_real_apt_config_says_the_same(root, query, require_tool, text):
    fragment = root.write("/etc/apt/apt.conf.d/10test", text)
    empty = root.write("/empty.conf", f'Dir "{root.path}/empty/";\nDir::Etc::parts "/dev/null";\nDir::Etc::main "/dev/null";\n')
    combined = root.write("/apt.conf", empty.read_text() + text)
    dump = subprocess.run(
        [require_tool("apt-config"), "dump", "--format", "%F\x1f%v\x1e\n"], env=os.environ | {"APT_CONFIG": str(combined)}, capture_output=True, text=True, check=False
    )
    base = subprocess.run([require_tool("apt-config"), "dump", "--format", "%F\x1f%v\x1e\n"], env=os.environ | {"APT_CONFIG": str(empty)}, capture_output=True, text=True, check=True)
    answer = query("SELECT name, value FROM apt_settings", root)
    if dump.returncode:
        assert answer.gaps
        return
    assert not answer.gaps
    theirs = _values(dump.stdout)
    for item in _values(base.stdout):
        if item in theirs:
            theirs.remove(item)
    assert fragment.exists()
    ours = sorted((row["name"].lower(), row["value"]) for row in answer.rows if row["value"])
    assert ours == sorted((name.lower(), value) for name, value in theirs if value)
    assert ours


def _values(dump: str) -> list[tuple[str, str]]:
    pairs = [entry.strip("\n").split("\x1f", 1) for entry in dump.split("\x1e") if "\x1f" in entry]
    return [(unquote(name), value) for name, value in pairs if name and not name.startswith("Dir")]


def test_the_last_file_wins_and_is_named(root, query):
    root.write("/etc/apt/apt.conf.d/10periodic", 'APT::Periodic::Unattended-Upgrade "0";\n')
    root.write("/etc/apt/apt.conf.d/20auto-upgrades", '\nAPT::Periodic::Unattended-Upgrade "1";\n')
    root.write("/etc/apt/apt.conf.d/30ignored.dpkg-old", 'APT::Periodic::Unattended-Upgrade "7";\n')
    answer = query("SELECT value, path, line FROM apt_settings WHERE name = 'apt::periodic::unattended-upgrade'", root)
    assert answer.rows == [{"value": "1", "path": "/etc/apt/apt.conf.d/20auto-upgrades", "line": 2}]
    root.write("/etc/apt/apt.conf", 'APT::Periodic::Unattended-Upgrade "3";\n')
    assert query("SELECT value FROM apt_settings", root).rows == [{"value": "3"}]


@pytest.mark.parametrize("text", ['A::B "x', "A::B x\n", "{ x; }", 'A::B "1" y;', "A { #clear x; };", "A::B 1;\n/* open"])
def test_what_apt_refuses_is_a_gap_and_what_came_before_stands(root, query, text):
    root.write("/etc/apt/apt.conf", 'First "1";\n' + text)
    answer = query("SELECT name FROM apt_settings WHERE name = 'First'", root)
    assert answer.rows == [{"name": "First"}]
    if text != "A::B 1;\n/* open":  # APT takes an open comment for a comment to the end
        assert [gap.reason for gap in answer.gaps] == [GapReason.UNDECIDABLE]
        assert answer.gaps[0].detail.startswith("/etc/apt/apt.conf:")


def test_endless_inclusion_and_nesting_are_bounded(root, query):
    root.write("/etc/apt/apt.conf", '#include "/etc/apt/apt.conf";\nA "1";\n')
    assert GapReason.UNDECIDABLE in [gap.reason for gap in query("SELECT * FROM apt_settings", root).gaps]
    root.write("/etc/apt/apt.conf", "A {" * 100_000)
    answer = query("SELECT * FROM apt_settings", root)
    assert answer.gaps
    assert answer.duration < 5


def test_an_included_directory_is_read(root, query):
    root.write("/etc/apt/apt.conf", '#include "/etc/apt/more/";\n#include "/etc/apt/single";\n')
    root.write("/etc/apt/more/one.conf", 'A "1";\n')
    root.write("/etc/apt/single", 'B "2";\n')
    assert [row["name"] for row in query("SELECT name FROM apt_settings", root).rows] == ["A", "B"]


@pytest.mark.parametrize("text", ["a::" * 300_000 + 'b "1";', '"' * 1_000_001, "A { " * 40 + "::" * 500_000, 'A "1" ' * 100_000, "/*" * 500_000])
def test_a_long_line_takes_linear_time_and_little_memory(root, query, text):
    root.write("/etc/apt/apt.conf", text)
    answer = query("SELECT count(*) AS n FROM apt_settings", root)
    assert answer.duration < 10
    assert answer.gaps or text.startswith("/*")
