"""A setting that governs logins, and where it is made."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Setting:
    """`service` names the PAM stack that it holds for, None for all; `source` and `line` are None for a built-in default."""

    origin: str
    service: str | None
    name: str
    value: str
    source: str | None
    line: int | None

    def with_value(self, name: str, value: str) -> Setting:
        """Another setting that follows from this one's line."""
        return replace(self, name=name, value=value)
