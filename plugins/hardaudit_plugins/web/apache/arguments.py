"""Whether a directive has as many arguments as it takes.

Source: `invoke_cmd` of server/config.c, httpd 2.4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit_plugins.web.apache.directive_table import lookup
from hardaudit_plugins.web.apache.words import lower, split_words

if TYPE_CHECKING:
    from hardaudit_plugins.web.apache.directive_table import DirectiveSpec

_COUNTS: dict[str, tuple[int, ...]] = {
    "none": (0,),
    "1": (1,),
    "2": (2,),
    "3": (3,),
    "12": (1, 2),
    "13": (1, 3),
    "23": (2, 3),
    "123": (1, 2, 3),
}
_LEAST = {"iterate": 1, "iterate2": 2}


def argument_fault(name: str, arguments: str) -> str | None:
    """Why the server refuses a directive with these arguments, or None: their number, or a flag that is neither On nor Off.

    What the directive itself makes of them is not looked at, nor are sections and directives that are not known.
    """
    spec = lookup(name)
    return None if spec is None or spec.arguments in ("raw", "argv") else count_fault(spec, split_words(arguments))


def count_fault(spec: DirectiveSpec, words: list[str]) -> str | None:
    """`argument_fault` of words; an empty first word is no argument."""
    if spec.arguments == "flag":
        return None if words and lower(words[0]) in ("on", "off") else f"{spec.name} must be On or Off"
    given = words if not words or words[0] else []
    least = _LEAST.get(spec.arguments)
    fits = len(given) in _COUNTS.get(spec.arguments, (len(given),)) if least is None else len(given) >= least
    return None if fits else f"{spec.name} does not take {len(given)} arguments"
