"""The functions and operators of Apache's expressions: server/util_expr_eval.c of httpd 2.4."""

from __future__ import annotations

import base64
import binascii
import hashlib
import ipaddress
import re
import stat
from functools import lru_cache
from typing import TYPE_CHECKING

from hardaudit.model import host_text
from hardaudit_plugins.web.apache.patterns import UndecidedError, matches
from hardaudit_plugins.web.apache.words import lower

if TYPE_CHECKING:
    from collections.abc import Callable

    from hardaudit_plugins.web.files import Files

_UNESCAPED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789$-_.+!*'(),:;@&=/~")
_INTEGER = re.compile(r"[ \t\n\v\f\r]*([+-]?[0-9]+)")
_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})?")
_BIGGEST = 2**63 - 1


def escape(text: str) -> str:
    """ap_escape_uri(): what is not allowed in a URL's path as `%xx`."""
    return "".join(chr(byte) if byte in _UNESCAPED else f"%{byte:02x}" for byte in host_text.encode(text))


def unescape(text: str) -> str:
    """ap_unescape_url_keep2f(): empty for a bad escape or `%00`; `%2f` stays."""
    raw = host_text.encode(text)
    for found in _ESCAPE.finditer(raw):
        if found[1] is None or found[1] == b"00":
            return ""
    return host_text.decode(_ESCAPE.sub(lambda found: found[0] if found[1].lower() == b"2f" else bytes([int(found[1], 16)]), raw))


def upper(text: str) -> str:
    """Upper case as Apache's: of ASCII letters only."""
    return "".join(char.upper() if char.isascii() else char for char in text)


def _unbase64(text: str) -> str:
    raw = host_text.encode(text)
    end = re.match(rb"[A-Za-z0-9+/]*", raw)
    letters = end[0] if end else b""
    if len(letters) % 4 == 1:
        letters = letters[:-1]
    try:
        decoded = base64.b64decode(letters + b"=" * (-len(letters) % 4))
    except binascii.Error as error:
        raise UndecidedError(f"unbase64 of {text[:40]!r}") from error
    return host_text.decode(decoded.split(b"\0")[0])


FUNCTIONS: dict[str, Callable[[str], str]] = {
    "tolower": lower,
    "toupper": upper,
    "escape": escape,
    "unescape": unescape,
    "base64": lambda text: base64.b64encode(host_text.encode(text)).decode(),
    "unbase64": _unbase64,
    "md5": lambda text: hashlib.md5(host_text.encode(text), usedforsecurity=False).hexdigest(),
    "sha1": lambda text: hashlib.sha1(host_text.encode(text), usedforsecurity=False).hexdigest(),
}
"""Functions of their argument alone."""


def integer(text: str) -> int:
    """atoi(): the number that a text begins with, or 0."""
    found = _INTEGER.match(text)
    return max(-_BIGGEST - 1, min(_BIGGEST, int(found[1][:30]))) if found else 0


def is_true(text: str) -> bool:
    """The operator -T."""
    return lower(text) not in ("", "off", "no", "false") and text != "0"


def file_test(operator: str, path: str, files: Files) -> bool:
    """The operators -d -e -f -s -L -h -x (and -l of mod_rewrite). Raises UndecidedError where the target does not say."""
    if not path or "\0" in path:
        return False
    if not path.startswith("/"):
        raise UndecidedError(f"-{operator} {path}: relative to the directory that the server was started in")
    try:
        return _file_test(operator, path, files)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise UndecidedError(f"-{operator} {path}: {error.strerror or error}") from error


def _file_test(operator: str, path: str, files: Files) -> bool:
    if operator in "dfe":
        return {"d": files.is_directory, "f": files.is_file, "e": files.exists}[operator](path)
    if operator in "Lhl":
        return files.uploads.get(path) is None and stat.S_ISLNK(files.target.lstat(path).st_mode)
    uploaded = files.uploaded(path)
    if operator == "s":
        return bool(uploaded) if uploaded is not None else files.is_file(path) and files.target.stat(path).st_size > 0
    if uploaded is not None:
        return False
    return bool(files.target.stat(path).st_mode & (stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH))


