"""Paragraphs of `Name: value` fields: the format of dpkg's and APT's files, deb-control(5) and deb822(5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph: its first line's number, from 1; its fields by lower-case name; what is wrong with it, or nothing.

    A field's value is a list of its lines, the first without its leading blanks, the continuation lines as they stand.
    """

    line: int
    fields: Mapping[str, list[str]]
    problem: str | None = None

    def value(self, name: str) -> str | None:
        """A field's value without the blanks around it, or None for a field that is absent."""
        lines = self.fields.get(name)
        return None if lines is None else "\n".join(lines).strip(" \t\r\n\f\v")


def paragraphs(text: str, *, comments: bool = False) -> Iterator[Paragraph]:
    """The paragraphs of a file, in order. `comments`: lines that begin with `#` are left out (APT's files have them)."""
    line = 1
    for block in text.split("\n\n"):
        lines = block.split("\n")
        fields, problem = _fields(lines, comments=comments)
        if fields or problem:
            yield Paragraph(line + _leading_blanks(lines), fields, problem)
        line += len(lines) + 1


def _leading_blanks(lines: list[str]) -> int:
    return next((index for index, line in enumerate(lines) if line), 0)


def _fields(lines: list[str], *, comments: bool) -> tuple[dict[str, list[str]], str | None]:
    fields: dict[str, list[str]] = {}
    current: list[str] | None = None
    problem = None
    for line in lines:
        if line[:1] in (" ", "\t"):
            if line.isspace() or current is None:
                problem = problem or ("a blank line inside a field" if line.isspace() else "a continuation line without a field")
            else:
                current.append(line)
        elif line and not (comments and line[0] == "#"):
            name, colon, value = line.partition(":")
            key = name.rstrip(" \t").lower()
            if not colon or not key:
                problem = problem or "a line that is no field"
            elif key in fields:
                problem = problem or f"the field {name.rstrip()} twice"
            else:
                fields[key] = current = [value.lstrip(" \t")]
    return fields, problem
