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
from hardaudit.export.planner import PlannedTable, Scan, lossy_tables
from hardaudit.export.sql_text import CannotExportError
from hardaudit.osquery.gaps_table import GAPS
from hardaudit.osquery.schema import columns_of
from hardaudit.policy.sql_params import tokens

if TYPE_CHECKING:
    from collections.abc import Collection

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
_NUMBER_WITH_UNDERSCORE = re.compile(r"\d\w*_\w*")


@dataclass(frozen=True, slots=True)
class Reading:
    """What a statement returns and reads: column names, the tables, and those of them that hardaudit's extension serves; sorted."""

    columns: tuple[str, ...]
    tables: tuple[str, ...]
    extension: tuple[str, ...]


class Dialect:
    """Tells whether a statement runs on an osquery of the schema's version with, where it needs that, hardaudit's extension.

    `specs` are the tables of this installation; those that are osquery's too have osquery's own columns here.
    """

    def __init__(self, schema: OsquerySchema, specs: Collection[TableSpec]) -> None:
        self._schema = schema
        own = {spec.name: spec.columns for spec in specs if not spec.osquery and spec.name not in schema.tables}
        self._own = {**own, GAPS.name: GAPS.columns}
        self._scans: dict[int, Scan] = {}
        columns = {**{name: columns_of(table) for name, table in schema.tables.items()}, **self._own}
        self._tables = {name: PlannedTable(name, columns[name], self._scans, extension=name in self._own) for name in columns}
        self._known = {spec.name for spec in specs}
        self._authorizer = _Authorizer(self._tables)
        self._connection = self._connect()

    def _connect(self) -> apsw.Connection:
        connection = apsw.Connection(":memory:")
        functions.register(connection, lambda: None)
        for name, table in self._tables.items():
            module = cast("Any", table)  # APSW's stubs want every optional method too
            connection.create_module(name, module, use_bestindex_object=True, eponymous=True, eponymous_only=True, read_only=True)
            # Declares it now: the authorizer would take that for reading.
            connection.execute(f'EXPLAIN SELECT 1 FROM "{name}"')  # noqa: S608 a name that the schema's loader or the registry checked
        connection.limit(apsw.SQLITE_LIMIT_SQL_LENGTH, _SQL_LIMIT)
        connection.authorizer = self._authorizer
        connection.set_progress_handler(lambda: True, _STEPS)
        return connection

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
        self._refuse_lossy(sql)
        return Reading(columns[0], tables, tuple(name for name in tables if name in self._own))

    def asks(self, sql: str) -> bool:
        """Whether a statement that was `read` looks into a table at all; with some parameters a check asks nothing, and would pass."""
        for table in self._tables.values():
            table.is_read = False
        with contextlib.suppress(apsw.Error):  # no tables have rows, so a statement that ends in an error has read what it does
            self._connection.execute(sql, can_cache=False).fetchall()
        return any(table.is_read for table in self._tables.values())

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

    def _refuse_lossy(self, sql: str) -> None:
        """Plan it as osquery does; the authorizer has seen the statement already."""
        plan = list(self._connection.cursor().execute(f"EXPLAIN QUERY PLAN {sql}", can_cache=False))
        for table, reason in sorted(lossy_tables(plan, self._scans, self._tables).items()):
            raise CannotExportError(f"table {table}: {reason}")


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
