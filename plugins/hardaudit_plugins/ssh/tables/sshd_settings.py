"""`sshd_settings`: what the SSH server's configuration comes to."""

from __future__ import annotations

import itertools
from dataclasses import asdict
from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit.model.table import INTEGER, TEXT, Column, TableSpec
from hardaudit.target.table import Table
from hardaudit_plugins.ssh.sshd_effective import shown_name
from hardaudit_plugins.ssh.sshd_keywords import KEYWORDS, OLD_NAMES
from hardaudit_plugins.ssh.sshd_match import Connection
from hardaudit_plugins.ssh.sshd_rendering import printed
from hardaudit_plugins.ssh.sshd_server import Server

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext
    from hardaudit_plugins.ssh.sshd_effective import Entry

SPEC = TableSpec(
    name="sshd_settings",
    description=(
        "The effective value of each sshd_config keyword, as `sshd -T` prints it, and the line it comes from: for connections that no "
        "Match block is about, for those each Match block is about, and, with user, host, address, local_address or local_port in the "
        "query, for that connection."
    ),
    source=(
        "/etc/ssh/sshd_config or the file the service names, and what it includes, sshd_config(5); the options of the service; the "
        "compiled defaults of the installed version, read from the program /usr/sbin/sshd, which is not run"
    ),
    columns=(
        Column(
            "context",
            TEXT,
            "Which connections: empty, those that match no Match block; the criteria of a Match block, those that match it and no other; "
            "`connection`, the one the query describes",
        ),
        Column("keyword", TEXT, "Keyword in lower case; of several values (port, hostkey, allowusers …) each has a row", index=True),
        Column("value", TEXT, "Value as `sshd -T` spells it, lists of algorithms resolved, times in seconds"),
        Column("config_path", TEXT, "File that sets the value; NULL for a compiled default"),
        Column("config_line", INTEGER, "Line in that file, from 1; NULL for a compiled default"),
        Column("user", TEXT, "Ask for the connection of this user", additional=True, hidden=True),
        Column("host", TEXT, "Ask for a connection from this host name", additional=True, hidden=True),
        Column("address", TEXT, "Ask for a connection from this address", additional=True, hidden=True),
        Column("local_address", TEXT, "Ask for a connection to this address of the server", additional=True, hidden=True),
        Column("local_port", INTEGER, "Ask for a connection to this port of the server", additional=True, hidden=True),
    ),
    examples=(
        "SELECT value, config_path, config_line FROM sshd_settings WHERE context = '' AND keyword = 'permitrootlogin'",
        "SELECT context, keyword, value FROM sshd_settings WHERE context <> ''",
        "SELECT keyword, value FROM sshd_settings WHERE user = 'root' AND address = '192.0.2.1' AND keyword = 'passwordauthentication'",
    ),
    notes=(
        "A Match block has rows only for what it sets. Where sshd would not start with the configuration, a gap names the line. "
        "ListenAddress names are not resolved. What stands in a file that cannot be read could be set first there: settings behind it "
        "have no row."
    ),
)


def generate(context: TableContext) -> Iterator[Row]:
    """A row for each line that `sshd -T` prints, and for each setting of each Match block; none where sshd is not installed."""
    server = Server.of(context)
    if server is None:
        return
    wanted = _wanted_keywords(context)
    base = server.configuration.base()
    _report_unknown_defaults(context, server, base, wanted)
    connections = list(_connections(context))
    if connections:
        for connection in connections:
            for row in _rows(context, server, server.for_connection(base, connection), wanted):
                yield {"context": "connection", **row, **asdict(connection)}
        return
    for row in _rows(context, server, server.for_connection(base, Connection()), wanted):
        yield {"context": "", **row}
    for criteria, names, settings in server.for_blocks(base):
        for row in _rows(context, server, settings, wanted & names):
            yield {"context": criteria, **row}


def _wanted_keywords(context: TableContext) -> frozenset[str]:
    """The keywords that the query asks for, by their present names; every one when it does not say."""
    asked = context.constraints.texts("keyword")
    present = {old: name for name, old in OLD_NAMES.items()}
    return frozenset(KEYWORDS if asked is None else (present.get(name, name) for name in asked)) & KEYWORDS.keys()


def _connections(context: TableContext) -> Iterator[Connection]:
    """Each connection that the query's constraints describe; none when they describe none."""
    users, hosts, addresses, local_addresses = (_asked(context, name) for name in ("user", "host", "address", "local_address"))
    ports = context.constraints.integers("local_port")
    for values in itertools.product(users, hosts, addresses, local_addresses, [None] if ports is None else ports):
        context.check_deadline()
        if any(value is not None for value in values):
            yield Connection(*values)


def _asked(context: TableContext, name: str) -> list[str | None]:
    values = context.constraints.texts(name)
    return [None] if values is None else [*values]


def _report_unknown_defaults(context: TableContext, server: Server, base: Mapping[str, list[Entry]], wanted: Iterable[str]) -> None:
    unknown = sorted(set(server.configuration.unknown_defaults(base)) & set(wanted))
    if unknown:
        context.gap(
            GapReason.UNDECIDABLE,
            f"{server.config_path}: sets no {', '.join(unknown)}, and the default of the installed sshd is not known: set it",
        )


def _rows(
    context: TableContext, server: Server, settings: Mapping[str, list[Entry]], wanted: frozenset[str]
) -> Iterator[dict[str, str | int | None]]:
    for name in KEYWORDS:
        if name not in wanted:
            continue
        context.check_deadline()
        for value, path, line in printed(settings, name):
            yield {"keyword": shown_name(server.configuration.build, name), "value": value, "config_path": path, "config_line": line}


TABLE = Table(SPEC, generate)
