"""How sshd reads the arguments of each kind of keyword, and spells them in `sshd -T`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from hardaudit_plugins.ssh.sshd_algorithms import LIST_OF, assemble, names_valid
from hardaudit_plugins.ssh.sshd_lexer import RefusedError, lower
from hardaudit_plugins.ssh.sshd_patterns import check_addresses

INT_MAX = 2**31 - 1
_BLANK = " \t\n\v\f\r"
_INTEGER = re.compile(rf"[{_BLANK}]*([+-]?[0-9]{{1,18}})")
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_SCALES = {"": 1, "b": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40, "p": 2**50, "e": 2**60}
_SCALED = re.compile(rf"[{_BLANK}]*([+-]?)([0-9]{{0,18}})(?:\.([0-9]{{0,18}}))?([bBkKmMgGtTpPeE]?)")


class UndecidableError(Exception):
    """The value depends on something that is not known; the message says on what."""


class Host(Protocol):
    """What the meaning of some values depends on."""

    @property
    def release(self) -> str:
        """The version text of sshd, `OpenSSH_9.2p1`; empty when it is not known."""

    def home(self, user: str | None) -> str | None:
        """A user's home directory, of user ID 0 for None; None when there is no such user."""

    def port(self, text: str) -> int | None:
        """The port that a number from 0 to 65535 or the name of a TCP service stands for."""

    def supported_algorithms(self, kind: str) -> tuple[str, ...]:
        """The algorithms of a kind that sshd was built with."""

    def default_algorithms(self, keyword: str) -> tuple[str, ...] | None:
        """The list compiled in for a keyword; None when it is not known."""


@dataclass(frozen=True, slots=True)
class Arguments:
    """What follows a keyword: as words, and as text for keywords that take the rest of the line."""

    keyword: str
    words: tuple[str, ...]
    rest: str

    @property
    def first(self) -> str:
        """The first word. Raises RefusedError when it is missing or empty."""
        if not self.words or not self.words[0]:
            raise RefusedError(f"{self.keyword} has no argument")
        return self.words[0]

    @property
    def only(self) -> str:
        """The one word. Raises RefusedError when there is another number of them."""
        word = self.first
        if len(self.words) > 1:
            raise RefusedError(f"{self.keyword} has extra arguments")
        return word

    @property
    def items(self) -> tuple[str, ...]:
        """All words. Raises RefusedError when one is empty."""
        if "" in self.words:
            raise RefusedError(f"{self.keyword} has an empty argument")
        return self.words


Values: TypeAlias = Mapping[str, tuple[str, ...]]
"""What a line sets: values by setting; the empty name stands for the keyword itself."""

Parser: TypeAlias = Callable[[Arguments, Host], Values]
"""Raises RefusedError for a value that sshd does not start with, UndecidableError for one that cannot be known from here."""


def integer(text: str, lowest: int = 0, highest: int = INT_MAX) -> int | None:
    """An integer within bounds as strtonum(3) reads it; None when it is none."""
    found = _INTEGER.fullmatch(text)
    value = int(found[1]) if found else None
    return value if value is not None and lowest <= value <= highest else None


def seconds(text: str) -> int | None:
    """A duration (`90`, `1h30m`) in seconds; None when sshd does not accept it."""
    total, position = 0, 0
    while position < len(text):
        found = _INTEGER.match(text, position)
        unit = _UNITS.get(lower(text[found.end() : found.end() + 1])) if found else None
        if not found or unit is None or int(found[1]) < 0:
            return None
        total += int(found[1]) * unit
        position = found.end() + 1
    return total if text and total <= INT_MAX else None


def size(text: str) -> int | None:
    """A size with an optional unit (`512M`) in bytes; None when sshd does not accept it."""
    found = _SCALED.fullmatch(text)
    if not found:
        return None
    scale = _SCALES[lower(found[4])]
    fraction = int((found[3] or "0").ljust(18, "0")[:18]) * scale // 10**18 if found[4] else 0
    value = int(found[2] or "0") * scale + fraction
    value = -value if found[1] == "-" else value
    return value if abs(value) < 2**63 else None


def choice(options: Mapping[str, str]) -> Parser:
    """One of the words, in any case, spelled as its value."""

    def parse(arguments: Arguments, _: Host) -> Values:
        chosen = options.get(lower(arguments.only))
        if chosen is None:
            raise RefusedError(f"{arguments.keyword} does not take {arguments.only}")
        return {"": (chosen,)}

    return parse


def exact(*options: str) -> Parser:
    """One of the words, exactly as they stand."""

    def parse(arguments: Arguments, _: Host) -> Values:
        if arguments.only not in options:
            raise RefusedError(f"{arguments.keyword} does not take {arguments.only}")
        return {"": (arguments.only,)}

    return parse


