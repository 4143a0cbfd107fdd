"""A text that the server puts together for a request, with what of it nobody knows and what of it the client chose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardaudit_plugins.web.apache.pcre import UndecidedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hardaudit_plugins.web.choices import Choices


@dataclass(frozen=True, slots=True)
class Text:
    """`value` is what a plain request makes of it. `unknown`: why its true value is not known. `client`: what of it the client chooses."""

    value: str
    unknown: str = ""
    client: str = ""

    def with_value(self, value: str) -> Text:
        """Another text made of this one."""
        return Text(value, self.unknown, self.client)


EMPTY = Text("")


def joined(texts: Iterable[Text]) -> Text:
    """One text after the other."""
    parts = list(texts)
    return Text("".join(part.value for part in parts), *_origins(parts))


def together(value: str, texts: Iterable[Text]) -> Text:
    """A text that a function makes of several."""
    return Text(value, *_origins(list(texts)))


def _origins(parts: list[Text]) -> tuple[str, str]:
    return next((part.unknown for part in parts if part.unknown), ""), next((part.client for part in parts if part.client), "")


def decided(choices: Choices, key: str, texts: Iterable[Text], *, plain: bool) -> bool:
    """The outcome of a condition about texts, `plain` for a plain request; a choice where one is open. `key` names the condition."""
    unknown, client = _origins(list(texts))
    if unknown:
        return choices.undecidable(key, f"{key}: {unknown}")
    if client:
        return choices.client(key, plain, f"{key}: the client decides {client}")
    return plain


def is_set(variables: Mapping[str, Text | str], name: str, choices: Choices) -> bool:
    """Whether a variable of the request's environment is set, whatever its value; names have no case."""
    for known, value in variables.items():
        if known.lower() == name.lower():
            return isinstance(value, str) or decided(choices, f"env {name.lower()}", [value], plain=value.value != "")
    return False


def settled(text: Text, choices: Choices, what: str) -> str:
    """A text that must be known to go on. Raises UndecidedError when it is not, or when the client who crafts a request chooses it."""
    if text.unknown:
        raise UndecidedError(f"{what}: {text.unknown}")
    if text.client and choices.crafted:
        raise UndecidedError(f"{what}: the client decides {text.client}")
    return text.value
