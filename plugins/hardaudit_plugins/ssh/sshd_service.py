"""The options that sshd is started with, which come before its configuration: systemd's units, environment files, the running daemon.

Sources: systemd.unit(5), systemd.exec(5), /etc/default/ssh, /etc/sysconfig/sshd, and /proc/PID/cmdline on a live host.
"""

from __future__ import annotations

import getopt
import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hardaudit.target.table import TableContext

_UNITS = ("ssh.service", "sshd.service", "ssh@.service", "sshd@.service")
_UNIT_DIRECTORIES = tuple(f"{above}/systemd/system" for above in ("/etc", "/run", "/usr/local/lib", "/usr/lib", "/lib"))
_VARIABLE_FILES = ("/etc/default/ssh", "/etc/sysconfig/sshd", "/etc/sysconfig/ssh")
_VARIABLES = ("SSHD_OPTS", "OPTIONS")
_ASSIGNMENT = re.compile(r"[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]{0,100})=(.*)", re.DOTALL)
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]{0,100})\}|\$([A-Za-z_][A-Za-z0-9_]{0,100})")
_OPTIONS = "C:E:b:c:f:g:h:k:o:p:u:46DGQRTdeiqrtV"
_NO_EFFECT = frozenset({"-D", "-E", "-R", "-b", "-e", "-i", "-k", "-r", "-u", "-Q"})
_PORT = "Port\t"  # told by the tab from `-o Port=…`, which adds to the configuration's
_AS_KEYWORD = {"-c": "HostCertificate ", "-g": "LoginGraceTime ", "-h": "HostKey ", "-p": _PORT}
_MAX_FILE = 256 * 2**10
_AS_LINE = {"-4": "AddressFamily inet", "-6": "AddressFamily inet6", "-q": "LogLevel QUIET", "-d": "LogLevel DEBUG1"}


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a command line and where it was written."""

    text: str
    path: str
    line: int


@dataclass(frozen=True, slots=True)
class StartOptions:
    """What the command line sets: the configuration file, and lines that come before it. `words`: the options as they were written."""

    config: str | None = None
    lines: tuple[Word, ...] = ()
    words: tuple[str, ...] = ()

    @property
    def sets_ports(self) -> bool:
        """Whether `-p` makes sshd ignore the ports of its configuration."""
        return any(word.text.startswith(_PORT) for word in self.lines)


def start_options(context: TableContext, program: str) -> StartOptions:
    """The options of the installed service. Different services with different options, or options that cannot be followed, are a gap."""
    commands = [command for unit in _UNITS for command in _unit_commands(context, unit)]
    if not commands:
        commands = [list(_script_words(context))]
    parsed = list(dict.fromkeys(_parsed(context, words) for words in commands))
    if len({(options.config, tuple(line.text for line in options.lines)) for options in parsed}) > 1:
        places = ", ".join(sorted({word.path for words in commands for word in words}))
        context.gap(GapReason.UNDECIDABLE, f"sshd is started with different options by different services: {places}")
    options = max(parsed, key=lambda each: len(each.words))
    if context.target.live:
        _compare_with_running(context, program, options)
    return options


def _parsed(context: TableContext, words: list[Word]) -> StartOptions:
    """The options among the words. The word behind an option's letter keeps the place where the option was written."""
    texts = [word.text for word in words]
    place = words[0] if words else Word("", "", 0)
    try:
        pairs, rest = getopt.getopt(texts, _OPTIONS)
    except getopt.GetoptError as error:
        context.gap(GapReason.UNDECIDABLE, f"{place.path}:{place.line}: sshd's command line cannot be followed: {error}")
        return StartOptions(None, (), tuple(texts))
    if rest:
        context.gap(GapReason.UNDECIDABLE, f"{place.path}:{place.line}: sshd is started with words that are no options: {' '.join(rest)}")
    config, lines = None, []
    for option, value in pairs:
        at = next((word for word in words if word.text.startswith(option) or (value and value in word.text)), place)
        if option == "-f":
            config = value
        elif option == "-o":
            lines.append(Word(value, at.path, at.line))
        elif option in _AS_KEYWORD:
            lines.append(Word(f"{_AS_KEYWORD[option]}{value}", at.path, at.line))
        elif option in _AS_LINE:
            lines.append(Word(_AS_LINE[option], at.path, at.line))
        elif option not in _NO_EFFECT:
            context.gap(GapReason.UNDECIDABLE, f"{at.path}:{at.line}: sshd is started with {option}, which starts no server")
    return StartOptions(config, tuple(lines), tuple(texts))


