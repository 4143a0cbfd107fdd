"""read_htaccess against the installed server: what answers 500, and what is in effect.

apache2 runs on a port of the loopback interface with a configuration in a temporary directory; each case is a directory with a .htaccess file
whose `ErrorDocument 404 seen` shows in the answer for a file that is not there, when it is in effect.
"""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from test_apache_reader import LOADED, MODULES, STATIC, server_version

from hardaudit.target.target import Target
from hardaudit_plugins.web.apache.directive import ApacheSyntaxError, Configuration, Directive
from hardaudit_plugins.web.apache.directive_table import OVERRIDE_CLASSES, allowed_in_htaccess
from hardaudit_plugins.web.apache.modules import source_name
from hardaudit_plugins.web.apache.reader import read_htaccess
from hardaudit_plugins.web.apache.reading import AccessRules, Reader
from hardaudit_plugins.web.apache.words import Variables
from hardaudit_plugins.web.evidence import Evidence

pytestmark = pytest.mark.real
SEEN = 'ErrorDocument 404 "seen"\n'


@dataclass(frozen=True)
class Case:
    text: str | bytes
    override: str = "All"
    listed: str = ""


CASES = {
    "plain": Case(SEEN),
    "crlf": Case("<IfModule mod_dir.c>\r\nErrorDocument \\\r\n404 seen\r\n</IfModule>\r\n"),
    "empty": Case(""),
    "module": Case(f"<IfModule mod_dir.c>\n{SEEN}</IfModule>\n"),
    "module_by_identifier": Case(f"<IfModule dir_module>\n{SEEN}</IfModule>\n<IfModule so_module>\n</IfModule>\n"),
    "no_module": Case(f"<IfModule nothing>\nfoo\n{SEEN}</IfModule>\n"),
    "condition_not_listed": Case(f"<IfModule mod_dir.c>\n{SEEN}</IfModule>\n", "None", "ErrorDocument"),
    "condition_listed": Case(f"<IfModule mod_dir.c>\n{SEEN}</IfModule>\n", "None", "ErrorDocument <IfModule"),
    "condition_with_any_class": Case("<IfModule mod_dir.c>\n</IfModule>\n", "AuthConfig"),
    "unclosed_condition": Case(f"<IfModule mod_dir.c>\n{SEEN}"),
    "unclosed_section": Case(f"<Files x>\n{SEEN}"),
    "unclosed_both": Case(f"<IfModule mod_dir.c>\n{SEEN}<Files x>\n"),
    "wrong_end": Case("<IfModule mod_dir.c>\n</IfDefine>\n"),
    "define": Case("Define Z 1\n"),
    "define_listed": Case("Define Z 1\n", "None", "Define"),
    "undefine": Case("UnDefine Z\n"),
    "include": Case("Include seen.inc\n"),
    "include_listed": Case("Include seen.inc\n", "None", "Include ErrorDocument"),
    "include_optional": Case("IncludeOptional nothing\n"),
    "load_module": Case("LoadModule a b\n"),
    "server_root": Case("ServerRoot /\n"),
    "macro": Case(f"<Macro own>\n{SEEN}</Macro>\nUse own\n"),
    "macro_of_the_configuration": Case("Use known\n"),
    "macro_defined_later_in_the_configuration": Case("Use later\n"),
    "macro_of_nobody": Case("Use nobody\n"),
    "error": Case("Error stop\n"),
    "variable": Case('ErrorDocument 404 "${SEEN}"\n'),
    "variable_undefined_in_the_end": Case('ErrorDocument 404 "${GONE}"\n'),
    "variable_of_the_environment": Case('ErrorDocument 404 "${FROM_ENVIRONMENT}"\n'),
    "definition": Case(f"<IfDefine SEEN>\n{SEEN}</IfDefine>\n<IfDefine GONE>\nfoo\n</IfDefine>\n"),
    "file": Case(f"<IfFile seen.inc>\n{SEEN}</IfFile>\n"),
    "version": Case(f"<IfVersion > 2.4>\n{SEEN}</IfVersion>\n"),
    "longest_line": Case(f"#{'a' * 8190}\n{SEEN}"),
    "too_long_line": Case(f"#{'a' * 8191}\n{SEEN}"),
    "longest_last_line": Case(f"{SEEN}#{'a' * 8191}"),
    "too_long_last_line": Case(f"{SEEN}#{'a' * 8192}"),
    "byte_order_mark": Case(f"\ufeff#\n{SEEN}"),
    "nul": Case(b'ErrorDocument 404 "seen"\0junk\n'),
    "unknown": Case("foo\n"),
    "section_that_is_not_for_htaccess": Case("<Directory /x>\n</Directory>\n"),
    "class_not_allowed": Case(SEEN, "AuthConfig Limit"),
    "class_allowed": Case(SEEN, "FileInfo"),
    "nonfatal_definition": Case(f"Define Z 1\n{SEEN}", "FileInfo Nonfatal=Override"),
    "nonfatal_condition": Case(f"<IfModule mod_dir.c>\n{SEEN}</IfModule>\n", "Nonfatal=Override", "ErrorDocument"),
    "nonfatal_is_not_for_arguments": Case(f"ErrorDocument 404\n{SEEN}", "FileInfo Nonfatal=All"),
    "missing_argument": Case("AddType text/x\n"),
    "too_many_arguments": Case("SetHandler a b\n"),
    "flag_that_is_none": Case("CheckSpelling maybe\n"),
}


