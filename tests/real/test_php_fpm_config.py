"""FPM's configuration files and ini syntax are read as the real php-fpm and PHP read them."""

from __future__ import annotations

import base64
import json
import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from hardaudit.target.target import Target
from hardaudit_plugins.web.evidence import Evidence
from hardaudit_plugins.web.php.fpm import load_place
from hardaudit_plugins.web.php.fpm_places import FpmPlace
from hardaudit_plugins.web.php.ini_scanner import IniSyntaxError, parse_ini

pytestmark = pytest.mark.real

PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
SECTIONS = ("[www]", "[WWW]", "[shop]", "[global]", "[Global]", '["www"]', "[a b]")
ENTRIES = (
    "user = root",
    "listen = /run/$pool.sock",
    "listen = {root}/x.sock",
    "listen = sock",
    "listen = 9001",
    "listen = 127.0.0.1:9000",
    "listen = '[::1]:9002'",
    "listen=[::1]:9002",
    "LISTEN = /run/upper.sock",
    "prefix = {root}",
    "chroot = {root}",
    "chroot = $prefix",
    "pm = ondemand",
    "pm = static ; fixed",
    "pm = dynamic",
    "pm.max_children = 5",
    "pm.max_children = 0",
    "pm.max_children = many",
    "pm.start_servers = 2",
    "pm.min_spare_servers = 1",
    "pm.max_spare_servers = 3",
    "security.limit_extensions =",
    "security.limit_extensions = .php .phtml",
    'security.limit_extensions = ".php\t.jpg"',
    "security.limit_extensions = off",
    "php_value[memory_limit] = 1M",
    "php_value[memory_limit] = 2M",
    "php_admin_value[open_basedir] = {root}:/x",
    "php_admin_value[error_log] = log/$pool",
    "php_flag[display_errors] = on",
    "php_flag[display_errors] = maybe",
    "php_admin_flag[log_errors] = No",
    "php_admin_value[] = 3",
    "php_value[E_ALL] = E_ALL",
    "env[TMP] = /tmp",
    "env[TMP] =",
    "access.suppress_path[] = /x",
    "include = {root}/more/*.conf",
    "include={root}/more/none*.conf",
    "include = {root}/more/[ab]?.conf",
    "include = {root}/loop.conf",
    "unknown = 1",
    "user",
    "chdir = /",
    "; comment",
    "# hash = comment",
    "",
    "  user   =  root  ",
    "ping.path = /ping",
    "request_terminate_timeout = 30s",
    "catch_workers_output = yes",
    "pm.max_children = 5 = 5",
    'user = "root',
    "emergency_restart_threshold = 3",
)
GOOD = "user = root\nlisten = /run/{name}.sock\npm = ondemand\npm.max_children = 3\n"
REPORTED = ("prefix", "user", "chroot", "pm", "pm.max_children", "security.limit_extensions", "listen")


def really(program: str, root: Path) -> tuple[bool, dict[str, dict[str, list[str]]]]:
    """Whether php-fpm takes the configuration, and its pools with every value that it prints."""
    command = [program, "-n", "-R", "-tt", "-y", str(root / "php-fpm.conf")]
    text = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False).stderr
    pools: dict[str, dict[str, list[str]]] = {}
    current: dict[str, list[str]] = {}
    for printed in text.splitlines():
        _, found, line = printed.partition("NOTICE: ")
        if found and re.fullmatch(r"\[.*\]", line):
            current = pools.setdefault(line[1:-1], {})
        elif found and line.startswith("\t") and " = " in line:
            name, _, value = line.strip("\t").partition(" = ")
            current.setdefault(name, []).append(value)
    pools.pop("global", None)
    return "test is successful" in text, pools


