"""php-cgi, found by its program."""

from __future__ import annotations

import pytest

from hardaudit.target.target import Target
from hardaudit_plugins.web.evidence import Evidence
from hardaudit_plugins.web.files import Files
from hardaudit_plugins.web.php.cgi import load_cgi

SENT = {"REQUEST_METHOD": "GET", "SCRIPT_FILENAME": "/var/www/images/x.jpg/a.php", "REDIRECT_STATUS": "200"}


@pytest.fixture
def answer(root):
    """What the php-cgi at a path runs for a request with path info."""
    root.mkdir("/var/www")

    def ask(program, parameters=SENT, *, fastcgi=False):
        with Target.directory(root.path) as target:
            cgi = load_cgi(Evidence(target, lambda: None), program)
            return cgi.answer(parameters, Files(target, {"/var/www/images/x.jpg": ""}), fastcgi=fastcgi)

    return ask


@pytest.fixture
def debian(root):
    """Debian's php-cgi 8.2, with its links."""
    root.write("/usr/bin/php-cgi8.2")
    root.mkdir("/etc/alternatives")
    root.symlink("/etc/alternatives/php-cgi", "/usr/bin/php-cgi8.2")
    root.symlink("/usr/bin/php-cgi", "/etc/alternatives/php-cgi")
    return root


@pytest.mark.parametrize("program", ["/usr/bin/php-cgi", "/usr/bin/php-cgi8.2"])
def test_debians_program_reads_its_versions_files(debian, answer, program) -> None:
    assert answer(program).script == "/var/www/images/x.jpg"
    debian.write("/etc/php/8.2/cgi/php.ini", "cgi.fix_pathinfo = 0\n")
    assert (answer(program).script, answer(program).undecided) == (None, False)


def test_a_program_that_no_action_led_to_runs_nothing(debian, answer) -> None:
    direct = {name: value for name, value in SENT.items() if name != "REDIRECT_STATUS"}
    assert (answer("/usr/bin/php-cgi", direct).script, answer("/usr/bin/php-cgi", direct).undecided) == (None, False)
    assert answer("/usr/bin/php-cgi", direct, fastcgi=True).script == "/var/www/images/x.jpg"
    assert answer("/usr/bin/php-cgi", {**direct, "HTTP_REDIRECT_STATUS": "1"}).undecided


@pytest.mark.parametrize("program", ["/srv/wrapper", "/usr/bin/missing"])
def test_a_program_whose_files_are_not_known_refuses_nothing_for_sure(root, answer, program) -> None:
    root.write("/srv/wrapper", "#!/bin/sh\nexec php-cgi\n", mode=0o755)
    assert answer(program).script == "/var/www/images/x.jpg"
    assert answer(program, {**SENT, "SCRIPT_FILENAME": "/var/www/images/y.php"}).undecided
