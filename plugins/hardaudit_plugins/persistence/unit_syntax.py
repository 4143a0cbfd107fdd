"""The text of systemd's unit files and the names of units, systemd.syntax(7), systemd.unit(5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TYPES = ("service", "socket", "target", "timer", "path", "mount", "automount", "swap", "slice", "scope", "device")

_BLANKS = " \t\v\f\r"
_MAX_NAME = 255
_NAME_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789:-_.\\@")


@dataclass(frozen=True, slots=True)
class Assignment:
    """`key = value` in a section, and the number of the line on which it begins, from 1."""

    section: str
    key: str
    value: str
    line: int


def assignments(text: str) -> Iterator[Assignment]:
    """The assignments of a unit file, in order; lines that are none are skipped, as systemd skips them."""
    section = ""
    for number, line in logical_lines(text):
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1]
        else:
            key, equals, value = line.partition("=")
            if equals and section:
                yield Assignment(section, key.rstrip(_BLANKS), value.strip(_BLANKS), number)


def logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines with what a backslash at the end continues joined to them, without comments and blank lines, and where each begins."""
    parts: list[str] = []
    begun = 0
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.strip(_BLANKS)
        if line[:1] in ("#", ";") or not (line or parts):
            continue  # a comment does not end a continued line
        if not parts:
            begun = number
        parts.append(line.removesuffix("\\"))
        if not line.endswith("\\"):
            yield begun, " ".join(parts).strip(_BLANKS)
            parts = []
    if parts:
        yield begun, " ".join(parts).strip(_BLANKS)


def is_unit_name(name: str) -> bool:
    """Whether a file may have this name as a unit."""
    stem, dot, kind = name.rpartition(".")
    return bool(stem and dot) and kind in TYPES and len(name) <= _MAX_NAME and _NAME_CHARACTERS.issuperset(name)


def is_template(name: str) -> bool:
    """Whether a unit's name ends its prefix with `@`: no unit of its own, the pattern of instances."""
    return "@." in name and name.partition("@")[2] == f".{name.rpartition('.')[2]}"


def template_of(name: str) -> str | None:
    """The template of an instance's name, or None for a name that is no instance's."""
    prefix, at, rest = name.partition("@")
    stem, _, kind = rest.rpartition(".")
    return f"{prefix}@.{kind}" if at and prefix and stem else None


def expand(text: str, name: str) -> str:
    """A value with the specifiers that follow from the unit's name replaced: %n %N %p %P %i %I %j %%. The others stay."""
    if "%" not in text:
        return text
    stem, _, _ = name.rpartition(".")
    prefix, at, instance = stem.partition("@")
    values = {
        "n": name,
        "N": stem,
        "p": prefix,
        "P": unescape(prefix),
        "i": instance if at else "",
        "I": unescape(instance) if at else "",
        "j": prefix.rpartition("-")[2],
        "%": "%",
    }
    return _replace(text, values)


def _replace(text: str, values: Mapping[str, str]) -> str:
    parts = []
    position = 0
    while (found := text.find("%", position)) >= 0:
        letter = text[found + 1 : found + 2]
        parts.append(text[position:found] + values.get(letter, f"%{letter}"))
        position = found + 2
    return "".join(parts) + text[position:]


def unescape(text: str) -> str:
    """A name's part with systemd's escapes undone: `-` stands for /, `\\x2d` for a character."""
    pieces = text.replace("-", "/").split("\\x")
    result = [pieces[0]]
    for piece in pieces[1:]:
        digits = piece[:2]
        valid = len(digits) == 2 and all(digit in "0123456789abcdefABCDEF" for digit in digits)
        result.append(chr(int(digits, 16)) + piece[2:] if valid else "\\x" + piece)
    return "".join(result)


def bus_path(name: str) -> str:
    """The object that systemd's D-Bus interface has for a unit (sd_bus_path_encode(3))."""
    escaped = "".join(
        chr(byte) if chr(byte).isalnum() and byte < 0x80 and not (index == 0 and chr(byte).isdigit()) else f"_{byte:02x}"
        for index, byte in enumerate(name.encode())
    )
    return f"/org/freedesktop/systemd1/unit/{escaped or '_'}"
