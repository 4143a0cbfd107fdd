"""What hardaudit says php-cgi runs is what a real php-cgi runs, as a FastCGI server and as a CGI program."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time

import pytest
from fastcgi import ask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_php_fpm import CODE, LINKS, NAMES, requests

from hardaudit.target.target import Target
from hardaudit_plugins.web.evidence import Evidence
from hardaudit_plugins.web.files import Files
from hardaudit_plugins.web.php.cgi import Cgi
from hardaudit_plugins.web.php.ini_files import read_ini

pytestmark = pytest.mark.real

INIS = {
    "default": "",
    "no_path_info": "cgi.fix_pathinfo = Off\n",
    "discard": "cgi.fix_pathinfo = 0\ncgi.discard_path = On\n",
    "no_redirect": "cgi.force_redirect = 0\n",
    "other_status": 'cgi.redirect_status_env = "SCRIPT_NAME"\n',
    "doc_root": "doc_root = {root}/www\ncgi.force_redirect = 0\n",
    "doc_root_based": "doc_root = {root}/www/sub/\nopen_basedir = {root}/www/sub:{root}/outside/\ncgi.fix_pathinfo = 0\n",
    "sections": "[PATH={root}/www/sub]\nopen_basedir = {root}/outside\n",
}


class World:
    """A document root and a php-cgi, both ways."""

    def __init__(self, program, root, ini):
        self.root, self.program = root, program
        for name in NAMES:
            for place in (root / "www" / name, root / "outside" / name):
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_text(CODE)
        for name, target in LINKS.items():
            (root / "www" / name).symlink_to(target)
        (root / "php.ini").write_text(ini.format(root=root))
        (root / "conf.d").mkdir()
        self.environment = {"PATH": os.environ["PATH"], "PHP_INI_SCAN_DIR": str(root / "conf.d")}
        command = [program, "-c", str(root / "php.ini"), "-b", str(root / "cgi.sock")]
        environment = {**self.environment, "PHP_FCGI_MAX_REQUESTS": "0"}
        self.server = subprocess.Popen(
            command, env=environment, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        for _ in range(200):
            if (root / "cgi.sock").exists():
                break
            time.sleep(0.05)
        self.target = Target.live_host()
        base = read_ini(Evidence(self.target, lambda: None), "cgi-fcgi", str(root), str(root / "conf.d"))
        self.cgi, self.files = Cgi(program, "8.2", base), Files(self.target, {})

    def really(self, parameters, *, fastcgi):
        if fastcgi:
            answer = ask(f"{self.root}/cgi.sock", parameters)
        else:
            command = [self.program, "-c", str(self.root / "php.ini")]
            answer = subprocess.run(
                command, env={**self.environment, **parameters}, cwd="/", capture_output=True, timeout=20, check=False
            ).stdout
        _, ran, rest = answer.partition(b"X-Ran: ")
        return rest.partition(b":\r\n")[0].decode() if ran else None

    def stop(self):
        os.killpg(self.server.pid, signal.SIGKILL)
        self.server.wait()
        self.target.close()


@pytest.fixture(scope="module", params=INIS)
def world(request, tmp_path_factory):
    program = shutil.which("php-cgi8.2")
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail("needs php-cgi8.2: under CI nothing real may be skipped")
        pytest.skip("needs php-cgi8.2")
    made = World(program, tmp_path_factory.mktemp("cgi"), INIS[request.param])
    yield made
    made.stop()


def placed(world: World, request: dict[str, str]) -> dict[str, str]:
    return {name: value.replace("{root}", str(world.root)) for name, value in request.items() if not name.startswith("PHP_")}


@given(request=requests())
@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_script_that_is_said_to_run_is_the_one_that_a_fastcgi_php_cgi_runs(world: World, request: dict[str, str]) -> None:
    sent = placed(world, request)
    said = world.cgi.answer(sent, world.files, fastcgi=True)
    ran = world.really(sent, fastcgi=True)
    assert said.undecided or said.script == ran, said.reason


@given(request=requests(), redirected=st.sampled_from(("REDIRECT_STATUS", "REDIRECT_STATUS", "HTTP_REDIRECT_STATUS", "")))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_script_that_is_said_to_run_is_the_one_that_a_php_cgi_program_runs(
    world: World, request: dict[str, str], redirected: str
) -> None:
    sent = {**placed(world, request), **({redirected: "200"} if redirected else {}), "GATEWAY_INTERFACE": "CGI/1.1"}
    said = world.cgi.answer(sent, world.files, fastcgi=False)
    ran = world.really(sent, fastcgi=False)
    assert said.undecided or said.script == ran, said.reason
