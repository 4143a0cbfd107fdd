"""What a check is: one question to the tables as SQL, with everything that a reader of its findings needs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hardaudit.documents.reading import JsonValue
    from hardaudit.model.gap import GapReason
    from hardaudit.model.table import Row, Value


class Severity(str, Enum):
    """How bad a finding is."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @property
    def weight(self) -> int:
        """What the check counts in the score: 10, 7, 4 or 1."""
        return _WEIGHTS[self]

    def at_least(self, other: Severity) -> bool:
        """Whether this is as severe as the other or more; `<` would compare the words."""
        return self.weight >= other.weight


_WEIGHTS = {Severity.CRITICAL: 10, Severity.HIGH: 7, Severity.MEDIUM: 4, Severity.LOW: 1}

ExampleState: TypeAlias = Literal["pass", "fail", "unknown", "not_applicable"]


@dataclass(frozen=True, slots=True)
class Param:
    """A parameter of a check: what a policy may set. `schema` is a JSON Schema (Draft 2020-12) that `default` keeps to."""

    name: str
    schema: Mapping[str, Any]
    default: JsonValue
    description: str


@dataclass(frozen=True, slots=True)
class Example:
    """Rows of tables, and what the check must say of them.

    A table that is not named is empty, a column that is not named is NULL; `gaps` are tables whose reading fails. `subjects` are those of
    the findings when the state is `fail`.
    """

    name: str
    tables: Mapping[str, tuple[Row, ...]]
    gaps: Mapping[str, GapReason]
    params: Mapping[str, JsonValue]
    state: ExampleState
    subjects: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Check:
    """A check as its file has it.

    `id` is domain/file name. `applies` is a query: a row means that the check applies to the host. `query` finds what is wrong: each row is
    a finding, its column `subject` names the thing, its other columns are the evidence. `finding` is the message, with `{column}` in it.
    `references` maps a catalogue (cwe, attack, …) to the entries there. `origin` is the file, `digest` the SHA-256 (hexadecimal) of its
    bytes.
    """

    id: str
    title: str
    severity: Severity
    rationale: str
    references: Mapping[str, tuple[str, ...]]
    applies: str | None
    params: Mapping[str, Param]
    query: str
    finding: str
    remediation: str
    examples: tuple[Example, ...]
    origin: str
    digest: str

    @property
    def domain(self) -> str:
        """The part of the id before the slash."""
        return self.id.partition("/")[0]

    @property
    def defaults(self) -> dict[str, JsonValue]:
        """The parameters' defaults."""
        return {name: param.default for name, param in self.params.items()}


def sql_value(value: JsonValue) -> Value:
    """What a parameter's value is bound to in SQL: booleans as 0 and 1, lists and mappings as JSON text for `json_each`."""
    if isinstance(value, bool):
        return int(value)
    if value is None or isinstance(value, (str, int, float)):
        return value
    return json.dumps(value, ensure_ascii=False)
