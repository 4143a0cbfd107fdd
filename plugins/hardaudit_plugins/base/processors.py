"""/proc/cpuinfo: what the processors are and how many."""

from __future__ import annotations

from dataclasses import dataclass

from hardaudit_plugins.base.osquery_values import leading_integer, strip


@dataclass(frozen=True, slots=True)
class Processors:
    """`model`, `brand` and `microcode` are the first processor's, None where the architecture has no such line; the rest are counts."""

    brand: str | None
    model: str | None
    microcode: str | None
    logical: int
    cores: int
    sockets: int | None


def parse_cpuinfo(text: str) -> Processors:
    """Counts and names from /proc/cpuinfo: a paragraph for each logical processor, `key<tab>: value` lines."""
    paragraphs = [_fields(paragraph) for paragraph in text.split("\n\n")]
    logical = [fields for fields in paragraphs if "processor" in fields]
    cores = {(fields.get("physical id", "0"), fields["core id"]) for fields in logical if "core id" in fields}
    first = logical[0] if logical else {}
    siblings = leading_integer(first.get("siblings", "")) or 0
    return Processors(
        brand=first.get("model name"),
        model=first.get("model"),
        microcode=first.get("microcode"),
        logical=len(logical),
        cores=len(cores) or len(logical),
        sockets=len(logical) // siblings if siblings > 0 else None,
    )


def _fields(paragraph: str) -> dict[str, str]:
    pairs = (line.partition(":") for line in paragraph.split("\n"))
    return {strip(key): strip(value) for key, separator, value in pairs if separator}
