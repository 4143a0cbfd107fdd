"""The scheme of a password's hash, crypt(5), and whether any password can match it."""

from __future__ import annotations

import re

_SCHEMES = {
    "1": "md5",
    "md5": "sunmd5",
    "sha1": "sha1",
    "3": "nt",
    "5": "sha256",
    "6": "sha512",
    "7": "scrypt",
    "y": "yescrypt",
    "gy": "gost-yescrypt",
    "2": "bcrypt",
    "2a": "bcrypt",
    "2b": "bcrypt",
    "2x": "bcrypt",
    "2y": "bcrypt",
}
_MODULAR = re.compile(r"\$([A-Za-z0-9]+)[$,]")
_EXTENDED_DES = re.compile(r"_[./0-9A-Za-z]{19}")
_DES = re.compile(r"[./0-9A-Za-z]{13,}")

UNKNOWN = "unknown"


def scheme(password: str) -> str | None:
    """Name of the scheme of what stands in /etc/shadow; `unknown` for a scheme that is not known here; None when no password can match.

    The traditional DES hash has 13 characters, with what some systems append for passwords longer than eight.
    """
    if password.startswith("$"):
        modular = _MODULAR.match(password)
        return _SCHEMES.get(modular[1], UNKNOWN) if modular else UNKNOWN
    if _EXTENDED_DES.fullmatch(password):
        return "bsdi-des"
    return "des" if _DES.fullmatch(password) else None
