"""/etc/login.defs as the shadow tools read it: login.defs(5), lib/getdef.c.

A line is a name and a value; the last line of a name counts. A number may be decimal, octal or hexadecimal; one that cannot be read leaves
the built-in default in force.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hardaudit_plugins.accounts.lines import SPACE, LineGaps, numbered
from hardaudit_plugins.accounts.setting import Setting

if TYPE_CHECKING:
    from hardaudit.target.table import TableContext

ORIGIN = "login.defs"

_PATHS = ("/etc/login.defs", "/usr/etc/login.defs")
_DEFAULTS = {
    "ENCRYPT_METHOD": "DES",
    "PASS_MAX_DAYS": "-1",
    "PASS_MIN_DAYS": "-1",
    "PASS_WARN_AGE": "-1",
    "SYS_UID_MIN": "101",
    "UID_MIN": "1000",
    "UID_MAX": "60000",
    "UMASK": "022",
}
_NUMBERS = frozenset(
    {
        "PASS_MAX_DAYS",
        "PASS_MIN_DAYS",
        "PASS_WARN_AGE",
        "PASS_CHANGE_TRIES",
        "PASS_MIN_LEN",
        "PASS_MAX_LEN",
        "LOGIN_RETRIES",
        "LOGIN_TIMEOUT",
        "FAIL_DELAY",
        "UID_MIN",
        "UID_MAX",
        "GID_MIN",
        "GID_MAX",
        "SYS_UID_MIN",
        "SYS_UID_MAX",
        "SYS_GID_MIN",
        "SYS_GID_MAX",
        "SHA_CRYPT_MIN_ROUNDS",
        "SHA_CRYPT_MAX_ROUNDS",
        "YESCRYPT_COST_FACTOR",
        "BCRYPT_MIN_ROUNDS",
        "BCRYPT_MAX_ROUNDS",
    }
)
_NUMBER = re.compile(r"([+-]?)(0[xX][0-9a-fA-F]{1,16}|[0-9]{1,20})")


def settings(context: TableContext) -> list[Setting]:
    """Every setting of the file and the defaults of those that it leaves out; none, with a gap, when there is no file."""
    path = _path(context)
    text = context.read_text(path)
    if text is None:
        return []
    found = _read(context, path, text)
    if "ENCRYPT_METHOD" not in found and found.get("MD5_CRYPT_ENAB", _default("", "no")).value.lower() == "yes":
        found["ENCRYPT_METHOD"] = found["MD5_CRYPT_ENAB"].with_value("ENCRYPT_METHOD", "MD5")
    for name, value in _DEFAULTS.items():
        found.setdefault(name, _default(name, value))
    found.setdefault("SYS_UID_MAX", _default("SYS_UID_MAX", str(int(found["UID_MIN"].value) - 1)))
    return [found[name] for name in sorted(found)]


def _path(context: TableContext) -> str:
    """The administrator's file, or the vendor's where a distribution keeps one and the administrator has none."""
    for path in _PATHS:
        try:
            context.target.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError:
            break  # reading it says why
        return path
    return _PATHS[0]


def _default(name: str, value: str) -> Setting:
    return Setting(ORIGIN, None, name, value, None, None)


def _read(context: TableContext, path: str, text: str) -> dict[str, Setting]:
    found: dict[str, Setting] = {}
    gaps = LineGaps(context, path)
    for number, untrimmed in numbered(context, text):
        name, value = _split(untrimmed.partition("\0")[0].rstrip(SPACE))
        if name is None:
            continue
        if name in _NUMBERS:
            decimal = _decimal(value)
            if decimal is None:
                gaps.add(number, f"{name} has a value that is no number, and its default is in force")
                value = _DEFAULTS.get(name, value)
            else:
                value = decimal
        found[name] = Setting(ORIGIN, None, name, value, path, number)
    gaps.close()
    return found


def _split(line: str) -> tuple[str | None, str]:
    """Name and value; no name for a comment and for a line of one word, which the tools ignore."""
    text = line.lstrip(" \t")
    if text.startswith("#"):
        return None, ""
    end = min((position for position in (text.find(" "), text.find("\t")) if position >= 0), default=-1)
    if end < 0:
        return None, ""
    return text[:end], text[end:].lstrip(' \t"').partition('"')[0]


def _decimal(text: str) -> str | None:
    """A number as strtol(3) reads it with base 0, in decimal; None for what is no number of 64 bits."""
    match = _NUMBER.fullmatch(text.lstrip(SPACE))
    if not match:
        return None
    digits = match[2]
    octal = digits.startswith("0") and digits[1:2] not in ("x", "X")
    try:
        value = int(digits, 8 if octal else 0)
    except ValueError:  # 8 and 9 are no octal digits
        return None
    value = -value if match[1] == "-" else value
    return str(value) if -(2**63) <= value < 2**63 else None