@given(
    lines=st.lists(st.sampled_from(SECTIONS) | st.sampled_from(ENTRIES), max_size=8),
    more=st.lists(st.sampled_from(SECTIONS) | st.sampled_from(ENTRIES), max_size=3),
    sound=st.booleans(),
)
@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck), phases=PHASES)
def test_pools_are_those_that_php_fpm_says_it_has(require_tool, tmp_path_factory, lines, more, sound) -> None:
    program = require_tool("php-fpm8.2")
    root = tmp_path_factory.getbasetemp() / "config"
    (root / "more").mkdir(parents=True, exist_ok=True)
    opening = ["[global]", f"error_log = {root}/log"] + (["[www]", GOOD.format(name="www")] if sound else [])
    (root / "php-fpm.conf").write_text("\n".join([*opening, *lines]).replace("{root}", str(root)) + "\n")
    (root / "more/a1.conf").write_text("\n".join(more).replace("{root}", str(root)))
    (root / "more/.hidden.conf").write_text("nonsense\n")
    (root / "loop.conf").write_text(f"include = {root}/loop.conf\n")
    taken, pools = really(program, root)
    with Target.live_host() as target:
        said, understood = load_place(
            Evidence(target, lambda: None), FpmPlace(str(root / "php-fpm.conf"), "8.2", str(root), str(root / "none"))
        )
    if not said and understood:
        assert not pools  # php-fpm refuses to start without any, and hardaudit says that there are none
        return
    assert understood == taken
    if not taken:
        return
    assert [pool.name for pool in said] == list(pools)
    for pool in said:
        truth = pools[pool.name]
        values = {name: pool.directives[name][0] if name in pool.directives else "undefined" for name in REPORTED}
        values["listen"] = pool.listen.removeprefix("unix:")
        if pool.chroot:
            values["chroot"] = pool.chroot
        if "security.limit_extensions" not in pool.directives:
            values["security.limit_extensions"] = ".php .phar"
        assert {name: [value] for name, value in values.items()} == {name: truth[name] for name in REPORTED}
        last = {name[10:-1]: found[-1] for name, found in truth.items() if name.startswith("php_value[")}
        last.update({name[16:-1]: found[-1] for name, found in truth.items() if name.startswith("php_admin_value[")})
        assert {name: own.value for name, own in pool.ini.items()} == last


PIECES = (
    *(
        "a",
        "b",
        "x",
        "on",
        "off",
        "none",
        "null",
        "E_ALL",
        "E_NOTICE",
        "&",
        "~",
        "|",
        "^",
        "!",
        "(",
        ")",
        " ",
        "  ",
        "\t",
        "=",
        "=",
        "\n",
        "\n",
        ";",
        "c",
    ),
    *(
        '"',
        '"',
        "'",
        "\\",
        "$",
        "${",
        "}",
        "[",
        "]",
        "1",
        "-2",
        "3.5",
        ".",
        "/",
        ",",
        "#",
        ":",
        "<",
        "?",
        "@",
        "{",
        "yes",
        "\r\n",
        "\r",
        "a.b",
        "*",
    ),
    *("k = ", "k = ", "[s]\n", "k[q] = ", 'k2 = "v"\n', "é"),
)
ASK = """while (($line = fgets(STDIN)) !== false) {
    $read = @parse_ini_string(base64_decode(trim($line)), false, INI_SCANNER_NORMAL);
    echo json_encode($read === false ? null : array_map(fn ($k, $v) => [(string) $k, $v], array_keys($read), $read)), "\n";
}"""


@given(texts=st.lists(st.lists(st.sampled_from(PIECES), min_size=1, max_size=14).map("".join), min_size=100, max_size=300))
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), phases=PHASES)
def test_ini_syntax_is_read_as_by_parse_ini_string(require_tool, texts) -> None:
    lines = "".join(base64.b64encode(text.encode()).decode() + "\n" for text in texts)
    command = [require_tool("php8.2"), "-n", "-r", ASK]
    answers = subprocess.run(command, input=lines, capture_output=True, text=True, timeout=60, check=True).stdout.splitlines()
    for text, answer in zip(texts, answers, strict=True):
        truth = json.loads(answer)
        assert (text, said(text)) == (text, None if truth is None else {name: dictionary(value) for name, value in truth})


def dictionary(value):
    """PHP's array of an option with keys; one whose keys are 0, 1, 2 comes as a list."""
    return {str(index): inner for index, inner in enumerate(value)} if isinstance(value, list) else value


def said(text: str) -> dict | None:
    """What the scanner makes of it, in the form of parse_ini_string; None for a syntax error."""
    found: dict = {}
    try:
        for statement in parse_ini(text, lambda _: "", lambda: None):
            if statement.kind == "entry" and statement.value is not None:
                found[statement.name] = statement.value
            elif statement.kind == "array":
                inner = found[statement.name] = found[statement.name] if isinstance(found.get(statement.name), dict) else {}
                highest = max((int(key) for key in inner if re.fullmatch("-?[0-9]+", key)), default=-1)
                inner[statement.key or str(highest + 1)] = statement.value
    except IniSyntaxError:
        return None
    return found
