"""`hardaudit query`: any table, by hand."""

from __future__ import annotations

import csv
import itertools
import json
import sys
from collections import Counter
from typing import TYPE_CHECKING, TextIO

import click

from hardaudit.cli.main import EXIT_INCOMPLETE, EXIT_PASSED
from hardaudit.cli.options import format_option, root_option, target_of, timeout_option, warn_of_refusals
from hardaudit.cli.output import tell
from hardaudit.cli.source_options import opened_source, source_options
from hardaudit.errors import QueryError
from hardaudit.model import host_text
from hardaudit.report.escape import printable
from hardaudit.report.json_report import json_value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.engine.engine import Query
    from hardaudit.engine.row_shape import RowTuple


@click.command("query")
@click.argument("sql")
@root_option
@source_options
@format_option(["table", "json", "csv"], "How rows are printed.")
@click.option("--strict", is_flag=True, help="Exit with status 3 when something could not be read.")
@timeout_option(600.0, "Seconds before the query is stopped.")
def command(  # noqa: PLR0913 one parameter an option
    sql: str,
    root: str | None,
    source: str,
    osquery_socket: str | None,
    osquery_binary: str | None,
    form: str,
    strict: bool,  # noqa: FBT001 click passes flags so
    timeout: float,
) -> int:
    """Run one SELECT over the tables and print its rows.

    Gaps, what could not be read, are printed to stderr. `hardaudit list tables` lists the tables, `hardaudit show NAME` describes one.
    Exit status: 0, 2 for SQL that cannot run, and with --strict 3 when there are gaps. CSV has the host's text as it is: import it into a
    spreadsheet as text, for a value may begin with = as a formula does.

    \b
    Examples:
    hardaudit query "SELECT username, uid FROM users WHERE uid >= 1000"
    hardaudit query --root /mnt "SELECT path, mode FROM file WHERE path LIKE '/etc/%'" --format json
    """
    from hardaudit.audit.registry import Registry
    from hardaudit.engine.engine import Bounds, Engine
    from hardaudit.engine.errors import TableDefectError

    registry = Registry()
    with (
        target_of(root) as target,
        opened_source(registry, root, source, osquery_socket, osquery_binary) as opened,
        Engine(target, opened.tables) as engine,
    ):
        bounds = Bounds(seconds=timeout, rows=sys.maxsize, characters=sys.maxsize)
        query = engine.query(host_text.from_argument(sql), bounds=bounds)
        try:
            _PRINTERS[form](query, sys.stdout)
        except TableDefectError as error:
            raise QueryError(str(error)) from error
        warn_of_refusals(registry)
        for gap in query.gaps:
            tell(f"gap: {gap.table}: {gap.reason.value}: {gap.detail}")
    return EXIT_INCOMPLETE if strict and query.gaps else EXIT_PASSED


def _started(query: Query) -> Iterator[RowTuple]:
    """The rows, once the first is there or it is known that there is none: only then does the query know its columns."""
    rows = iter(query)
    first = list(itertools.islice(rows, 1))
    return itertools.chain(first, rows)


def _print_json(query: Query, out: TextIO) -> None:
    """A JSON array of objects with native types, streamed: a row is written when it is read."""
    rows = _started(query)
    twice = [name for name, count in Counter(query.columns).items() if count > 1]
    if twice:
        raise QueryError(f"two columns are named {printable(twice[0])}: give one of them another name with AS")
    encode = json.JSONEncoder(ensure_ascii=True, allow_nan=False).encode
    separator = "["
    for row in rows:
        try:
            written = encode(dict(zip(query.columns, row, strict=True)))
        except ValueError:  # infinity
            written = encode(dict(zip(query.columns, map(json_value, row), strict=True)))
        out.write(f"{separator}\n{written}")
        separator = ","
    out.write("[]\n" if separator == "[" else "\n]\n")
    out.flush()


def _print_csv(query: Query, out: TextIO) -> None:
    """RFC 4180, but lines end as Unix has it; NULL is the empty field.

    The values are the host's own: a spreadsheet may take one that begins with = + - or @ for a formula, so import them as text. Only on a
    terminal, which they could steer, they are escaped.
    """
    rows = _started(query)
    show = printable if out.isatty() else str
    plain = csv.writer(out, lineterminator="\n")
    quoted = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL)
    for row in itertools.chain([query.columns], rows):
        fields = ["" if value is None else show(str(value)) for value in row]
        writer = quoted if any("\r" in field for field in fields) else plain  # which to many readers ends a line too
        writer.writerow(fields)
    out.flush()


def _print_table(query: Query, out: TextIO) -> None:
    from tabulate import tabulate

    rows = [["" if value is None else printable(str(value)) for value in row] for row in query]
    out.write(tabulate(rows, headers=list(map(printable, query.columns)), disable_numparse=True) + "\n")
    out.flush()


_PRINTERS = {"json": _print_json, "csv": _print_csv, "table": _print_table}
