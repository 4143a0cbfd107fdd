"""The reader of Apache's configuration against the installed server: both read the same directives, in the same places, or both refuse.

apache2 runs with `-t` and a configuration of its own in a temporary directory: it reads, prints what it has read (mod_info's DUMP_CONFIG) and
ends. Nothing of the machine is touched, nothing listens.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from apache_configurations import configurations
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from hardaudit.model import host_text
from hardaudit.target.target import Target
from hardaudit_plugins.web.apache.directive import ApacheSyntaxError, Directive
from hardaudit_plugins.web.apache.installation import LAYOUTS
from hardaudit_plugins.web.apache.modules import source_name
from hardaudit_plugins.web.apache.reading import BoundError, Reader
from hardaudit_plugins.web.apache.words import Variables, split_words
from hardaudit_plugins.web.evidence import Evidence
from hardaudit_plugins.web.verdict import Place

pytestmark = pytest.mark.real

MODULES = Path("/usr/lib/apache2/modules")
LOADED = ("mpm_prefork", "authz_core", "info", "macro", "dir", "mime", "env")
STATIC = LAYOUTS[0].modules
Row = tuple[int, str, str, str, int]
"""Depth, name, arguments with variables put in, file and line."""


@dataclass
class Apache:
    """A directory of configuration files, read by the server and by hardaudit."""

    program: str
    directory: Path

    def write(self, files: dict[str, str | bytes]) -> None:
        for child in self.directory.iterdir():
            shutil.rmtree(child) if child.is_dir() and not child.is_symlink() else child.unlink()
        for name, content in files.items():
            place = self.directory / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content if isinstance(content, bytes) else content.encode())
        loading = "".join(f"LoadModule {name}_module {MODULES}/mod_{name}.so\n" for name in LOADED)
        head = f"ServerRoot {self.directory}\nServerName fixture\nErrorLog {self.directory}/log\nPidFile {self.directory}/pid\n"
        (self.directory / "start").write_text(f"{head}{loading}Include main\n")

    def server(self) -> list[Row] | str:
        """What the server reads, or its message when it refuses."""
        run = subprocess.run(
            [self.program, "-f", f"{self.directory}/start", "-t", "-D", "DUMP_CONFIG"],
            capture_output=True,
            env={"BETA": "environment", "beta": "small environment"},
            check=False,
        )
        output, errors = host_text.decode(run.stdout), host_text.decode(run.stderr)
        return parse_dump(output) if run.returncode == 0 else errors or f"status {run.returncode}"

    def reader(self) -> Reader:
        with Target.live_host() as target:
            evidence = Evidence(target, lambda: None)
            variables = Variables({"BETA": "environment", "beta": "small environment"}, frozenset({"DUMP_CONFIG"}))
            reader = Reader(evidence, "/etc/apache2", STATIC, frozenset(map(source_name, STATIC)), variables)
            reader.version = server_version(self.program)
            try:
                reader.read_file(f"{self.directory}/start", reader.nodes)
                reader.check()
            except ApacheSyntaxError as error:
                reader.problems.append(error)
            except BoundError as error:
                reader.problem(Place(str(self.directory), 0), str(error))
            return reader

    def hardaudit(self) -> list[Row] | str:
        """What hardaudit reads, or the fault that it finds."""
        reader = self.reader()
        if reader.problems:
            return str(reader.problems[0])
        return [row for node in reader.nodes for row in rows(node.freeze(), 0)]


def server_version(program: str) -> tuple[int, int, int]:
    text = subprocess.run([program, "-v"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"Apache/(\d+)\.(\d+)\.(\d+)", text)
    assert found
    return int(found[1]), int(found[2]), int(found[3])


def rows(directive: Directive, depth: int) -> Iterator[Row]:
    yield depth, directive.name, directive.resolved, directive.place.path, directive.place.line
    for child in directive.children or ():
        yield from rows(child, depth + 1)


def parse_dump(output: str) -> list[Row]:
    found: list[Row] = []
    path, number = "", 0
    for line in output.split("\n"):
        text = line.strip(" ")
        if text.startswith("# In file: "):
            path = text.removeprefix("# In file: ")
        elif re.fullmatch(r"#\s+[0-9]+:", text):
            number = int(text[1:-1])
        elif text and not text.startswith("</"):
            depth = (len(line) - len(line.lstrip(" "))) // 2  # an empty section is printed without its end
            name, _, arguments = text.partition(" ")
            opening = name.startswith("<")
            arguments = arguments.rpartition(">")[0] if opening else arguments
            found.append((depth, name.lower().lstrip("<"), arguments.strip(), path, number))
    return found


@pytest.fixture(scope="module")
def apache() -> Iterator[Apache]:
    program = shutil.which("apache2", path="/usr/sbin")
    if program is None:
        pytest.fail("needs apache2") if os.environ.get("CI") == "true" else pytest.skip("needs apache2")
    with tempfile.TemporaryDirectory() as directory:
        yield Apache(program, Path(directory))


def comparable(read: list[Row] | str) -> list[tuple[object, ...]]:
    """Rows without the places of macros' lines, which the server counts in the macro and hardaudit in its file."""
    assert not isinstance(read, str)
    return [row[:3] for row in read]


