"""The settings that hardaudit says PHP has are those that a real PHP says it has (ini_get_all through FastCGI)."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from fastcgi import PrivateFpm, ask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from hardaudit.target.target import Target
from hardaudit_plugins.web.evidence import Evidence
from hardaudit_plugins.web.php.defaults import PERDIR, SYSTEM, USER, defaults_for
from hardaudit_plugins.web.php.effective import Settings
from hardaudit_plugins.web.php.fpm import Fpm, load_place
from hardaudit_plugins.web.php.fpm_places import FpmPlace
from hardaudit_plugins.web.php.ini_files import read_ini
from hardaudit_plugins.web.php.served import served
from hardaudit_plugins.web.site import Mapping
from hardaudit_plugins.web.verdict import Place

pytestmark = pytest.mark.real

DUMP = """<?php
$all = [];
foreach (ini_get_all(null, true) as $name => $entry) { $all[$name] = [$entry['local_value'], $entry['access']]; }
echo json_encode(['all' => $all, 'gone' => array_values(array_filter(['exec', 'system', 'passthru', 'popen'], fn ($f) => !function_exists($f)))],
    JSON_INVALID_UTF8_SUBSTITUTE);
"""
NAMES = (
    "expose_php",
    "display_errors",
    "allow_url_include",
    "session.cookie_httponly",
    "session.cookie_secure",
    "session.name",
    "memory_limit",
    "error_reporting",
    "upload_tmp_dir",
    "sys_temp_dir",
    "arg_separator.output",
    "max_input_vars",
    "session.sid_length",
    "default_charset",
    "auto_append_file",
    "user_agent",
    "cgi.fix_pathinfo",
    "engine",
    "not_a_setting",
    "Display_Errors",
    "mysqli.default_host",
)
PLAIN_VALUES = ("On", "off", "none", "1", "0", '"a b"', "E_ALL & ~E_NOTICE", "E_ALL | 1", "", "128M", "64", "-1", "abc def")
VALUES = (*PLAIN_VALUES, "''", "x;y", "'${x}'", "${expose_php}", '"<${display_errors}>"')
PER_DIRECTORY = (
    "display_errors",
    "session.cookie_secure",
    "memory_limit",
    "allow_url_include",
    "user_agent",
    "max_input_vars",
    "open_basedir",
)
LATE_NAMES = tuple(name for name in NAMES if name not in ("session.name", "session.sid_length"))
"""Without those for whose bad values PHP writes a warning to the client: after it, it refuses every session setting."""

NUMERIC = {"max_input_vars": ("100", "0"), "memory_limit": ("64M", "1G", "-1"), "error_reporting": ("E_ALL", "0")}


def lines_of(names, values, size):
    """Lines of names with values; of numeric settings with numbers only."""
    line = st.sampled_from(names).flatmap(lambda name: st.sampled_from(NUMERIC.get(name, values)).map(lambda value: f"{name} = {value}"))
    return st.lists(line, max_size=size)


section_lines = lines_of(LATE_NAMES, VALUES, 4)
ini_lines = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(VALUES)).map(" = ".join), max_size=8)


@dataclass
class CarrierSite:
    """A site as php_settings asks about it; what its server says to PHP is given."""

    root: str
    socket: str
    values: list = field(default_factory=list)
    server = "nginx"
    name = "shop.example"

    @property
    def docroot(self):
        return self.root

    def mappings(self):
        return [Mapping("/", f"{self.root}/", None)]

    def fpm_addresses(self):
        return [(f"unix:{self.socket}", Place("/etc/nginx/nginx.conf", 1))]

    def php_module(self):
        return None

    def php_values(self, directory):
        del directory
        return self.values


def real(socket: Path, script: Path, docroot: Path, **more: str) -> dict:
    parameters = {
        "REQUEST_METHOD": "GET",
        "SCRIPT_FILENAME": str(script),
        "DOCUMENT_ROOT": str(docroot),
        "SERVER_NAME": "shop.example",
        **more,
    }
    answer = ask(str(socket), parameters).decode("utf-8", "replace")
    if '{"all"' not in answer:
        return {}  # open_basedir keeps PHP from the script
    return json.JSONDecoder().raw_decode(answer, answer.index('{"all"'))[0]  # warnings may stand before and after it


def assert_same(said: dict, truth: dict) -> None:
    """Every setting of the real PHP is said to have its value, but for those whose defaults are of Debian's builds."""
    if not truth:
        assert said["open_basedir"].value
        return
    known = defaults_for("8.2", debian=False)
    for name, (value, _) in truth["all"].items():
        if name in ("session.save_path", "disable_functions", "disable_classes") or name not in known:
            continue
        assert name in said, name
        if said[name].value is None and said[name].place is not None:
            continue  # a value from the environment, which hardaudit does not know
        assert (name, said[name].value) == (name, value)
    wanted = {
        name
        for name in ("exec", "system", "passthru", "popen")
        if name in (said["disable_functions"].value or "").replace(",", " ").split()
    }
    assert wanted == set(truth["gone"])