def _script_words(context: TableContext) -> Iterator[Word]:
    """The variables that start scripts pass on, where there is no unit."""
    for path in _VARIABLE_FILES:
        variables = _environment_file(context, path)
        for name in _VARIABLES:
            if name in variables:
                yield from _split(context, variables[name])


def _unit_commands(context: TableContext, unit: str) -> Iterator[list[Word]]:
    """The arguments of each command that a unit starts sshd with."""
    found = next((path for directory in _UNIT_DIRECTORIES if _is_there(context, path := f"{directory}/{unit}")), None)
    if found is None:
        return
    commands: list[Word] = []
    variables: dict[str, Word] = {}
    for path in (found, *_drop_ins(context, unit)):
        for name, value in _settings(context, path):
            if name == "ExecStart":
                commands = [*commands, value] if value.text else []
            elif name == "Environment":
                variables.update(_assignments(_split(context, value)))
            elif name == "EnvironmentFile":
                variables.update(_environment_file(context, value.text.removeprefix("-")))
    for command in commands:
        program, *arguments = _split(context, command) or [command]
        if program.text.lstrip("@-:+!").endswith("/sshd"):
            yield [word for argument in arguments for word in _expanded(context, argument, variables)]


def _is_there(context: TableContext, path: str) -> bool:
    try:
        return context.target.exists(path) and context.target.stat(path).st_size > 0
    except FileNotFoundError:
        return False
    except OSError as error:
        context.gap_for(error, path)
        return False


def _drop_ins(context: TableContext, unit: str) -> list[str]:
    """The unit's drop-in files by name; of equal names the one in the first directory counts."""
    found: dict[str, str] = {}
    for directory in _UNIT_DIRECTORIES:
        for name in context.list_directory(f"{directory}/{unit}.d", optional=True):
            if name.endswith(".conf"):
                found.setdefault(name, f"{directory}/{unit}.d/{name}")
    return [found[name] for name in sorted(found)]


def _settings(context: TableContext, path: str) -> Iterator[tuple[str, Word]]:
    """The settings of a unit's section [Service]; lines that end in a backslash go on in the next."""
    section, pending, start = "", "", 0
    for number, line in enumerate(_text(context, path).split("\n"), 1):
        context.check_deadline()
        start = start if pending else number
        text = pending + line.strip(" \t\r")
        if text.endswith("\\") and not text.startswith(("#", ";")):
            pending = f"{text[:-1]} "
            continue
        pending = ""
        if text.startswith("["):
            section = text
        elif section == "[Service]" and not text.startswith(("#", ";")):
            name, equals, value = text.partition("=")
            if equals:
                yield name.strip(" \t"), Word(value.strip(" \t"), path, start)


def _text(context: TableContext, path: str, *, optional: bool = False) -> str:
    """A small file's text; empty, and a gap, when it cannot be read, and without a gap when it may be missing and is."""
    try:
        return context.target.read_text(path, _MAX_FILE)
    except OSError as error:
        if not (optional and isinstance(error, (FileNotFoundError, NotADirectoryError))):
            context.gap_for(error, path)
        return ""


