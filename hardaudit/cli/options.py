"""Options that several commands share."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeVar

import click

from hardaudit.cli.output import tell

Command = TypeVar("Command", bound="Callable[..., object]")

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hardaudit.audit.registry import Registry
    from hardaudit.target.target import Target

root_option = click.option(
    "--root",
    metavar="DIR",
    help="Audit the system whose root is DIR, a mounted disk or unpacked image, instead of this host; nothing of this host is read.",
)


def format_option(names: Sequence[str], meaning: str) -> Callable[[Command], Command]:
    """`--format`, of which the first name is the default."""
    return click.option("--format", "form", type=click.Choice(names), default=names[0], show_default=True, help=meaning)


def timeout_option(seconds: float, meaning: str) -> Callable[[Command], Command]:
    """`--timeout`, in seconds."""
    kind = click.FloatRange(min=0, min_open=True)
    return click.option("--timeout", type=kind, metavar="SECONDS", default=seconds, show_default=True, help=meaning, callback=_a_number)


def _a_number(_context: click.Context, _parameter: click.Parameter, value: float) -> float:
    """The value, unless it is "nan": no time is later than that."""
    if math.isnan(value):
        raise click.BadParameter("nan is no number of seconds")
    return value


def target_of(root: str | None) -> Target:
    """The target that `--root` names. Raises TargetError when it cannot be opened."""
    from hardaudit.target.target import Target

    return Target.live_host() if root is None else Target.directory(root)


def warn_of_refusals(registry: Registry) -> None:
    """Say on stderr which plugins are not in use, and why."""
    for refusal in registry.manager.refusals:
        tell(f"plugin {refusal.name} was refused: {refusal.reason}")