@dataclass
class Server:
    port: int
    directory: Path
    configuration: Configuration

    def answer(self, name: str) -> str:
        """`500`, `seen`, or `unseen`."""
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{self.port}/{name}/nothing", timeout=10)
        except urllib.error.HTTPError as error:
            return "500" if error.code == 500 else "seen" if error.read() == b"seen" else "unseen"
        return "200"

    def verdict(self, name: str) -> str:
        case = CASES[name]
        words = case.override.lower().split()
        classes = OVERRIDE_CLASSES if "all" in words else frozenset(one for one in OVERRIDE_CLASSES if one.lower() in words)
        rules = AccessRules(classes, frozenset(case.listed.split()), "nonfatal" in case.override.lower())
        text = (self.directory / name / ".htaccess").read_bytes().decode()
        try:
            read = read_htaccess(text, f"/{name}/.htaccess", self.configuration, rules)
        except ApacheSyntaxError:
            return "500"
        if not all(self._passes(directive, rules) for directive in read):
            return "500"
        return "seen" if any(directive.words() == ["404", "seen"] for directive in read) else "unseen"

    def _passes(self, directive: Directive, rules: AccessRules) -> bool:
        known = self.configuration.knows(directive.name)
        return rules.nonfatal or bool(known and allowed_in_htaccess(directive.name, rules.override, rules.override_list))


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    program = Path("/usr/sbin/apache2")
    if not program.exists() or os.geteuid() != 0:
        reason = "needs apache2 and root"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    with tempfile.TemporaryDirectory() as made, socket.socket() as probe:
        directory = Path(made)
        directory.chmod(0o755)
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        write_configuration(directory, port)
        running = subprocess.Popen([program, "-f", f"{directory}/start", "-X"], env={"FROM_ENVIRONMENT": "seen"})
        try:
            wait_for(port)
            yield Server(port, directory, configuration_in(directory, str(program)))
        finally:
            running.terminate()
            running.wait()


def write_configuration(directory: Path, port: int) -> None:
    lines = [
        f"ServerRoot {directory}",
        "ServerName x",
        f"Listen 127.0.0.1:{port}",
        "User www-data",
        "Group www-data",
        f"DocumentRoot {directory}",
    ]
    lines += [f"LoadModule {name}_module {MODULES}/mod_{name}.so" for name in (*LOADED, "speling")]
    lines += [
        f"PidFile {directory}/pid",
        f"ErrorLog {directory}/log",
        "Define SEEN seen",
        "Define GONE seen",
        f"<Macro known>\n{SEEN}</Macro>",
    ]
    for name, case in CASES.items():
        place = directory / name
        place.mkdir()
        (place / ".htaccess").write_bytes(case.text if isinstance(case.text, bytes) else case.text.encode())
        listed = f"AllowOverrideList {case.listed}" if case.listed else ""
        lines.append(f"<Directory {place}>\nAllowOverride {case.override}\n{listed}\nRequire all granted\n</Directory>")
    lines += ["UnDefine GONE", f"<Macro later>\n{SEEN}</Macro>"]
    (directory / "seen.inc").write_text(SEEN)
    (directory / "mime.types").touch()
    (directory / "start").write_text("\n".join(lines) + "\n")


def wait_for(port: int) -> None:
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("apache2 does not answer")


def configuration_in(directory: Path, program: str) -> Configuration:
    evidence = Evidence(Target.live_host(), lambda: None)
    variables = Variables({"FROM_ENVIRONMENT": "seen"})
    reader = Reader(evidence, "/etc/apache2", STATIC, frozenset(map(source_name, STATIC)), variables)
    reader.version = server_version(program)
    reader.read_file(f"{directory}/start", reader.nodes)
    reader.check()
    assert not reader.problems
    return Configuration(
        directives=tuple(node.freeze() for node in reader.nodes),
        modules=frozenset(reader.modules),
        variables=variables,
        version=reader.version,
        server_root=reader.server_root,
        unread=(),
        module_files=frozenset(reader.module_files),
        macros=reader.macros,
        reading=evidence,
    )


@pytest.mark.parametrize("name", CASES)
def test_htaccess_is_read_as_the_server_reads_it(server: Server, name: str) -> None:
    assert server.verdict(name) == server.answer(name)