flag = choice({"yes": "yes", "no": "no"})


def number(arguments: Arguments, _: Host) -> Values:
    """A number from 0 to 2147483647."""
    value = integer(arguments.only)
    if value is None:
        raise RefusedError(f"{arguments.keyword} does not take {arguments.only}")
    return {"": (str(value),)}


def duration(arguments: Arguments, _: Host) -> Values:
    """A time, in seconds."""
    value = seconds(arguments.only)
    if value is None:
        raise RefusedError(f"{arguments.keyword}: {arguments.only} is not a time")
    return {"": (str(value),)}


def port(arguments: Arguments, host: Host) -> Values:
    """A port from 1."""
    value = host.port(arguments.only)
    if not value:
        raise RefusedError(f"{arguments.only} is not a port")
    return {"": (str(value),)}


def text(arguments: Arguments, _: Host) -> Values:
    """A word, kept as it is; `none` in any case is `none`."""
    return {"": (none_or(arguments.only),)}


def none_or(word: str) -> str:
    """The word, but `none` in lower case."""
    return "none" if lower(word) == "none" else word


def expanded(word: str, host: Host) -> str:
    """A file name with a leading `~` or `~user` replaced by the home directory. Raises RefusedError for a user that does not exist."""
    if not word.startswith("~"):
        return word
    user, _, path = word[1:].partition("/")
    home = host.home(user or None)
    if home is None:
        raise RefusedError(f"{word}: no such user")
    return f"{home}{'' if home.endswith('/') else '/'}{path.lstrip('/')}"


def absolute(word: str, host: Host) -> str:
    """A file name as sshd makes it absolute; its working directory is `/`, which gives two slashes."""
    if lower(word) == "none":
        return "none"
    path = expanded(word, host)
    return path if path.startswith("/") else f"//{path}"


def file_name(arguments: Arguments, host: Host) -> Values:
    """A file name, made absolute."""
    return {"": (absolute(arguments.only, host),)}


def file_name_or(word: str) -> Parser:
    """A file name, made absolute, or the word."""

    def parse(arguments: Arguments, host: Host) -> Values:
        return {"": (arguments.only if lower(arguments.only) == lower(word) else absolute(arguments.only, host),)}

    return parse


def expanded_names(arguments: Arguments, host: Host) -> Values:
    """File names with `~` expanded; relative ones stay, they are the user's."""
    return {"": tuple(expanded(word, host) for word in arguments.items)}


def expanded_name(arguments: Arguments, host: Host) -> Values:
    """A file name with `~` expanded."""
    return {"": (none_or(expanded(arguments.only, host)),)}


def words(arguments: Arguments, _: Host) -> Values:
    """Any number of words."""
    return {"": arguments.items}


def user_patterns(arguments: Arguments, _: Host) -> Values:
    """Patterns of users, `user` or `user@host`."""
    for word in arguments.items:
        if "@" in word:
            check_addresses(word.partition("@")[2])
    return {"": arguments.items}


def rest_of_line(arguments: Arguments, _: Host) -> Values:
    """The rest of the line as it stands."""
    value = arguments.rest.lstrip(" \t\r\n")
    if not value:
        raise RefusedError(f"{arguments.keyword} has no argument")
    return {"": (none_or(value),)}


def command(arguments: Arguments, host: Host) -> Values:
    """A command line that begins with an absolute path, or `none`."""
    value = rest_of_line(arguments, host)[""][0]
    if not value.startswith("/") and value != "none":
        raise RefusedError(f"{arguments.keyword} must be an absolute path")
    return {"": (value,)}


def algorithms(keyword: str) -> Parser:
    """A list of algorithms, put together with the defaults."""
    kind = LIST_OF[keyword]

    def parse(arguments: Arguments, host: Host) -> Values:
        value, supported = arguments.only, host.supported_algorithms(kind)
        names = value[1:] if value[0] in "+^" else value
        if value[0] != "-" and not names_valid(names, supported, wildcards=kind == "keys"):
            raise RefusedError(f"{arguments.keyword}: this sshd does not know every algorithm of {value}")
        defaults = host.default_algorithms(keyword)
        if defaults is None and value[0] in "+-^":
            raise UndecidableError(f"{arguments.keyword} {value}: the defaults it starts from are not known")
        return {"": (",".join(assemble(value, defaults or (), supported)),)}

    return parse


def octal(arguments: Arguments, _: Host) -> Values:
    """A mode in octal."""
    found = re.match(rf"[{_BLANK}]*\+?([0-7]{{1,9}})", arguments.only)
    if not found or int(found[1], 8) > 0o777:
        raise RefusedError(f"{arguments.keyword}: {arguments.only} is not a mode")
    return {"": (f"0{int(found[1], 8):o}",)}
