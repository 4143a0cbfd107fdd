"""The SQL that an osquery of some version runs: its tables, its functions, its SQLite."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import apsw

from hardaudit.engine import functions
from hardaudit.engine.authorizer import Authorizer
from hardaudit.export.planner import Look, PlannedTable, Scan, lossy_tables, scans_of
from hardaudit.export.sql_text import CannotExportError
from hardaudit.osquery.gaps_table import GAPS
from hardaudit.osquery.schema import columns_of
from hardaudit.policy.sql_params import tokens

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from hardaudit.model.table import TableSpec
    from hardaudit.osquery.schema import OsquerySchema

_SQL_LIMIT = 1_000_000  # bytes; SQLite's own default, which osquery keeps
_STEPS = 10_000_000  # of SQLite's instructions; a statement over empty tables takes some hundred

# SQLite 3.39 and before, without what a build may leave out.
_SQLITE = """
abs char coalesce format glob hex ifnull iif instr length like likelihood likely lower ltrim max min nullif printf quote random randomblob
replace round rtrim sign substr substring trim typeof unicode unlikely upper zeroblob
date datetime julianday strftime time unixepoch current_date current_time current_timestamp
avg count group_concat sum total
cume_dist dense_rank first_value lag last_value lead nth_value ntile percent_rank rank row_number
json json_array json_array_length json_extract json_group_array json_group_object json_insert json_object json_patch json_quote json_remove
json_replace json_set json_type json_valid -> ->>
"""

# osquery/sql/sqlite_{string,network,encoding,hashing,math,version}.cpp. Not `log`, `ceil` and `floor`: osquery's differ from SQLite's.
_OSQUERY = """
concat concat_ws from_base64 in_cidr_block inet_aton md5 regex_match regex_split sha1 sha256 split to_base64 version_compare
acos asin atan cos degrees exp log10 pi power radians sin sqrt tan
"""
FUNCTIONS = frozenset((_SQLITE + _OSQUERY).split())
"""The functions that exported SQL may call."""

_COLLATIONS = frozenset({"binary", "nocase", "rtrim", "version", "version_arch", "version_dpkg", "version_rhel"})
_AGGREGATES = frozenset({"avg", "count", "group_concat", "json_group_array", "json_group_object", "max", "min", "sum", "total"})
_COLLATED = re.compile(r"k\(|[A-Z_]+-\d+$", re.IGNORECASE)  # displayP4 in SQLite's vdbeaux.c: P4_KEYINFO, P4_COLLSEQ
_NUMBER_WITH_UNDERSCORE = re.compile(r"\d\w*_\w*")


@dataclass(frozen=True, slots=True)
class Reading:
    """What a statement returns and reads: column names, the tables, and those of them that hardaudit's extension serves; sorted.

    `empty_arguments`: tables of the extension, each with an argument, that are told the empty text for it wherever they are read.
    """

    columns: tuple[str, ...]
    tables: tuple[str, ...]
    extension: tuple[str, ...]
    empty_arguments: tuple[tuple[str, str], ...] = ()


class Dialect:
    """Tells whether a statement runs on an osquery of the schema's version with, where it needs that, hardaudit's extension.

    `specs` are the tables of this installation; those that are osquery's too have osquery's own columns here.
    """

    def __init__(self, schema: OsquerySchema, specs: Collection[TableSpec]) -> None:
        self._schema = schema
        own = {spec.name: spec.columns for spec in specs if not spec.osquery and spec.name not in schema.tables}
        self._own = {**own, GAPS.name: GAPS.columns}
        self._collated = {name for name, columns in self._own.items() if any(column.collate for column in columns)}
        self._scans: dict[int, Scan] = {}
        self._looks: list[Look] = []
        self._columns = {**{name: columns_of(table) for name, table in schema.tables.items()}, **self._own}
        self._tables = self._planned(with_collations=False)
        self._known = {spec.name for spec in specs}
        self._authorizer = _Authorizer(self._tables)
        self._connection = _connect(self._tables)
        self._with_collations = _connect(self._planned(with_collations=True))
        self._connection.authorizer = self._authorizer

    def _planned(self, *, with_collations: bool) -> dict[str, PlannedTable]:
        return {
            name: PlannedTable(name, columns, self._scans, self._looks, extension=name in self._own, with_collations=with_collations)
            for name, columns in self._columns.items()
        }

    def read(self, sql: str) -> Reading:
        """What the statement returns and reads. Raises CannotExportError, the reason, if osquery would not run it or would lose rows."""
        self._authorizer.start()
        self._scans.clear()
        columns: list[tuple[str, ...]] = []

        def stop(cursor: apsw.Cursor, _sql: str, _bindings: object) -> bool:
            columns.append(tuple(name for name, _ in cursor.get_description()))
            return False

        cursor = self._connection.cursor()
        cursor.exec_trace = stop
        try:
            cursor.execute(sql, _NoParameters(), can_cache=False)
        except apsw.ExecTraceAbort:
            pass
        except (apsw.Error, ValueError, KeyError) as error:
            raise CannotExportError(self._reason(error)) from error
        if not columns:
            raise CannotExportError("it is empty")
        self._refuse_functions()
        _refuse_new_syntax(sql)
        tables = tuple(sorted(self._authorizer.reads))
        scans = self._refuse_lossy(sql)
        self._refuse_lost_collations(sql, tables)
        own = tuple(name for name in tables if name in self._own)
        return Reading(columns[0], tables, own, tuple(self._empty_arguments(sql, own, scans)))

    def asks(self, sql: str) -> bool:
        """Whether a statement that was `read` looks into a table at all; with some parameters a check asks nothing, and would pass."""
        return bool(self._look(sql))

    def _look(self, sql: str) -> list[Look]:
        """Run it over the empty tables: the looks that it takes."""
        self._looks.clear()
        self._scans.clear()
        with contextlib.suppress(apsw.Error):  # no tables have rows, so a statement that ends in an error has read what it does
            self._connection.execute(sql, can_cache=False).fetchall()
        return list(self._looks)

    def _empty_arguments(self, sql: str, own: Sequence[str], scans: Sequence[Scan]) -> Iterator[tuple[str, str]]:
        """Arguments that are told the empty text by every scan of the plan, as far as each was made."""
        arguments = [(table, name) for table in own for name in self._tables[table].arguments]
        looks = self._look(sql) if arguments else []
        for table, name in arguments:
            planned = sum(scan.table == table and name in scan.told for scan in scans)
            told = {look.number: dict(zip(self._scans[look.number].operands, look.operands, strict=True)) for look in looks}
            values = [values[name] for number, values in told.items() if self._scans[number].table == table and name in values]
            if values and len(values) == planned and set(values) == {""}:
                yield table, name

    def _reason(self, error: Exception) -> str:
        if self._authorizer.refusal:
            return self._authorizer.refusal
        if isinstance(error, KeyError):
            return f"the parameter :{error.args[0]} has no value"
        text = str(error).removeprefix("SQLError: ")
        missing = text.removeprefix("no such table: ")
        if missing != text and missing in self._known:
            return f"osquery {self._schema.version} has no table {missing}"
        if text.startswith("no such column: "):
            return f"{text}; the columns are those of osquery {self._schema.version}"
        return f"SQL: {text}"

    def _refuse_functions(self) -> None:
        strange = sorted(self._authorizer.functions - FUNCTIONS)
        if strange:
            raise CannotExportError(f"the function {strange[0]} is not one that every osquery has, or means something else there")

    def _refuse_lossy(self, sql: str) -> list[Scan]:
        """Plan it as osquery does, the authorizer has seen the statement already; the plan's scans."""
        plan = list(self._connection.cursor().execute(f"EXPLAIN QUERY PLAN {sql}", can_cache=False))
        for table, reason in sorted(lossy_tables(plan, self._scans, self._tables).items()):
            raise CannotExportError(f"table {table}: {reason}")
        return scans_of(plan, self._scans)

    def _refuse_lost_collations(self, sql: str, tables: Iterable[str]) -> None:
        """An extension's columns have no collation in osquery; a statement that means the same without them has the same comparisons."""
        collated = sorted(self._collated.intersection(tables))
        if collated and _comparisons(self._connection, sql) != _comparisons(self._with_collations, sql):
            columns = [f"{name}.{column.name} {column.collate}" for name in collated for column in self._own[name] if column.collate]
            raise CannotExportError(
                "a comparison relies on the collation of a column, which osquery loses:"
                f" write COLLATE behind the column ({', '.join(columns)})"
            )