@pytest.fixture
def fpm_program(require_root, require_tool) -> str:
    return require_tool("php-fpm8.2")


class World:
    """A private php-fpm with one pool, on files that a test writes, and hardaudit's view of it."""

    def __init__(self, root: Path, program: str, ini: str, more: str, pool: str) -> None:
        self.root = root
        shutil.rmtree(root, ignore_errors=True)
        for directory in (root / "conf.d", root / "www/sub/deep"):
            directory.mkdir(parents=True)
        (root / "php.ini").write_text(ini)
        (root / "conf.d/20-more.ini").write_text(more)
        for directory in ("www", "www/sub", "www/sub/deep"):
            (root / directory / "dump.php").write_text(DUMP)
        lines = f"user = root\ngroup = root\nlisten = {root}/s\npm = static\npm.max_children = 1\npm.max_requests = 1\n{pool}\n"
        (root / "php-fpm.conf").write_text(f"[global]\nerror_log = {root}/log\n[shop]\n{lines}")
        self.server = PrivateFpm(program, root)
        self.server.wait_for([root / "s"])

    def said(self, values: list | None = None) -> dict[str | None, dict]:
        with Target.live_host() as target:
            evidence = Evidence(target, lambda: None)
            pools, understood = load_place(evidence, FpmPlace(f"{self.root}/php-fpm.conf", "8.2", str(self.root), f"{self.root}/conf.d"))
            assert understood
            site = CarrierSite(f"{self.root}/www", f"{self.root}/s", values or [])
            ways = [way for way in served(evidence, [site], Fpm(tuple(pools), True, target=target)) if way.sapi == "fpm-fcgi"]
        whole = next(way.entries for way in ways if way.directory is None)
        return {None if way.directory is None else way.directory: {**whole, **way.entries} for way in ways}

    def truth(self, directory: str, **more: str) -> dict:
        return real(self.root / "s", self.root / directory / "dump.php", self.root / "www", **more)


kinds = ("php_value", "php_admin_value")
pool_lines = st.lists(
    st.tuples(st.sampled_from(kinds), st.sampled_from(LATE_NAMES), st.sampled_from(PLAIN_VALUES)).map(
        lambda drawn: f"{drawn[0]}[{drawn[1]}] = {drawn[2]}"
    )
    | st.tuples(
        st.sampled_from(("php_flag", "php_admin_flag")), st.sampled_from(LATE_NAMES), st.sampled_from(("on", "off", "yes", "1"))
    ).map(lambda drawn: f"{drawn[0]}[{drawn[1]}] = {drawn[2]}")
    | st.tuples(st.sampled_from(kinds), st.sampled_from(("exec", "system,popen", "passthru"))).map(
        lambda drawn: f"{drawn[0]}[disable_functions] = {drawn[1]}"
    ),
    max_size=6,
)
user_inis = lines_of(PER_DIRECTORY, ("0", "1", '"/tmp"', "256M", '"{root}/www"', '"{root}/www/sub:/tmp"'), 4)