def file_size(path: str, files: Files) -> str:
    """The function filesize()."""
    if not file_test("s", path, files):
        return "0"
    uploaded = files.uploaded(path)
    return str(len(host_text.encode(uploaded)) if uploaded is not None else files.target.stat(path).st_size)


@lru_cache(maxsize=256)
def subnet(text: str) -> tuple[int, int, int]:
    """apr_ipsubnet_create(): the version, address and mask of `10.1`, `10.0.0.0/8`, `10.0.0.0/255.0.0.0`, `::1`. Raises ValueError."""
    address, slash, mask = text.partition("/")
    if re.fullmatch(r"[0-9]+(\.[0-9]+){0,2}\.?", address) and not slash:
        parts = [int(part) for part in address.rstrip(".").split(".")]
        if any(part > 255 for part in parts):
            raise ValueError(text)
        bits = 8 * len(parts)
        number = int.from_bytes(bytes([*parts, 0, 0, 0][:4]), "big")
        return 4, number, _mask(bits, 32)
    parsed = ipaddress.ip_address(address)
    width = parsed.max_prefixlen
    bits_mask = _mask(width, width)
    if slash and mask.isdecimal():
        if not 0 < int(mask[:9]) <= width:
            raise ValueError(text)
        bits_mask = _mask(int(mask), width)
    elif slash:
        bits_mask = int(ipaddress.IPv4Address(mask))
    return parsed.version, int(parsed) & bits_mask, bits_mask


def _mask(bits: int, width: int) -> int:
    return ((1 << bits) - 1) << (width - bits)


def in_subnet(address: str, network: tuple[int, int, int]) -> bool:
    """apr_ipsubnet_test(). Raises UndecidedError for a host name that would be looked up."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        raise UndecidedError(f"-ipmatch looks up {address[:80]!r}") from None
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    version, number, mask = network
    return parsed.version == version and int(parsed) & mask == number


def wildcard(pattern: str, text: str, *, pathname: bool = False, ignore_case: bool = False) -> bool:
    """apr_fnmatch(), with APR_FNM_PATHNAME or APR_FNM_CASE_BLIND. Raises UndecidedError when it takes too long."""
    return matches(_as_pattern(pattern, pathname), text, ignore_case=ignore_case) is not None


@lru_cache(maxsize=256)
def _as_pattern(pattern: str, pathname: bool) -> str:  # noqa: FBT001 a key of the cache
    one = "[^/]" if pathname else "(?s:.)"
    parts: list[str] = []
    at = 0
    while at < len(pattern):
        letter = pattern[at]
        at += 1
        if letter == "*":
            if not parts or parts[-1] != one + "*":
                parts.append(one + "*")
        elif letter == "?":
            parts.append(one)
        elif letter == "[":
            text, at = _class(pattern, at, pathname=pathname)
            parts.append(text)
        elif letter == "\\" and at < len(pattern):
            parts.append(_literal(pattern[at]))
            at += 1
        else:
            parts.append(_literal(letter))
    return "^" + "".join(parts) + "$"


_CLASS = re.compile(r"([!^]?)((?:\\.|[^\\])(?:\\.|[^\\\]])*)\]", re.DOTALL)
_MEMBER = re.compile(r"\\?(.)(?:-(?!$)\\?(.))?", re.DOTALL)


def _class(pattern: str, at: int, *, pathname: bool) -> tuple[str, int]:
    """The class that begins before `at`, and where it ends; an unclosed bracket is a bracket."""
    found = _CLASS.match(pattern, at)
    if found is None:
        return r"\[", at
    ranges = [(first, last or first) for first, last in _MEMBER.findall(found[2])]
    if any(ord(letter) > 0x7F for pair in ranges for letter in pair):
        raise UndecidedError(f"the class in the wildcard pattern {pattern[:80]!r}")
    members = "".join(f"\\x{ord(first):02x}-\\x{ord(last):02x}" for first, last in ranges if first <= last)
    slash = "(?!/)" if pathname else ""
    if not members:
        return (slash + "(?s:.)" if found[1] else "(?!)"), found.end()
    return f"{slash}[{'^' if found[1] else ''}{members}]", found.end()


def _literal(letter: str) -> str:
    return letter if letter.isalnum() or not letter.isascii() else "\\" + letter
