"""envvars: each file is also run by the real shell, and what that exports is what must be read, or nothing of it."""

from __future__ import annotations

import subprocess

import pytest

from hardaudit.target.target import Target
from hardaudit_plugins.web.apache.environment import read_environment, read_options
from hardaudit_plugins.web.evidence import Evidence

UNDERSTOOD = {
    "plain": "export A=b\n",
    "exported later": "A=b\nexport A\n",
    "not exported": "A=b\nexport B=$A/c\n",
    "quotes": "export A='b $C'\nexport B=\"x $A y\"\nexport C=\n",
    "default": ": ${A:=b}\nexport A\n: ${A:=c}\n",
    "default in a word": "export A=${B:-c}/d\n",
    "comments": "  # export A=no\nexport B=yes # really\n",
    "unset": "unset HOME\nexport A=b\n",
}
DOUBTFUL = {
    "condition": "A=b\nexport A\nif [ -e /nowhere ]\nthen\nexport A=c\nfi\nexport B=d\n",
    "condition in a line": "export A=b\nif true; then A=c; fi\nexport B=d\n",
    "case": "export A=b\ncase x in\nx) A=c ;;\nesac\nexport B=d\n",
    "command": "export A=b\nA=$(echo c)\nexport B=d\n",
    "backticks": "export A=`echo c`\nexport B=d\n",
    "several": "export A=b B=c\n",
    "escape": "export A=b\\ c\n",
}


def read(root, text: str) -> tuple[dict[str, str], bool]:
    root.write("/etc/apache2/envvars", text)
    with Target.directory(root.path) as target:
        return read_environment(Evidence(target, lambda: None), "/etc/apache2/envvars")


def shell(root, text: str) -> dict[str, str]:
    root.write("/etc/apache2/envvars", text)
    run = subprocess.run(
        ["/bin/sh", "-c", f". {root.path}/etc/apache2/envvars; env -0"],
        env={"APACHE_CONFDIR": "/etc/apache2", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    values = dict(item.split("=", 1) for item in run.stdout.split("\0") if item)
    return {name: value for name, value in values.items() if name not in ("PATH", "PWD", "_", "APACHE_CONFDIR", "OLDPWD", "SHLVL")}


@pytest.mark.parametrize("text", UNDERSTOOD.values(), ids=list(UNDERSTOOD))
def test_what_is_understood_is_what_the_shell_exports(root, text: str) -> None:
    assert read(root, text) == (shell(root, text), True)


@pytest.mark.parametrize("text", DOUBTFUL.values(), ids=list(DOUBTFUL))
def test_what_is_not_understood_gives_no_wrong_value(root, text: str) -> None:
    values, complete = read(root, text)
    assert not complete
    assert values.items() <= shell(root, text).items()


def test_what_another_file_may_set_is_not_known(root) -> None:
    assert read(root, "export A=b\n. /etc/other\nexport B=c\n") == ({"B": "c"}, False)


def test_without_the_file_there_is_nothing(root) -> None:
    with Target.directory(root.path) as target:
        evidence = Evidence(target, lambda: None)
        assert read_environment(evidence, "/etc/apache2/envvars") == ({}, True)
        assert read_options(evidence, (("/etc/sysconfig/httpd", "OPTIONS"),)) == frozenset()
