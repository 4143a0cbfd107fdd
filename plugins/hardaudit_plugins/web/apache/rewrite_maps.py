"""RewriteMap: what a map gives for a key. Internal functions and text files are known; what is random, or another program's, is not.

Source: lookup_map() of modules/mappers/mod_rewrite.c, httpd 2.4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model import host_text
from hardaudit_plugins.web.apache.expr_functions import escape, unescape, upper
from hardaudit_plugins.web.apache.known_text import Text, together
from hardaudit_plugins.web.apache.patterns import UndecidedError
from hardaudit_plugins.web.apache.words import SPACES, lower

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hardaudit_plugins.web.files import Files

_FUNCTIONS = {"toupper": upper, "tolower": lower, "escape": escape, "unescape": unescape}
_LONGEST_LINE = 1023


def look_up(name: str, key: Text, maps: Mapping[str, str], files: Files) -> Text | None:
    """The value for a key; None where the map has none, or there is no such map. Raises UndecidedError for a file that is not read."""
    source = maps.get(name)
    if source is None:
        return None
    kind, _, rest = source.partition(":")
    if kind.lower() == "int":
        if rest not in _FUNCTIONS:
            raise UndecidedError(f"RewriteMap {name}: the function {rest[:40]!r} of another module")
        return key.with_value(_FUNCTIONS[rest](key.value))
    if kind.lower() in ("rnd", "prg", "dbd", "fastdbd") or kind.lower().startswith("dbm"):
        return Text("", unknown=f"what the map {name} ({source[:80]}) gives for {key.value[:80]!r}")
    path = rest if kind.lower() == "txt" else source
    if key.unknown:
        return Text("", unknown=key.unknown)
    value = _of_file(path, key.value, files)
    return None if value is None and not key.client else together(value or "", [key])


def _of_file(path: str, key: str, files: Files) -> str | None:
    """lookup_map_txtfile(): the second word of the first line whose first word is the key."""
    if not path.startswith("/"):
        raise UndecidedError(f"RewriteMap file {path[:80]!r} is relative to ServerRoot")
    try:
        text = files.read_text(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise UndecidedError(f"RewriteMap file {path}: {error.strerror or error}") from error
    for line in text.split("\n"):
        if line[:1] in ("#", *SPACES) or not line.startswith(key):
            continue
        if len(host_text.encode(line)) > _LONGEST_LINE:
            raise UndecidedError(f"RewriteMap file {path} has a line of more than {_LONGEST_LINE} bytes")
        rest = line[len(key) :]
        words = rest.split()
        if rest[:1] in SPACES and words:
            return words[0]
    return None
