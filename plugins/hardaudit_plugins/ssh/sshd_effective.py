"""What a configuration comes to: for connections that match no `Match` block, for those that match one, and for one connection.

sshd reads its configuration twice. At its start it takes what stands outside `Match` blocks, the first value of a keyword winning, and
fills in the defaults. For a connection it then takes what stands in the blocks that match, the first value winning again, and lets it
replace what it had. `Match all` counts in both readings.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from hardaudit.model.gap import GapReason
from hardaudit_plugins.ssh.sshd_algorithms import LIST_OF
from hardaudit_plugins.ssh.sshd_defaults import UNCERTAIN, compiled_default
from hardaudit_plugins.ssh.sshd_keywords import (
    ALIASES,
    GLOBAL_ALIASES,
    IGNORED_IN_MATCH,
    KEYWORDS,
    OLD_NAMES,
    SUBORDINATE,
    WITHOUT_EFFECT,
    Keyword,
    Wins,
)
from hardaudit_plugins.ssh.sshd_lexer import RefusedError, lower
from hardaudit_plugins.ssh.sshd_values import Arguments, UndecidableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from hardaudit_plugins.ssh.sshd_build import Build
    from hardaudit_plugins.ssh.sshd_config import Directive, Reader
    from hardaudit_plugins.ssh.sshd_match import Condition

Chain: TypeAlias = "tuple[Condition, ...]"
"""The `Match` lines that something stands under, without those that always match."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A value and the line it comes from, neither of which a compiled default has. `value` None: it cannot be known."""

    value: str | None
    path: str | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A directive that was understood. `values`: what it sets, by setting. No keyword: configuration that could not be read."""

    keyword: Keyword | None
    values: Mapping[str, tuple[str | None, ...]]
    directive: Directive

    @property
    def chain(self) -> Chain:
        """The conditions that decide whether the line counts."""
        return tuple(condition for condition in self.directive.conditions if not condition.always)

    def entries(self, setting: str) -> list[Entry]:
        """The entries of one of its settings."""
        return [Entry(value, self.directive.path, self.directive.line) for value in self.values[setting]]


def understand(directives: Iterable[Directive], reader: Reader) -> Iterator[Line]:
    """The lines that set something; what sshd would not accept, and what cannot be known from here, becomes a gap."""
    for directive in directives:
        reader.context.check_deadline()
        if directive.unread:
            yield Line(None, {}, directive)
            continue
        try:
            keyword = _keyword(directive, reader.build)
            if keyword is not None:
                yield Line(keyword, _values(keyword, directive, reader), directive)
        except RefusedError as error:
            reader.refused(directive.path, directive.line, str(error))


def _keyword(directive: Directive, build: Build) -> Keyword | None:
    """The keyword of a directive, None for one without effect. Raises RefusedError for one that sshd does not know, or not in `Match`."""
    name = directive.keyword
    target, since = ALIASES.get(name, ("", (0, 0)))
    if target and (build.version is None or build.version >= since) and (build.names is None or name in build.names):
        keyword = KEYWORDS[target]
    elif name in KEYWORDS and build.knows(name):
        keyword = KEYWORDS[name]
    elif name in WITHOUT_EFFECT:
        _allow(directive, allowed=name in IGNORED_IN_MATCH)
        return None
    else:
        raise RefusedError(f"{name} is not a keyword of this sshd")
    late = build.version is not None and build.version < keyword.match_since
    _allow(directive, allowed=keyword.match and name not in GLOBAL_ALIASES and not late)
    return keyword


def _allow(directive: Directive, *, allowed: bool) -> None:
    if not allowed and not all(condition.always for condition in directive.conditions):
        raise RefusedError(f"{directive.keyword} is not allowed within a Match block")


def _values(keyword: Keyword, directive: Directive, reader: Reader) -> dict[str, tuple[str | None, ...]]:
    try:
        found = keyword.parse(Arguments(directive.keyword, directive.words, directive.rest), reader.host)
    except UndecidableError as error:
        reader.gap(GapReason.UNDECIDABLE, f"{directive.path}:{directive.line}: {error}")
        return {keyword.name: (None,)}
    return {f"{keyword.name}.{name}" if name else keyword.name: tuple(values) for name, values in found.items() if values}


@dataclass(slots=True)
class Reading:
    """One of sshd's readings. `cut`: part of the configuration could not be read, so that what is not set here is not known."""

    build: Build
    settings: dict[str, list[Entry]] = field(default_factory=dict)
    cut: bool = False

    def take(self, lines: Iterable[Line]) -> Reading:
        """Read lines, all of which count, in order."""
        for line in lines:
            if self.cut:
                break
            if line.keyword is None:
                self._cut()
                continue
            for setting in line.values:
                self._set(line.keyword, setting, line)
        return self

    def _cut(self) -> None:
        """From here on only the first values that stand already are sure."""
        self.cut = True
        first = {name: entries for name, entries in self.settings.items() if KEYWORDS[name.partition(".")[0]].wins is Wins.FIRST}
        self.settings = first

    def _set(self, keyword: Keyword, setting: str, line: Line) -> None:
        entries = line.entries(setting)
        if keyword.wins is Wins.ALL:
            self.settings.setdefault(setting, []).extend(entries)
            return
        counts = keyword.wins is Wins.LAST or setting not in self.settings or self._replaces(keyword, line)
        if counts and not self._is_shadowed(keyword):
            self.settings[setting] = entries

    def _replaces(self, keyword: Keyword, line: Line) -> bool:
        """The two exceptions to "the first value wins": `UnusedConnectionTimeout none`, and a fault of 8.7 to 9.3."""
        if keyword.name == "unusedconnectiontimeout":
            return lower(line.directive.words[0]) == "none"
        return keyword.name == "authorizedprincipalscommand" and self._has_command_fault

    def _is_shadowed(self, keyword: Keyword) -> bool:
        """That fault: AuthorizedKeysCommand takes the place of AuthorizedPrincipalsCommand when sshd asks whether it is set already."""
        return keyword.name == "authorizedprincipalscommand" and self._has_command_fault and "authorizedkeyscommand" in self.settings

    @property
    def _has_command_fault(self) -> bool:
        return self.build.at_least(8, 7) and not self.build.at_least(9, 4)


