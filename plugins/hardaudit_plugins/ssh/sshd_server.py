"""The audited host's SSH server: the installed sshd, how it is started, and its configuration."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hardaudit_plugins.ssh.sshd_build import PROGRAMS, Build, installed_build, installed_program
from hardaudit_plugins.ssh.sshd_config import Directive, Reader
from hardaudit_plugins.ssh.sshd_effective import Chain, Configuration, understand
from hardaudit_plugins.ssh.sshd_lexer import RefusedError, delimited_arguments, keyword_and_rest, split_arguments
from hardaudit_plugins.ssh.sshd_match import Connection, holds
from hardaudit_plugins.ssh.sshd_service import StartOptions, start_options
from hardaudit_plugins.ssh.sshd_values import integer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hardaudit.target.table import TableContext
    from hardaudit_plugins.ssh.sshd_effective import Entry, Line

DEFAULT_CONFIG = "/etc/ssh/sshd_config"


@dataclass(slots=True)
class AuditedHost:
    """What values and criteria depend on besides the configuration: users, groups and services of the host, the installed sshd."""

    context: TableContext
    build: Build
    _homes: dict[str | None, str] | None = None
    _ports: dict[str, int] | None = None
    _groups: dict[str, list[str]] = field(default_factory=dict)

    @property
    def release(self) -> str:
        """The version text of sshd."""
        return self.build.release

    def supported_algorithms(self, kind: str) -> tuple[str, ...]:
        """The algorithms of a kind that sshd was built with."""
        return self.build.supported_algorithms(kind)

    def default_algorithms(self, keyword: str) -> tuple[str, ...] | None:
        """The list compiled in for a keyword; None when it is not known."""
        return self.build.default_algorithms(keyword)

    def home(self, user: str | None) -> str | None:
        """A user's home directory, of the first with user ID 0 for None."""
        if self._homes is None:
            self._homes = {}
            for row in self.context.rows("users"):
                self._homes.setdefault(str(row["username"]), str(row["directory"]))
                if row["uid"] == 0:
                    self._homes.setdefault(None, str(row["directory"]))
        return self._homes.get(user)

    def port(self, text: str) -> int | None:
        """The port that a number from 0 to 65535 or the name of a TCP service stands for."""
        number = integer(text, highest=65535)
        if number is not None:
            return number
        if self._ports is None:
            self._ports = {}
            for row in self.context.rows("etc_services"):
                if row["protocol"] == "tcp" and isinstance(row["port"], int):
                    for name in (row["name"], *str(row["aliases"] or "").split()):
                        self._ports.setdefault(str(name), row["port"])
        return self._ports.get(text)

    def groups(self, user: str) -> list[str]:
        """The names of a user's groups; none for a user that does not exist."""
        if user not in self._groups:
            self._groups[user] = list(self._groups_of(user))
        return self._groups[user]

    def _groups_of(self, user: str) -> Iterator[str]:
        account = next((row for row in self.context.rows("users") if row["username"] == user), None)
        if account is None:
            return
        ids = {account["gid"], *(row["gid"] for row in self.context.rows("user_groups") if row["uid"] == account["uid"])}
        named: dict[object, str] = {}
        for row in self.context.rows("groups"):
            named.setdefault(row["gid"], str(row["groupname"]))
        yield from (named[gid] for gid in ids if gid in named)


@dataclass(frozen=True, slots=True)
class Server:
    """An installed SSH server whose configuration was read."""

    host: AuditedHost
    configuration: Configuration
    config_path: str

    @classmethod
    def of(cls, context: TableContext) -> Server | None:
        """The server of the audited host; None, without a gap, where there is neither the program nor a configuration."""
        program = installed_program(context)
        if program is None and not _has_config(context):
            return None
        build = _build(context, program)
        host = AuditedHost(context, build)
        options = start_options(context, program or PROGRAMS[0])
        config_path = options.config or DEFAULT_CONFIG
        reader = Reader(context, build, host)
        configured = [] if config_path.lower() == "none" else reader.read(config_path)
        if options.sets_ports:
            configured = [directive for directive in configured if directive.keyword != "port"]
        directives = [*_command_line(reader, options), *configured]
        configuration = Configuration(build, tuple(understand(directives, reader)))
        for path, line, message in configuration.contradictions():
            reader.refused(path, line, message)
        return cls(host, configuration, config_path)

    def for_connection(self, base: Mapping[str, list[Entry]], connection: Connection) -> dict[str, list[Entry]]:
        """The settings of a connection."""
        met: dict[Chain, bool] = {}

        def counts(line: Line) -> bool:
            if line.chain not in met:
                met[line.chain] = all(holds(condition, connection, self.host, self.host.groups) for condition in line.chain)
            return met[line.chain] and (bool(line.directive.conditions) or line.keyword is None)

        return self.configuration.overlaid(base, (line for line in self.configuration.lines if counts(line)))

    def for_blocks(self, base: Mapping[str, list[Entry]]) -> Iterator[tuple[str, frozenset[str], dict[str, list[Entry]]]]:
        """For each Match block: its criteria, the keywords it sets, and the settings of connections that match it and no other."""
        blocks = self.configuration.blocks()
        order = {id(line): position for position, line in enumerate(self.configuration.lines)}
        always = self.configuration.always()
        for chain, own in blocks.items():
            self.host.context.check_deadline()
            names = frozenset(line.keyword.name for line in own if line.keyword)
            enclosing = [line for length in range(1, len(chain)) for line in blocks.get(chain[:length], [])]
            lines = [line for line in (*always, *enclosing) if line.keyword is None or line.keyword.name in names]
            counted = sorted((*lines, *own), key=lambda line: order[id(line)])
            yield " ".join(condition.text for condition in chain), names, self.configuration.overlaid(base, counted)


def _has_config(context: TableContext) -> bool:
    try:
        return context.target.exists(DEFAULT_CONFIG)
    except OSError as error:
        context.gap_for(error, DEFAULT_CONFIG)
        return False


def _build(context: TableContext, program: str | None) -> Build:
    """The installed build; what the program says is kept for the length of the run."""
    kept = context.run_state.get(("ssh", "build"))
    if isinstance(kept, Build):
        return kept
    build = installed_build(context, program)
    if build.names is not None:
        context.run_state["ssh", "build"] = build
    return build


def _command_line(reader: Reader, options: StartOptions) -> Iterator[Directive]:
    """The lines that the command line stands for."""
    for word in options.lines:
        split = keyword_and_rest(word.text)
        if split is None:
            continue
        keyword, rest = split
        try:
            words = delimited_arguments(rest) if reader.build.old_words else split_arguments(rest)
        except RefusedError as error:
            reader.refused(word.path, word.line, str(error))
            continue
        yield Directive(keyword, words, rest, word.path, word.line)
