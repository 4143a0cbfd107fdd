"""`--source` and what goes with it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, TypeVar

import click

from hardaudit.cli.output import tell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hardaudit.audit.registry import Registry
    from hardaudit.audit.sources import Source

Command = TypeVar("Command", bound="Callable[..., object]")

_OPTIONS = (
    click.option(
        "--source",
        type=click.Choice(["auto", "embedded", "osquery"]),
        default="auto",
        show_default=True,
        help="Where osquery's tables come from: hardaudit (embedded), an osquery here, or (auto) osquery where there is one.",
    ),
    click.option("--osquery-socket", metavar="PATH", help="Read them from the osqueryd that listens here (its --extensions_socket)."),
    click.option("--osquery-binary", metavar="PATH", help="Read them from this osqueryd, started for the run, or this osqueryi."),
)


def source_options(command: Command) -> Command:
    """`--source`, `--osquery-socket` and `--osquery-binary`, passed on as `source`, `osquery_socket` and `osquery_binary`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@contextlib.contextmanager
def opened_source(
    registry: Registry, root: str | None, source: str, osquery_socket: str | None, osquery_binary: str | None
) -> Iterator[Source]:
    """The tables' source for these options, until the block ends. Raises UsageError and SourceError."""
    from hardaudit.audit.sources import SourceRequest, open_source

    with open_source(SourceRequest(source, osquery_binary, osquery_socket), registry.tables, root=root) as opened:
        instead = f"{opened.detail} is used" if opened.detail else "hardaudit reads osquery's tables itself"
        for reason in opened.passed_over:
            tell(f"{reason}; instead {instead}")
        yield opened
