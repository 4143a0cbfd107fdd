"""Reports and where they go: `--format` and `--output` in pairs, as every command has them."""

from __future__ import annotations

import shutil
import sys
from collections import Counter
from typing import TYPE_CHECKING, TypeVar

import click

from hardaudit.errors import PluginError, UsageError
from hardaudit.model.report_format import RenderOptions
from hardaudit.report.formats import BUILT_IN
from hardaudit.report.write import check_destination, write_report

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hardaudit.model.report_format import ReportFormat
    from hardaudit.model.result import Result

Form = TypeVar("Form")
Command = TypeVar("Command", bound="Callable[..., object]")

_STANDARD_OUTPUT = (None, "-")


def format_and_output(formats: str) -> Callable[[Command], Command]:
    """The two options; `formats` says which there are."""

    def add(command: Command) -> Command:
        output = click.option(
            "--output", "outputs", multiple=True, metavar="FILE", help="Where the report goes, - is standard output; one a --format."
        )
        form = click.option("--format", "formats", multiple=True, metavar="FMT", help=f"Report format: {formats}. May repeat.")
        return form(output(command))

    return add


def pair(formats: Sequence[str], outputs: Sequence[str], known: Mapping[str, Form]) -> list[tuple[Form, str | None]]:
    """Each format with its place, None for standard output; checked before any work, so that a slip of the pen does not cost it.

    Raises UsageError.
    """
    names = list(formats) or ["table"]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UsageError(f"--format {unknown[0]}: there is no such format; there are {', '.join(known)}")
    if len(outputs) > len(names):
        raise UsageError(f"{len(outputs)} --output but {len(names)} --format: give each --output its --format")
    for output in outputs:
        check_destination(output)
    repeated = [output for output, count in Counter(outputs).items() if count > 1]
    if repeated:
        raise UsageError(f"several reports to {repeated[0]}: give each --format its own --output")
    places: list[str | None] = [*outputs, *[None] * (len(names) - len(outputs))]
    if sum(place in _STANDARD_OUTPUT for place in places) > 1:
        raise UsageError("several reports to standard output: give each --format an --output, one of which may be -")
    return [(known[name], place) for name, place in zip(names, places, strict=True)]


def write_reports(pairs: Sequence[tuple[Form, str | None]], render: Callable[[Form, RenderOptions], str], *, verbose: bool) -> None:
    """Render and write each. Files first: standard output may fail, as a closed pipe."""
    width = shutil.get_terminal_size((120, 24)).columns
    for form, destination in sorted(pairs, key=lambda pair: pair[1] in _STANDARD_OUTPUT):
        on_terminal = destination in _STANDARD_OUTPUT and sys.stdout.isatty()
        write_report(render(form, RenderOptions(verbose, on_terminal, width)), destination)


def rendered(report_format: ReportFormat, result: Result, options: RenderOptions) -> str:
    """The report's text. Raises PluginError for what a plugin's format raises."""
    try:
        return report_format.render(result, options)
    except (Exception, SystemExit) as error:
        if report_format.name in BUILT_IN:
            raise
        raise PluginError(f"--format {report_format.name}: {type(error).__name__}: {error}") from error
