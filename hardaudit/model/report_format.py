"""A way to write a result down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from hardaudit.model.result import Result


@dataclass(frozen=True, slots=True)
class RenderOptions:
    """What the reader asked for.

    `verbose` adds the checks that passed; `colour` allows ANSI colours; `width` is the terminal's, in columns.
    """

    verbose: bool = False
    colour: bool = False
    width: int = 120


Renderer: TypeAlias = "Callable[[Result, RenderOptions], str]"


@dataclass(frozen=True, slots=True)
class ReportFormat:
    """A report format: `--format NAME`, and a pure function from the result to the report's text."""

    name: str
    description: str
    render: Renderer
