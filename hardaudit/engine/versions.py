"""osquery's `version_compare` and its collations.

The default flavour compares segments, cut at the delimiters `~ - ^ . :`, as osquery does: a longer segment is greater, and of two that are
as long the first byte that differs decides. Which delimiter it is does not matter. The flavours DPKG and RHEL follow the package managers'
own rules, deb-version(7) and rpm-version(7), where osquery approximates them.
"""

from __future__ import annotations

import re
from functools import cmp_to_key, lru_cache
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from hardaudit.errors import QueryError
from hardaudit.model import host_text

if TYPE_CHECKING:
    from collections.abc import Callable

_SEGMENT = re.compile(rb"[~^.:-]")
_SIGNED = bytes((byte + 128) % 256 for byte in range(256))  # the order of C's char on amd64, which osquery compares
_RPM_TOKEN = re.compile(r"[0-9]+|[a-zA-Z]+|~|\^")


def _sign(left: Any, right: Any) -> int:
    return int(left > right) - int(left < right)


def _compare_numerals(left: str, right: str) -> int:
    """By value, without making integers of numerals that the host may have made a million digits long."""
    left, right = left.lstrip("0"), right.lstrip("0")
    return _sign((len(left), left), (len(right), right))


def compare_segments(left: str, right: str) -> int:
    """-1, 0 or 1; the default flavour."""
    for one, other in zip_longest(_SEGMENT.split(host_text.encode(left)), _SEGMENT.split(host_text.encode(right))):
        if one is None or other is None:
            return 1 if other is None else -1
        order = _sign(len(one), len(other)) or _sign(one.translate(_SIGNED), other.translate(_SIGNED))
        if order:
            return order
    return 0


def _dpkg_order(character: str) -> int:
    """deb-version(7): the tilde sorts before the end of a part, letters before everything else."""
    if character == "~":
        return -1
    return ord(character) if character.isalpha() else ord(character) + 0x200000


def _compare_dpkg_part(left: str, right: str) -> int:
    """An upstream version or revision, as deb-version(7) says: alternating runs of non-digits and digits."""
    one, other = _dpkg_runs(left), _dpkg_runs(right)
    for (text, number), (other_text, other_number) in zip_longest(one, other, fillvalue=("", "")):
        keys = [[_dpkg_order(character) for character in run] + [0] for run in (text, other_text)]
        order = _sign(*keys) or _compare_numerals(number, other_number)
        if order:
            return order
    return 0


def _dpkg_runs(part: str) -> list[tuple[str, str]]:
    return [(match[1], match[2]) for match in re.finditer(r"([^0-9]*)([0-9]*)", part) if match[0]]


@lru_cache(maxsize=4096)
def _dpkg_parts(version: str) -> tuple[str, str, str]:
    epoch, colon, rest = version.partition(":")
    if not colon:
        epoch, rest = "0", version
    upstream, dash, revision = rest.rpartition("-")
    return (epoch, upstream, revision) if dash else (epoch, rest, "0")


def compare_dpkg(left: str, right: str) -> int:
    """-1, 0 or 1, as `dpkg --compare-versions` decides."""
    (epoch, *parts), (other_epoch, *other_parts) = _dpkg_parts(left), _dpkg_parts(right)
    order = _compare_numerals(epoch, other_epoch)
    for part, other_part in zip(parts, other_parts, strict=True):
        order = order or _compare_dpkg_part(part, other_part)
    return order


def _compare_rpm_part(left: str, right: str) -> int:
    """rpmvercmp: `~` before everything, `^` after the end but before more; a number is newer than letters."""
    for one, other in zip_longest(_RPM_TOKEN.findall(left), _RPM_TOKEN.findall(right), fillvalue=""):
        if one == other:
            continue
        for mark, lower in (("~", -1), ("^", 1)):
            if mark in (one, other):
                end = other if one == mark else one
                order = lower if mark == "~" or not end else -1
                return order if one == mark else -order
        if not one or not other:
            return 1 if one else -1
        if one.isdigit() != other.isdigit():
            return 1 if one.isdigit() else -1
        order = _compare_numerals(one, other) if one.isdigit() else _sign(one, other)
        if order:
            return order
    return 0


def compare_rpm(left: str, right: str) -> int:
    """-1, 0 or 1: epoch, version and release as rpm decides. A release that only one side has is not compared."""
    sides = []
    for version in (left, right):
        epoch, colon, rest = version.partition(":")
        number, _, release = (rest if colon else version).partition("-")
        sides.append((epoch if colon else "0", number, release))
    (epoch, number, release), (other_epoch, other_number, other_release) = sides
    order = _compare_numerals(epoch, other_epoch) or _compare_rpm_part(number, other_number)
    if order or not release or not other_release:
        return order
    return _compare_rpm_part(release, other_release)


_FLAVOURS: dict[str, Callable[[str, str], int]] = {"ARCH": compare_rpm, "DPKG": compare_dpkg, "RHEL": compare_rpm}

COLLATIONS: dict[str, Callable[[str, str], int]] = {
    "version": compare_segments,
    "version_arch": compare_rpm,
    "version_dpkg": compare_dpkg,
    "version_rhel": compare_rpm,
}

dpkg_key = cmp_to_key(compare_dpkg)
"""A sort key for Debian versions."""


def version_compare(left: object, right: object, flavour: object = None) -> int | None:
    """-1, 0 or 1; NULL with a NULL operand. `flavour`: 'ARCH', 'DPKG' or 'RHEL'; another name raises QueryError."""
    if left is None or right is None:
        return None
    compare = compare_segments if flavour is None else _FLAVOURS.get(str(flavour).upper())
    if compare is None:
        raise QueryError(f"version_compare: the flavour is one of {', '.join(_FLAVOURS)}")
    return compare(str(left), str(right))
