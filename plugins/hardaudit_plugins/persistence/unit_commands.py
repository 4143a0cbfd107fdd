"""The commands of systemd's units, systemd.service(5), "Command lines"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardaudit_plugins.persistence.unit_syntax import expand

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit_plugins.persistence.unit_files import UnitFile

_SECTIONS = frozenset(("Service", "Socket"))
_PREFIXES = "@-:+!|"


@dataclass(frozen=True, slots=True)
class UnitCommand:
    """A command of a unit: `setting` such as ExecStart, the program, the whole line without its prefixes, and where it is written.

    `prefixes`: systemd's marks before the program, such as `-` (failure is ignored) and `+` (runs as root whatever User= says).
    """

    setting: str
    executable: str
    command: str
    prefixes: str
    path: str
    line: int


def unit_commands(unit: UnitFile) -> Iterator[UnitCommand]:
    """The commands that are in effect: an empty assignment takes back those before it."""
    found: dict[str, list[UnitCommand]] = {}
    for path, assignment in unit.assignments():
        if assignment.section not in _SECTIONS or not assignment.key.startswith("Exec"):
            continue
        commands = found.setdefault(assignment.key, [])
        if not assignment.value:
            commands.clear()
        for text in _separate(assignment.value):
            plain = text.lstrip(_PREFIXES)
            prefixes = text[: len(text) - len(plain)]
            command = expand(plain, unit.name)
            commands.append(UnitCommand(assignment.key, _first_word(command), command, prefixes, path, assignment.line))
    for commands in found.values():
        yield from commands


def _separate(value: str) -> list[str]:
    """The commands of one line: ` ; ` stands between several."""
    return [part for part in (part.strip() for part in value.split(" ; ")) if part]


def _first_word(command: str) -> str:
    quote = command[:1]
    if quote in ('"', "'"):
        return command[1:].partition(quote)[0]
    return command.split(None, 1)[0] if command.strip() else ""
