"""The extension as osquery calls it (osquery.thrift, service Extension)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from osquery.extensions.Extension import Iface
from osquery.extensions.ttypes import ExtensionResponse, ExtensionStatus

from hardaudit.extension import question
from hardaudit.extension.errors import AnswerError
from hardaudit.extension.routes import routes
from hardaudit.extension.rows import EncodedResponse, EncodedRows
from hardaudit.model import gap_question
from hardaudit.model.gap import Gap, GapReason
from hardaudit.osquery.gaps_table import GAPS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from hardaudit.extension.gap_book import GapBook
    from hardaudit.extension.session import Session
    from hardaudit.model.table import Row, TableSpec

_WRITES = ("insert", "update", "delete")
_ANOTHERS = "osquery has a table of this name from elsewhere, not from hardaudit's extension: what it could not read nobody tells"


class Handler(Iface):  # type: ignore[misc]  # the bindings have no types
    """Answers each call; what a caller or a table does wrong is an error status, never an exception.

    `specs`: the served tables by name. `stop` is called when osquery asks the extension to end. `uuid` is osquery's name for it.
    """

    def __init__(self, specs: Mapping[str, TableSpec], session: Session, gaps: GapBook, stop: Callable[[], None]) -> None:
        self.uuid = 0
        self._routes = {name: routes(spec) for name, spec in specs.items()}
        self._session = session
        self._gaps = gaps
        self._stop = stop

    def ping(self) -> Any:
        """That the extension is alive."""
        return ExtensionStatus(code=0, message="pong", uuid=self.uuid)

    def shutdown(self) -> None:
        """End: osquery does."""
        self._stop()

    def call(self, registry: str | None, item: str | None, request: dict[str, str] | None) -> Any:
        """What osquery asks of a table: `generate` or `columns`. A status other than 0 makes the query fail with its message."""
        action = (request or {}).get("action", "")
        if registry != "table" or item not in self._routes:
            return _failed("no such table here")
        if action == "columns":
            return ExtensionResponse(status=ExtensionStatus(code=0, message="OK"), response=self._routes[item])
        if action in _WRITES:  # osquery then says that the table may not be modified
            return ExtensionResponse(status=ExtensionStatus(code=0, message="OK"), response=[{"status": "readonly"}])
        if action != "generate":
            return _failed("no such action")
        try:
            asked = question.read((request or {}).get("context", ""))
            rows = self._gap_rows(asked) if item == GAPS.name else self._session.rows(item, asked)
        except AnswerError as error:
            return _failed(str(error))
        return EncodedResponse(rows)

    def _gap_rows(self, asked: question.Question) -> EncodedRows:
        names = {one.operand for one in asked.constraints if one.column == "table_name" and one.operator == question.EQUALS}
        columns = [column.name for column in GAPS.columns]
        encoded = EncodedRows(columns)
        for row in self._asked_gaps(names):
            encoded.add([row[name] for name in columns])
        return encoded

    def _asked_gaps(self, names: set[str]) -> Iterator[Row]:
        if len(names) != 1:
            return self._gaps.rows(None)
        (operand,) = names
        asked = gap_question.read(operand)
        if isinstance(asked, gap_question.Since) and asked.table not in self._routes:
            self._gaps.add(asked.table, [Gap(asked.table, GapReason.UNDECIDABLE, _ANOTHERS)])
        return self._gaps.rows([operand]) if asked is None else self._gaps.answer(asked)


def _failed(message: str) -> Any:
    return ExtensionResponse(status=ExtensionStatus(code=1, message=message), response=[])
