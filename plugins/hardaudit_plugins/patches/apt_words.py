"""The small languages that APT's files share: words with quotes, truth values, names of configuration fragments."""

from __future__ import annotations

import re
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from hardaudit.target.table import TableContext

_HEX = re.compile(r"%([0-9A-Fa-f]{2})")
_FRAGMENT = re.compile(r"[A-Za-z0-9_:.-]*[A-Za-z0-9_:-]")
_INTEGER = re.compile(r"[+-]?[0-9]+")
_TRUE = frozenset(("yes", "true", "with", "on", "enable"))
_FALSE = frozenset(("no", "false", "without", "off", "disable"))
_BLANKS = " \t\n\v\f\r"


def quoted_word(text: str, start: int) -> tuple[str, int] | None:
    """The word at `start` and where the next begins, or None at the end: blanks inside "…" and […] are the word's, quotes are dropped.

    Raises ValueError for a quote or bracket that is never closed. (apt-pkg, ParseQuoteWord.)
    """
    length = len(text)
    while start < length and text[start] in _BLANKS:
        start += 1
    if start == length:
        return None
    end = start
    while end < length and text[end] not in _BLANKS:
        closing = {'"': '"', "[": "]"}.get(text[end])
        if closing:
            end = text.find(closing, end + 1)
            if end < 0:
                raise ValueError("a quote or bracket that is never closed")
        end += 1
    word = _HEX.sub(lambda match: chr(int(match[1], 16)), text[start:end].replace('"', ""))
    while end < length and text[end] in _BLANKS:
        end += 1
    return word, end


def truth(text: str) -> bool | None:
    """A truth value as APT reads it, or None for what is none. (apt-pkg, StringToBool.)"""
    word = text.strip(_BLANKS).lower()
    number = _INTEGER.match(word)
    if number and int(number[0][:20]) in (0, 1):
        return int(number[0][:20]) == 1
    if word in _TRUE:
        return True
    return False if word in _FALSE else None


def fragments(context: TableContext, directory: str, extensions: Collection[str]) -> Iterator[str]:
    """The files of a configuration directory that APT reads, in its order. `extensions` may contain "" for names without one.

    A directory that does not exist has none; one that cannot be listed becomes a gap. (apt-pkg, GetListOfFilesInDir.)
    """
    for name in context.list_directory(directory, optional=True):
        _, dot, extension = name.rpartition(".")
        if name.startswith(".") or not _FRAGMENT.fullmatch(name) or (extension if dot else "") not in extensions:
            continue
        path = f"{directory}/{name}"
        try:
            if stat.S_ISDIR(context.target.stat(path).st_mode):
                continue
        except FileNotFoundError:
            continue  # a dangling link: APT skips it
        except OSError as error:
            context.gap_for(error, path)
            continue
        yield path