@dataclass(frozen=True, slots=True)
class Configuration:
    """A configuration that was understood, and the sshd that reads it."""

    build: Build
    lines: tuple[Line, ...]

    def base(self) -> dict[str, list[Entry]]:
        """The settings of sshd's first reading with the defaults filled in; one that cannot be known is missing."""
        reading = Reading(self.build).take(line for line in self.lines if not line.chain)
        settings = reading.settings
        if not reading.cut:
            for name in (*KEYWORDS, *SUBORDINATE):
                emptied = name in LIST_OF and [entry.value for entry in settings.get(name, [])] == [""]
                if name not in settings or emptied:  # the second reading puts the defaults in the place of an empty list
                    self._fill(settings, name)
        if self.build.version is not None and self.build.version < (8, 7):
            challenge = settings.get("challengeresponseauthentication", [])
            if challenge and challenge[0].value == "yes":
                settings["kbdinteractiveauthentication"] = challenge
        return settings

    def _fill(self, settings: dict[str, list[Entry]], name: str) -> None:
        default = compiled_default(self.build, name)
        if default:
            settings[name] = [Entry(value) for value in default]

    def unknown_defaults(self, settings: Mapping[str, list[Entry]]) -> list[str]:
        """The settings that no line sets and whose default is not known for the installed version."""
        return sorted(name for name in UNCERTAIN - settings.keys() if compiled_default(self.build, name) is None)

    def overlaid(self, base: Mapping[str, list[Entry]], lines: Iterable[Line]) -> dict[str, list[Entry]]:
        """The settings after sshd's second reading, which the lines are."""
        reading = Reading(self.build).take(line for line in lines if line.keyword is None or line.keyword.match)
        kept = {name: entries for name, entries in base.items() if not (reading.cut and KEYWORDS[name.partition(".")[0]].match)}
        return {**kept, **reading.settings}

    def blocks(self) -> dict[Chain, list[Line]]:
        """The lines of each `Match` block that sets something, by the conditions it stands under."""
        found: dict[Chain, list[Line]] = {}
        for line in self.lines:
            if line.chain and not any(condition.refused for condition in line.chain):
                found.setdefault(line.chain, []).append(line)
        return found

    def always(self) -> list[Line]:
        """The lines under `Match all`, which count in both readings."""
        return [line for line in self.lines if not line.chain and line.directive.conditions]

    def contradictions(self) -> Iterator[tuple[str, int, str]]:
        """Where settings that are each in order keep sshd from starting together: path, line and what is wrong."""
        base = self.base()
        yield from self._repeated_subsystems()
        for command in ("authorizedkeyscommand", "authorizedprincipalscommand"):
            entry = _only(base, command)
            if entry and entry.path and entry.line and entry.value != "none" and not base.get(f"{command}user", [Entry("")])[0].path:
                yield entry.path, entry.line, f"{command} is set without {command}user"
        methods = base.get("authenticationmethods", [])
        if methods and methods[0].path and methods[0].line and not any(_available(entry.value or "", base) for entry in methods):
            yield methods[0].path, methods[0].line, "every list of authenticationmethods has a method that is disabled"

    def _repeated_subsystems(self) -> Iterator[tuple[str, int, str]]:
        if self.build.version is None or self.build.at_least(9, 5):
            return
        seen: set[str] = set()
        for line in self.lines:
            if line.keyword is KEYWORDS["subsystem"]:
                for setting in line.values.keys() & seen:
                    yield line.directive.path, line.directive.line, f"{setting.replace('.', ' ', 1)} is defined already"
                seen.update(line.values)


_METHOD_SETTINGS = {
    "publickey": "pubkeyauthentication",
    "password": "passwordauthentication",
    "keyboard-interactive": "kbdinteractiveauthentication",
    "hostbased": "hostbasedauthentication",
    "gssapi-with-mic": "gssapiauthentication",
    "gssapi-keyex": "gssapiauthentication",
}


def _available(methods: str, settings: Mapping[str, list[Entry]]) -> bool:
    """Whether no method of a list is disabled."""
    needed = [_METHOD_SETTINGS.get(method.partition(":")[0], "") for method in methods.split(",")]
    return not any(entry.value == "no" for name in needed for entry in settings.get(name, []))


def _only(settings: Mapping[str, list[Entry]], name: str) -> Entry | None:
    return next(iter(settings.get(name, [])), None)


def shown_name(build: Build, name: str) -> str:
    """A keyword as the installed version's `sshd -T` calls it."""
    return name if build.knows(name) else OLD_NAMES.get(name, name)
