"""Where osquery's tables come from: hardaudit's own generators, or an osquery on this host."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardaudit.errors import SourceError, UsageError
from hardaudit.model import host_text
from hardaudit.plugin.trust import refuse_unless_trusted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import TracebackType

    from hardaudit.osquery.reader import Reader
    from hardaudit.target.table import Table

AUTO, EMBEDDED, OSQUERY = "auto", "embedded", "osquery"

_SYSTEMD = "/run/systemd/system"  # there while systemd is the init process, sd_booted(3)


@dataclass(frozen=True, slots=True)
class SourceRequest:
    """What the user asked for: `source` is auto, embedded or osquery; a binary or a socket asks for osquery."""

    source: str = AUTO
    binary: str | None = None
    socket: str | None = None

    @property
    def names_osquery(self) -> bool:
        """Whether nothing but osquery will do."""
        return self.source == OSQUERY or self.binary is not None or self.socket is not None


class Source:
    """Tables and where they come from; close it when the engine that uses them is closed.

    `name` is embedded or osquery, `detail` which osquery in words, `passed_over` why one that is on this host is not used.
    """

    def __init__(self, tables: Iterable[Table], detail: str = "", reader: Reader | None = None, passed_over: tuple[str, ...] = ()) -> None:
        self.name = EMBEDDED if reader is None else OSQUERY
        self.tables = tuple(tables)
        self.detail = detail
        self.passed_over = passed_over
        self._reader = reader

    def __enter__(self) -> Source:
        """Itself."""
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        """End what was started."""
        if self._reader is not None:
            self._reader.close()


def open_source(request: SourceRequest, embedded: Mapping[str, Table], *, root: str | None) -> Source:
    """The source that is asked for. `auto` is an osquery that is installed and can be used, otherwise the embedded tables.

    Raises UsageError for what contradicts itself, SourceError when the osquery that is asked for cannot be used.
    """
    if request.names_osquery and request.source == EMBEDDED:
        raise UsageError("--source embedded contradicts --osquery-binary and --osquery-socket: leave one of them out")
    if request.names_osquery and root is not None:
        raise UsageError("osquery reads this host, not a root directory: leave out --root, or take --source embedded")
    if request.binary is not None and request.socket is not None:
        raise UsageError("--osquery-binary and --osquery-socket: name one of them")
    if request.source == EMBEDDED or root is not None:
        return Source(embedded.values())
    refusals: list[str] = []
    for connect in _ways(request):
        try:
            return _connected(connect(), embedded, tuple(refusals))
        except SourceError as error:
            refusals.append(str(error))
    if not request.names_osquery:
        return Source(embedded.values(), passed_over=tuple(refusals))
    raise SourceError(
        "; ".join(refusals) or "no osquery is installed here: install it, name it with --osquery-binary, or take --source embedded"
    )


def _ways(request: SourceRequest) -> Iterable[Callable[[], Reader]]:
    from hardaudit.osquery import find

    if (path := request.socket) is not None:
        return [lambda: find.socket_reader(path, refuse_unless_trusted)]
    if (path := request.binary) is not None:
        return [lambda: find.binary_reader(path, refuse_unless_trusted)]
    return find.candidates(refuse_unless_trusted)


def _connected(reader: Reader, embedded: Mapping[str, Table], passed_over: tuple[str, ...]) -> Source:
    from hardaudit.engine.authorizer import is_reserved
    from hardaudit.osquery.catalog import read_catalog
    from hardaudit.osquery.tables import tables_of

    try:
        catalog = read_catalog(reader)
        tables = tables_of(reader, catalog, embedded, has_systemd=os.path.isdir(_SYSTEMD))
    except BaseException:
        reader.close()
        raise
    allowed = [table for table in tables if not is_reserved(table.spec.name)]
    detail = host_text.from_argument(f"osquery {catalog.version} through {reader.through}")  # a path of any bytes
    return Source(allowed, detail, reader, passed_over)