def _connect(tables: Mapping[str, PlannedTable]) -> apsw.Connection:
    connection = apsw.Connection(":memory:")
    functions.register(connection, lambda: None)
    for name, table in tables.items():
        module = cast("Any", table)  # APSW's stubs want every optional method too
        connection.create_module(name, module, use_bestindex_object=True, eponymous=True, eponymous_only=True, read_only=True)
        # Declares it now: the authorizer would take that for reading.
        connection.execute(f'EXPLAIN SELECT 1 FROM "{name}"')  # noqa: S608 a name that the schema's loader or the registry checked
    connection.limit(apsw.SQLITE_LIMIT_SQL_LENGTH, _SQL_LIMIT)
    connection.set_progress_handler(lambda: True, _STEPS)
    return connection


def _comparisons(connection: apsw.Connection, sql: str) -> list[tuple[str, str]]:
    """The instructions of a statement that name a collation, BINARY too: comparisons, sorters, indexes."""
    program = connection.cursor().execute(f"EXPLAIN {sql}", can_cache=False)
    return [(opcode, fourth) for _, opcode, _, _, _, fourth, *_ in program if fourth and _COLLATED.match(fourth)]


class _Authorizer(Authorizer):
    """Notes the functions, too."""

    def __init__(self, tables: Mapping[str, object]) -> None:
        super().__init__(tables)
        self.functions: set[str] = set()

    def start(self) -> None:
        super().start()
        self.functions = set()

    def __call__(self, operation: int, first: str | None, second: str | None, database: str | None, by: str | None) -> int:
        if operation == apsw.SQLITE_FUNCTION:
            self.functions.add((second or "").lower())
        return super().__call__(operation, first, second, database, by)


class _NoParameters(Mapping[str, None]):
    """For a statement that must have none left."""

    def __getitem__(self, name: str) -> None:
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def _refuse_new_syntax(sql: str) -> None:
    """What SQLite after 3.39 reads and the authorizer does not see: ORDER BY within an aggregate (3.44), `1_000` (3.46)."""
    words = [token.lower() for token, _ in tokens(sql)]
    aggregates: list[bool] = []
    for before, word, after in zip(["", *words], words, [*words[1:], ""], strict=False):
        if word == "(":
            aggregates.append(before in _AGGREGATES)
        elif word == ")" and aggregates:
            aggregates.pop()
        elif word == "order" and after == "by" and aggregates and aggregates[-1]:
            raise CannotExportError("ORDER BY within an aggregate came with SQLite 3.44, which not every osquery has")
        elif _NUMBER_WITH_UNDERSCORE.fullmatch(word):
            raise CannotExportError(f"the number {word} is written as only SQLite 3.46 and later reads it")
        elif before == "collate" and word.strip('"`[]') not in _COLLATIONS:
            raise CannotExportError(f"osquery has no collation {word}")
