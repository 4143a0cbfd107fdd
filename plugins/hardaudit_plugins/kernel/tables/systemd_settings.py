"""`systemd_settings`: how systemd and its services are configured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit.model.table import INTEGER, TEXT, Column, TableSpec
from hardaudit.target.table import Table
from hardaudit_plugins.kernel.drop_ins import drop_in_files, first_existing, is_masked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext

SPEC = TableSpec(
    name="systemd_settings",
    description="A row for each setting that the configuration files of systemd's own programs make: the assignment that counts. "
    "What no file sets has the program's default and no row.",
    source="/etc/systemd/*.conf, drop-ins, the vendor's files; systemd-system.conf(5), coredump.conf(5), journald.conf(5) and others",
    columns=(
        Column(
            "configuration",
            TEXT,
            "Name of the main file: coredump.conf, journald.conf, logind.conf, system.conf …",
            index=True,
        ),
        Column("section", TEXT, "Section, such as Coredump"),
        Column("key", TEXT, "Setting's name, such as Storage"),
        Column("value", TEXT, "Value of its last assignment; empty where that resets it to the default"),
        Column("path", TEXT, "File of that assignment"),
        Column("line", INTEGER, "Its line, from 1; the first of a continued one"),
    ),
    examples=("SELECT key, value, path FROM systemd_settings WHERE configuration = 'coredump.conf'",),
)

_CONFIGURATIONS = (
    "coredump.conf",
    "journald.conf",
    "logind.conf",
    "networkd.conf",
    "resolved.conf",
    "sleep.conf",
    "system.conf",
    "timesyncd.conf",
    "user.conf",
)
_PLACES = ("/etc/systemd", "/run/systemd", "/usr/local/lib/systemd", "/usr/lib/systemd", "/lib/systemd")


def generate(context: TableContext) -> Iterator[Row]:
    """The settings of each configuration, in the order of their first assignment."""
    for configuration in _CONFIGURATIONS:
        if not context.constraints.permits("configuration", configuration):
            continue
        rows: dict[tuple[str, str], Row] = {}
        for path in _files(context, configuration):
            text = context.read_text(path, optional=True)
            for number, section, key, value in _assignments(context, path, text or ""):
                rows[section, key] = {
                    "configuration": configuration,
                    "section": section,
                    "key": key,
                    "value": value,
                    "path": path,
                    "line": number,
                }
        yield from rows.values()


def _files(context: TableContext, configuration: str) -> list[str]:
    """The first main file of the places, then the drop-ins of all."""
    main = first_existing(context, [f"{place}/{configuration}" for place in _PLACES])
    drop_ins = drop_in_files(context, [f"{place}/{configuration}.d" for place in _PLACES])
    return [path for path in (main, *drop_ins) if path and not is_masked(context, path)]


def _assignments(context: TableContext, path: str, text: str) -> Iterator[tuple[int, str, str, str]]:
    """Line number, section, key and value of each assignment; a line that is none of what systemd.syntax(7) knows is a gap."""
    section = ""
    for number, line in _logical_lines(text):
        context.check_deadline()
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1]
            continue
        key, separator, value = line.partition("=")
        if separator:
            yield number, section, key.strip(), value.strip()
        else:
            context.gap(GapReason.UNSUPPORTED, f"{path}:{number}: is no section, assignment or comment")


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines without comments and empty ones; a line that ends with a backslash goes on in the next, comments in between left out."""
    first, parts = 0, list[str]()
    for number, raw in enumerate(text.split("\n"), start=1):
        line = raw.strip()
        if line.startswith(("#", ";")) or not (line or parts):
            continue
        first = first if parts else number
        parts.append(line.removesuffix("\\"))
        if not line.endswith("\\"):
            yield first, " ".join(parts).strip()
            parts = []
    if parts:
        yield first, " ".join(parts).strip()


TABLE = Table(SPEC, generate)