def places(read: list[Row]) -> list[tuple[str, int]]:
    return [row[3:] for row in read]


def agree(apache: Apache) -> None:
    server, mine = apache.server(), apache.hardaudit()
    if isinstance(server, str) or isinstance(mine, str):
        assert type(server) is type(mine), (server, mine)
        return
    assert comparable(mine) == comparable(server)
    if not any(path.startswith("macro") for path, _ in places(server)):
        assert places(mine) == places(server)


@given(files=configurations())
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_generated_configurations_are_read_as_the_server_reads_them(apache: Apache, files: dict[str, str]) -> None:
    apache.write(dict(files))
    agree(apache)


CONFIGURATIONS = {
    "an unclosed section of a condition that holds is closed by the end of the file": "<IfModule core.c>\n<Directory /x>\nOptions None\n",
    "an unclosed section of a condition that does not hold is a fault": "<IfModule nothing>\nSetEnv A 1\n",
    "space before the bracket that closes a condition is a fault": "<IfModule core.c>\nSetEnv A 1\n</IfModule >\n",
    "text after the end of a condition is a fault": "<IfModule core.c>\nSetEnv A 1\n</IfModule> x\n",
    "text after the end of a section is passed over": "<Directory /x>\nOptions None\n</Directory> x\n",
    "space before the bracket that closes a section is a fault": "<Directory /x>\nOptions None\n</Directory >\n",
    "a byte order mark is part of the first name": "\ufeffSetEnv A 1\n",
    "a line ends at a NUL byte": b"SetEnv A 1\0 2 3\nSetEnv B 2\n",
    "a NUL byte hides a backslash at the end": b"SetEnv A 1\\\0\nSetEnv B 2\n",
    "bytes that are no UTF-8 stay": b"SetEnv A \xe9\xff\n",
    "other space than blanks separates too": "\v\f SetEnv\vA\f1\n",
    "names may be quoted": '"SetEnv" A 1\n"<Directory" /x>\n"</Directory>"\n',
    "a variable may hold a name, a bracket and several words": 'Define N SetEnv\nDefine S "<Directory /x>"\n${N} A 1\n${S}\nOptions None\n</Directory>\nDefine T "A \'b c\'"\nSetEnv ${T}\n',
    "a comment in a variable is none": 'Define H "#"\n${H} SetEnv\n',
    "an empty value defines a name without a value": 'Define H ""\n<IfDefine H>\nSetEnv A "${H}"\n</IfDefine>\n',
    "variables are put in when the line is read": "Define O one\nSetEnv A ${O}\nDefine O two\nSetEnv B ${O}\nUnDefine O\nSetEnv C ${O}\nDefine O late\n",
    "names of variables have no case and those of IfDefine have": "Define Foo bar\nSetEnv A ${FOO}\n<IfDefine FOO>\nSetEnv B 1\n</IfDefine>\nUnDefine FOO\nSetEnv C ${Foo}\n<IfDefine Foo>\nSetEnv D 1\n</IfDefine>\n",
    "Define in a section holds everywhere after it": "<VirtualHost *:80>\nDefine Q 1\n</VirtualHost>\nSetEnv A ${Q}\n",
    "IfModule knows nothing of what is loaded later": f"<IfModule rewrite_module>\nSetEnv A 1\n</IfModule>\nLoadModule rewrite_module {MODULES}/mod_rewrite.so\n<IfModule mod_rewrite.c>\nSetEnv B 1\n</IfModule>\n",
    "a directive may stand before its module is loaded": f"RewriteEngine on\nLoadModule rewrite_module {MODULES}/mod_rewrite.so\n",
    "a directive whose module is not loaded is a fault": "RewriteEngine on\n",
    "a module file that is not there is a fault": f"LoadModule rewrite_module {MODULES}/nothing.so\n",
    "Error is a fault where it is in effect": "<IfDefine x>\nError no\n</IfDefine>\n<Directory /x>\nError yes\n</Directory>\n",
    "Error is none where it is not in effect": "<IfDefine x>\nError no\n</IfDefine>\n",
    "too many arguments are a fault": "AddType a b\nAccessFileName a\nServerName a b\n",
    "a section may end in a later macro": "<Macro o>\n<Directory /x>\n</Macro>\nUse o\nOptions None\n</Directory>\n",
    "a macro in a condition that does not hold is not defined": "<IfDefine no>\n<Macro o>\nfoo\n</Macro>\n</IfDefine>\nUse o\n",
    "macros do not use themselves": "<Macro o>\nUse O\n</Macro>\nUse o\n",
    "the longest parameter is replaced first": '<Macro o $a $ab>\nSetEnv $ab$a$ab "$abc"\n</Macro>\nUse O 1 2\n',
    "what replaces a parameter is not replaced again": '<Macro o $a $b>\nSetEnv A "$a$b"\n</Macro>\nUse o $b $a\n',
    "the last line after Use is lost if it has no newline": "<Macro o>\nSetEnv A 1\n</Macro>\nUse o\nSetEnv B 1",
    "the last line is not lost after another": "<Macro o>\nSetEnv A 1\n</Macro>\nUse o\n\nSetEnv B 1",
    "a backslash at the end of a macro joins the line after Use": '<Macro o $a>\nSetEnv A $a\n</Macro>\nUse o "\\\\"\n1\nSetEnv B 1\n',
    "a backslash at the very end joins nothing": "SetEnv A 1\\",
    "a second backslash does not keep a line from going on": "SetEnv A \\\\\n1\n",
    "a backslash before a blank is none": "SetEnv A \\ \nSetEnv B 1\n",
    "comments go on too": "# x \\\nSetEnv A 1\nSetEnv B 1\n",
    "a hash in a line is no comment": "DirectoryIndex a # b\n",
    "an include of itself is a fault": "Include main\n",
    "version 2.4 is 2.4.0": "<IfVersion = 2.4>\nSetEnv A 1\n</IfVersion>\n<IfVersion > 2.4>\nSetEnv B 1\n</IfVersion>\n",
    "the last bracket ends a section's argument": "<Directory /x>>\nOptions None\n</Directory>\n<Location />b>\nOptions None\n</Location>\n<Location /x> junk\nOptions None\n</Location>\n",
    "hosts do not nest": "<VirtualHost *:80>\n<VirtualHost *:81>\n</VirtualHost>\n</VirtualHost>\n",
    "a host is not in a directory": "<Directory /x>\n<VirtualHost *:81>\n</VirtualHost>\n</Directory>\n",
    "directories do not nest": "<Directory /x>\n<Directory /y>\n</Directory>\n</Directory>\n",
    "files may be in directories and if in files": "<Directory /x>\n<Files y>\n<If true>\nSetEnv A 1\n</If>\n</Files>\n</Directory>\n",
    "a location is not in an if": "<If true>\n<Location />\n</Location>\n</If>\n",
    "authorization is for directories": "Require all denied\n",
    "a document root is not for directories": "<Location />\nDocumentRoot /\n</Location>\n",
    "limits are not for the server": "<Limit GET>\nRequire all denied\n</Limit>\n",
    "limits hold what is around them": "<Location />\n<Limit GET>\nRequire all denied\n</Limit>\n</Location>\n",
    "a list of requirements holds requirements": "<Location />\n<RequireAny>\nRequire all denied\n</RequireAny>\n</Location>\n",
    "deep sections": "<IfModule core.c>\n" * 60 + "SetEnv A 1\n" + "</IfModule>\n" * 60,
    "a line of 10 MB": "SetEnv A " + "a" * 10_000_000 + "\nSetEnv B 1\n",
}


