"""Which directives are written to keep PHP from running."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hardaudit_plugins.web.apache.handlers import PHP_HANDLERS
from hardaudit_plugins.web.php.ini_files import is_on

if TYPE_CHECKING:
    from hardaudit_plugins.web.apache.directive import Directive

_PHP = re.compile(r"\bphp|ph(?:p|tml|ar|\\?[.(\[|])", re.IGNORECASE)


def is_about_php(text: str) -> bool:
    """Whether a pattern or a list of extensions names PHP's."""
    return _PHP.search(text) is not None


def protection_kind(directive: Directive) -> str | None:
    """The directive as written, on one line, if it is one that people write against PHP; None for every other."""
    return shown(directive) if _protects(directive) else None


def shown(directive: Directive) -> str:
    """A directive on one line, of a section its first line."""
    if directive.children is None:
        return f"{directive.spelled} {directive.arguments}".strip()
    return f"<{directive.spelled} {directive.arguments}>".replace(" >", ">")


def _protects(directive: Directive) -> bool:  # noqa: PLR0911 one return a kind of directive
    words = directive.words()
    lowered = [word.lower() for word in words]
    name = directive.name
    if name in ("php_flag", "php_admin_flag", "php_value", "php_admin_value"):
        return lowered[:1] == ["engine"] and not is_on((*lowered, "")[1])
    if name in ("sethandler", "forcetype"):
        return bool(words) and lowered[0] not in PHP_HANDLERS and not lowered[0].startswith("proxy:")
    if name in ("removehandler", "removetype"):
        return is_about_php(directive.arguments)
    if name in ("addhandler", "addtype"):
        return bool(words) and lowered[0] not in PHP_HANDLERS and any(is_about_php(word) for word in words[1:])
    if name == "require":
        return lowered[:2] != ["all", "granted"]
    if name == "deny":
        return lowered[:1] == ["from"]
    if name == "options":
        return "-execcgi" in lowered or lowered == ["none"]
    if name == "rewriterule":
        return bool(re.search(r"\[(?:[^]]*,)?\s*(?:F|forbidden|G|gone|R=4\d\d)\s*(?:,[^]]*)?\]", directive.arguments))
    if name in ("redirect", "redirectmatch"):
        return bool(words) and (lowered[0] == "gone" or lowered[0].startswith(("4", "5")))
    return name in ("requireall", "requireany", "requirenone", "limit", "limitexcept") and any(map(_protects, directive.children or ()))
