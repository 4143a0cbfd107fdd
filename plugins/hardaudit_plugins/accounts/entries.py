"""The entries of /etc/passwd, /etc/group and /etc/shadow of a target, with a gap for every line that is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from hardaudit.model.gap import GapReason
from hardaudit_plugins.accounts.account_files import EntryError, as_login_sees, parse_group, parse_passwd, parse_shadow, significant
from hardaudit_plugins.accounts.lines import LineGaps, numbered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hardaudit.target.table import TableContext
    from hardaudit_plugins.accounts.account_files import GroupEntry, PasswdEntry, ShadowEntry

PASSWD, GROUP, SHADOW = "/etc/passwd", "/etc/group", "/etc/shadow"

ENTRIES_LIMIT = 300_000
"""Entries of a file, or memberships, that are held in memory at most; no system has as many, a hostile file of 16 MiB may."""

_Entry = TypeVar("_Entry")


def passwd_entries(context: TableContext) -> Iterator[tuple[int, PasswdEntry]]:
    """The lines of /etc/passwd that glibc accepts, with their numbers, in the file's order; none, with a gap, when it cannot be read."""
    text = context.read_text(PASSWD)
    return _parsed(context, PASSWD, text or "", parse_passwd)


def group_entries(context: TableContext) -> Iterator[tuple[int, GroupEntry]]:
    """The lines of /etc/group that glibc accepts; none, with a gap, when it cannot be read."""
    text = context.read_text(GROUP)
    return _parsed(context, GROUP, text or "", parse_group)


def login_group_entries(context: TableContext) -> Iterator[tuple[int, GroupEntry]]:
    """`group_entries` as getgrouplist(3) finds them for a login: a group that is commented out takes its members in all the same."""
    text = context.read_text(GROUP)
    return _parsed(context, GROUP, text or "", parse_group, as_login_sees)


def shadow_entries(context: TableContext) -> Iterator[tuple[int, ShadowEntry]] | None:
    """The lines of /etc/shadow that glibc accepts; None, with a gap, when it cannot be read, which is not the same as having none."""
    text = context.read_text(SHADOW)
    return None if text is None else _parsed(context, SHADOW, text, parse_shadow)


def _parsed(
    context: TableContext, path: str, text: str, parse: Callable[[str], _Entry], see: Callable[[str], str] = significant
) -> Iterator[tuple[int, _Entry]]:
    """The lines that `parse` accepts of what `see` leaves of them; one that is no comment and not accepted is a gap."""
    gaps = LineGaps(context, path)
    count = 0
    for number, line in numbered(context, text):
        if "\0" in line:
            gaps.add(number, "a NUL byte: what follows it is seen by some programs and not by others", GapReason.UNDECIDABLE)
        visible = see(line)
        if not visible:
            continue
        try:
            entry = parse(visible)
        except EntryError as error:
            if not significant(line):
                continue
            gaps.add(number, f"no entry, the system ignores this line: {error}")
            continue
        count += 1
        if count > ENTRIES_LIMIT:
            context.gap(GapReason.TRUNCATED, f"{path}:{number}: only the first {ENTRIES_LIMIT:,} entries are read")
            break
        yield number, entry
    gaps.close()