@pytest.mark.parametrize("content", CONFIGURATIONS.values(), ids=[name.replace(" ", "_") for name in CONFIGURATIONS])
def test_the_server_agrees_that(apache: Apache, content: str | bytes) -> None:
    apache.write({"main": content, "mime.types": ""})
    agree(apache)


INCLUDES = {
    "*.conf": ["a.conf", "b.conf", "é.conf"],
    "./[ab].conf": ["a.conf", "b.conf"],
    "[!a]*.conf": ["b.conf", "é.conf"],
    "?.conf": ["a.conf", "b.conf"],
    "d": ["d/.hidden", "d/1", "d/e/2"],
    "d/": ["d/.hidden", "d/1", "d/e/2"],
    "d/*": ["d/1", "d/e/2"],
    "d/.*": ["d/.hidden"],
    "*/e/*": ["d/e/2"],
    "link/*": ["d/1", "d/e/2"],
    "*/1": ["d/1"],
    "d/../a.conf": ["a.conf"],
    "missing": None,
    "missing*": None,
    "missing/*.conf": None,
    "d/1/*": None,
    "a\\.conf": None,
    "\\[x\\]": None,
}


@pytest.mark.parametrize("pattern", INCLUDES)
@pytest.mark.parametrize("name", ["Include", "IncludeOptional"])
def test_include_finds_the_files_that_the_server_finds(apache: Apache, pattern: str, name: str) -> None:
    names = ["a.conf", "b.conf", "é.conf", "d/.hidden", "d/1", "d/e/2", "other"]
    apache.write({**{file: f"SetEnv F {file}\n" for file in names}, "main": f"{name} {pattern}\n"})
    (apache.directory / "link").symlink_to("d")
    agree(apache)
    mine = apache.hardaudit()
    expected = INCLUDES[pattern]
    if expected is None and (name == "Include" or pattern == "d/1/*"):
        assert isinstance(mine, str)
    else:
        found = [row[2].removeprefix("F ") for row in mine if row[1] == "setenv"]
        assert found == [{"link": "d"}.get(file, file) for file in expected or []]


@given(text=st.text(st.sampled_from("ab \\\"'\\\t#<>$"), min_size=1, max_size=14))
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@example(text='a "b c" d"e f" \'g\\\'h\'i "\\\\" \\\\ "unclosed \\"')
def test_words_are_split_as_the_server_splits_them(apache: Apache, text: str) -> None:
    """AllowOverrideList warns of every word that is no directive."""
    apache.write({"main": f"<Directory /x>\nAllowOverrideList ^ {text} $\n</Directory>\n"})
    run = subprocess.run([apache.program, "-f", f"{apache.directory}/start", "-t"], capture_output=True, text=True, check=False)
    warned = re.findall(r"AH00116: Discarding unrecognized directive `(.*)' in AllowOverrideList", run.stderr)
    assert run.returncode == 0
    assert [re.sub(r"\\(.)", lambda escape: {"t": "\t"}.get(escape[1], escape[1]), word) for word in warned] == split_words(f"^ {text} $")
