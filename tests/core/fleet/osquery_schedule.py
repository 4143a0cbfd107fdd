"""An osqueryd with its own tables, its schedule and its results logs: what an exported configuration meets on a host.

`Host` has osquery's tables as osquery's schema declares them, with hardaudit's facts as text; the rest of its SQL is FakeOsquery's. `run_schedule`
follows osquery/config/packs.cpp (platform, version, discovery), osquery/dispatcher/scheduler.cpp and osquery/core/query.cpp (the results'
formats).
"""

from __future__ import annotations

import json
import re
import sys
import time
from pathlib import Path

import apsw
from installed_tables import builtin_tables

from hardaudit.engine.engine import Bounds, Engine
from hardaudit.extension import question, statement
from hardaudit.osquery.schema import load_schema
from hardaudit.target.target import Target

sys.path.insert(0, str(Path(__file__).parents[1] / "extension"))
from fake_osquery import ADDITIONAL, HIDDEN, INDEX, REQUIRED, FakeOsquery

VERSION = "5.23.1"


def _routes(table):
    flags = ((REQUIRED, "required"), (INDEX, "index"), (ADDITIONAL, "additional"), (HIDDEN, "hidden"))
    return [
        {
            "id": "column",
            "name": column.name,
            "type": _type(column.type),
            "op": str(sum(bit for bit, flag in flags if getattr(column, flag))),
            "collate": column.collate,
        }
        for column in table.columns.values()
    ]


def _type(kind):
    return kind if kind in ("TEXT", "INTEGER", "BIGINT", "DOUBLE") else "BIGINT" if kind == "UNSIGNED_BIGINT" else "TEXT"


class Host(FakeOsquery):
    """An osqueryd on this host, or on the one in a root directory."""

    def __init__(self, path, root=None, **options):
        self._embedded = {table.spec.name: table for table in builtin_tables() if table.spec.osquery}
        schema = load_schema().tables
        super().__init__(path, **options)
        self.own = {"osquery_registry": [], "osquery_extensions": []} | {name: _routes(schema[name]) for name in self._embedded}
        self._engine = Engine(Target.directory(root) if root else Target.live_host(), self._embedded.values())

    def own_rows(self, table, context):
        """The facts as text; a NULL is the empty text. What cannot be read is left out, and nobody told."""
        wanted = statement.write(self._embedded[table].spec, question.read(json.dumps(context)))
        answer = self._engine.run(wanted.sql, wanted.parameters, Bounds(rows=10**7, characters=10**9))
        return [{name: "" if value is None else str(value) for name, value in row.items()} for row in answer.rows]

    def stop(self, **options):
        super().stop(**options)
        self._engine.close()
        self._engine.target.close()


def run_schedule(osquery, config, identifier, *, delimiter="_", form="snapshot", now=None, errors=None):
    """Run each scheduled query once; the lines of the results logs. `errors` takes what osqueryd would warn of, by name of the query.

    `form`: `snapshot` a line a query, `event` a line a row (--logger_snapshot_event_type).
    """
    errors = {} if errors is None else errors
    for pack_name, pack in config["packs"].items():
        if pack.get("platform", "all") not in ("all", "any", "posix", "linux") or _version(pack.get("version", "0")) > _version(VERSION):
            continue
        if not all(_rows(osquery, sql, f"discovery of {pack_name}", errors) for sql in pack.get("discovery", ())):
            continue
        for name, query in pack["queries"].items():
            full_name = f"pack{delimiter}{pack_name}{delimiter}{name}"
            rows = _rows(osquery, query["query"], full_name, errors)
            if rows is None:
                continue  # "Error executing scheduled query": nothing is logged
            assert query["snapshot"] is True
            yield from _lines(full_name, identifier, rows, form, now)


def _lines(name, identifier, rows, form, now):
    at = int(time.time()) if now is None else now
    head = {"name": name, "hostIdentifier": identifier, "calendarTime": time.asctime(time.gmtime(at)) + " UTC", "unixTime": at}
    head |= {"epoch": 0, "counter": 0, "numerics": False}
    if form == "event":
        yield from (json.dumps({**head, "columns": row, "action": "snapshot"}, ensure_ascii=False) for row in rows)
    else:
        yield json.dumps({"snapshot": rows, "action": "snapshot", **head}, ensure_ascii=False)


def _rows(osquery, sql, name, errors):
    try:
        rows = osquery.query(sql)
    except apsw.Error as error:
        errors[name] = str(error)
        return None
    return [{column: "" if value is None else str(value) for column, value in row.items()} for row in rows]


def _version(text):
    return tuple(int(part) for part in re.findall(r"\d+", text))
