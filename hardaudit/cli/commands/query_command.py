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
from hardaudit.errors import QueryError
from hardaudit.report.escape import printable

if TYPE_CHECKING:

    from collections.abc import Iterator

    from hardaudit.engine.engine import Query
    from hardaudit.engine.row_shape import RowTuple
    from hardaudit.model.table import Value


@click.command("query")
@click.argument("sql")
@root_option
@format_option(["table", "json", "csv"], "How rows are printed.")
@click.option("--strict", is_flag=True, help="Exit with status 3 when something could not be read.")
@timeout_option(600.0, "Seconds before the query is stopped.")
def command(sql: str, root: str | None, form: str, strict: bool, timeout: float) -> int:  # noqa: FBT001 click passes flags so
    """Run one SELECT over the tables and print its rows.

    Gaps, what could not be read, are printed to stderr. `hardaudit list tables` lists the tables, `hardaudit show NAME` describes one.
    Exit status: 0, 2 for SQL that cannot run, and with --strict 3 when there are gaps.

    \b
    Examples:
    hardaudit query "SELECT username, uid FROM users WHERE uid >= 1000"
    hardaudit query --root /mnt "SELECT path, mode FROM file WHERE path LIKE '/etc/%'" --format json
    """
    from hardaudit.audit.registry import Registry
    from hardaudit.engine.engine import Bounds, Engine
    from hardaudit.engine.errors import TableDefectError

    registry = Registry()
    with target_of(root) as target, Engine(target, registry.tables.values()) as engine:
        query = engine.query(sql, bounds=Bounds(seconds=timeout, rows=sys.maxsize))
        try:
            _PRINTERS[form](query, sys.stdout)
        except TableDefectError as error:
            raise QueryError(str(error)) from error
        warn_of_refusals(registry)
        for gap in query.gaps:
            click.echo(f"hardaudit: gap: {gap.table}: {gap.reason.value}: {printable(gap.detail)}", err=True)
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
    separator = "["
    for row in rows:
        out.write(f"{separator}\n" + json.dumps(dict(zip(query.columns, row, strict=True)), ensure_ascii=True))
        separator = ","
    out.write("[]\n" if separator == "[" else "\n]\n")
    out.flush()


def _print_csv(query: Query, out: TextIO) -> None:
    """RFC 4180; NULL is the empty field."""
    rows = _started(query)
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(query.columns)
    for row in rows:
        writer.writerow(["" if value is None else value for value in row])
    out.flush()


def _print_table(query: Query, out: TextIO) -> None:
    from tabulate import tabulate

    rows = [[_cell(value) for value in row] for row in query]
    out.write(tabulate(rows, headers=list(query.columns), disable_numparse=True) + "\n")
    out.flush()


def _cell(value: Value) -> str:
    return "" if value is None else printable(str(value))


_PRINTERS = {"json": _print_json, "csv": _print_csv, "table": _print_table}