def _environment_file(context: TableContext, path: str) -> dict[str, Word]:
    """The assignments of a file of variables; one that does not exist sets none."""
    text = _text(context, path, optional=True)
    words = (Word(line, path, number) for number, line in enumerate(text.split("\n"), 1) if not line.lstrip(" \t").startswith(("#", ";")))
    return {name: Word(_joined(context, word), word.path, word.line) for name, word in _assignments(words).items()}


def _joined(context: TableContext, word: Word) -> str:
    return " ".join(part.text for part in _split(context, word))


def _assignments(words: Iterator[Word] | list[Word]) -> dict[str, Word]:
    found = {}
    for word in words:
        parts = _ASSIGNMENT.fullmatch(word.text)
        if parts:
            found[parts[1]] = Word(parts[2].strip(" \t\r"), word.path, word.line)
    return found


def _split(context: TableContext, word: Word) -> list[Word]:
    """The words of a text, quotes removed."""
    try:
        return [Word(part, word.path, word.line) for part in shlex.split(word.text)]
    except ValueError:
        context.gap(GapReason.UNDECIDABLE, f"{word.path}:{word.line}: a quote is not closed in sshd's command line")
        return []


def _expanded(context: TableContext, word: Word, variables: Mapping[str, Word]) -> list[Word]:
    """A word with its variables replaced: `$NAME` alone becomes several words, a variable that is not set none."""
    alone = re.fullmatch(r"\$([A-Za-z_][A-Za-z0-9_]{0,100})", word.text)
    if alone:
        return _split(context, variables[alone[1]]) if alone[1] in variables else []
    used = [variables[name] for found in _VARIABLE.finditer(word.text) if (name := found[1] or found[2]) in variables]
    text = _VARIABLE.sub(lambda found: variables[found[1] or found[2]].text if (found[1] or found[2]) in variables else "", word.text)
    place = used[0] if used else word
    return [Word(text, place.path, place.line)] if text else []


def _compare_with_running(context: TableContext, program: str, options: StartOptions) -> None:
    """A running daemon with options that the service does not have is a gap: what holds is then neither file's."""
    for pid, arguments in _running(context, program):
        running = _parsed(context, [Word(text, f"/proc/{pid}/cmdline", 1) for text in arguments])
        same = running.config == options.config and [line.text for line in running.lines] == [line.text for line in options.lines]
        if not same:
            context.gap(
                GapReason.UNDECIDABLE,
                f"the running sshd (process {pid}) was started with other options than its service has: {' '.join(arguments)}: restart it",
            )


def _running(context: TableContext, program: str) -> Iterator[tuple[str, list[str]]]:
    """The sshd daemons of this host that listen, and their arguments."""
    for pid in context.list_directory("/proc"):
        context.check_deadline()
        if not pid.isdecimal() or not pid.isascii():
            continue
        try:
            if context.target.read_text(f"/proc/{pid}/comm", 4096) != "sshd\n" or context.target.stat(f"/proc/{pid}").st_uid != 0:
                continue
            words = context.target.read_text(f"/proc/{pid}/cmdline", 2**20).rstrip("\0").split("\0")
            if _own_namespace(context, pid):
                yield from ((pid, arguments) for arguments in _listener_arguments(words, program))
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended
        except OSError as error:
            context.gap_for(error, f"/proc/{pid}/cmdline")


def _own_namespace(context: TableContext, pid: str) -> bool:
    """Whether a process sees the files that are audited; one in a container does not. Where that may not be asked, it is taken to."""
    try:
        return context.target.readlink(f"/proc/{pid}/ns/mnt") == context.target.readlink("/proc/self/ns/mnt")
    except PermissionError:
        return True


def _listener_arguments(words: list[str], program: str) -> Iterator[list[str]]:
    """Since 8.2 a listening daemon calls itself `sshd: PROGRAM ARGUMENTS [listener] …`; before, its command line is its own."""
    if words[0] == program:
        yield words[1:]
    elif words[0].startswith(f"sshd: {program}") and " [listener]" in words[0]:
        yield words[0].removeprefix(f"sshd: {program}").partition(" [listener]")[0].split()