@given(
    ini=ini_lines,
    more=ini_lines,
    pool=pool_lines,
    users=st.lists(user_inis, min_size=2, max_size=2),
    section=section_lines,
    disabled=st.sampled_from(("", "exec", "popen exec")),
)
@settings(max_examples=60, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate), suppress_health_check=list(HealthCheck))
def test_settings_of_a_pool_are_those_of_a_real_php_fpm(fpm_program, tmp_path_factory, ini, more, pool, users, section, disabled) -> None:
    root = tmp_path_factory.getbasetemp() / "settings"
    head = [f"disable_functions = {disabled}", *ini, f"[PATH={root}/www/sub]", *section[:2], "[HOST=Shop.Example]", *section[2:4], "[PHP]"]
    based = [f"php_value[open_basedir] = {root}/www:{root}/x"] if disabled else []
    world = World(root, fpm_program, "\n".join(head) + "\n", "\n".join(more) + "\n", "\n".join([*pool, *based]))
    try:
        (root / "www/.user.ini").write_text("\n".join(users[0]).replace("{root}", str(root)) + "\n")
        (root / "www/sub/.user.ini").write_text("\n".join(users[1]).replace("{root}", str(root)) + "\n")
        said = world.said()
        for directory in ("www", "www/sub"):
            assert_same(said.get(f"{root}/{directory}", said[None]), world.truth(directory))
    finally:
        world.server.stop()


@pytest.mark.parametrize("admin", [False, True])
@pytest.mark.parametrize(
    "value", ["display_errors = 0", "open_basedir = /", "disable_functions = exec", "expose_php = Off\nmemory_limit = 64M", "engine = off"]
)
def test_settings_in_the_request_are_taken_as_by_a_real_php_fpm(fpm_program, tmp_path, admin, value) -> None:
    world = World(
        tmp_path / "world",
        fpm_program,
        "disable_functions = popen\n",
        "",
        "php_admin_value[display_errors] = 1\nphp_admin_value[memory_limit] = 256M",
    )
    try:
        (world.root / "www/.user.ini").write_text("display_errors = stderr\nmemory_limit = 99M\n")
        place = Place("/etc/nginx/nginx.conf", 3)
        sent = [
            (name, text.replace("Off", "").replace("off", ""), admin, place)
            for name, text in (line.split(" = ") for line in value.split("\n"))
        ]
        truth = world.truth("www", **{"PHP_ADMIN_VALUE" if admin else "PHP_VALUE": value})
        said = world.said(sent)
        assert_same(said.get(f"{world.root}/www", said[None]), truth)
    finally:
        world.server.stop()


def test_compiled_defaults_are_those_of_the_real_php(fpm_program, tmp_path) -> None:
    extensions = Path("/usr/lib/php/20220829")
    if not extensions.is_dir():
        pytest.skip("needs Debian's extensions of PHP 8.2")
    names = sorted(path.stem for path in extensions.glob("*.so"))
    lines = [f"{'zend_extension' if name == 'opcache' else 'extension'} = {name}.so" for name in names]
    world = World(tmp_path / "world", fpm_program, "", "\n".join(lines) + "\n", "")
    try:
        truth = world.truth("www")["all"]
    finally:
        world.server.stop()
    known = {
        name: default for name, default in defaults_for("8.2", debian=True).items() if not default.sapis or "fpm-fcgi" in default.sapis
    }
    bits = {"all": USER | PERDIR | SYSTEM}
    assert bits["all"] == 7
    assert {name: [default.value, default.changeable] for name, default in known.items() if name in truth} == {
        name: entry for name, entry in truth.items() if name != "extension_dir"
    }


def test_debians_own_files_give_the_values_of_its_fpm_and_cgi(require_root, require_tool, tmp_path) -> None:
    if not Path("/etc/php/8.2/fpm/php.ini").exists():
        pytest.skip("needs Debian's php8.2-fpm")
    (tmp_path / "dump.php").write_text(DUMP)
    with Target.live_host() as target:
        evidence = Evidence(target, lambda: None)
        said = Settings.of_files(
            "cgi-fcgi", "8.2", read_ini(evidence, "cgi-fcgi", "/etc/php/8.2/cgi", "/etc/php/8.2/cgi/conf.d"), pytest.fail
        ).entries
    server = subprocess.Popen(
        [require_tool("php-cgi8.2"), "-b", str(tmp_path / "s")],
        cwd="/",
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        for _ in range(200):
            if (tmp_path / "s").exists():
                break
            time.sleep(0.05)
        truth = real(tmp_path / "s", tmp_path / "dump.php", tmp_path)
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
    assert_same(said, truth)
