"""`Match`: the criteria of a block, and whether a connection meets them, sshd_config(5)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from hardaudit_plugins.ssh.sshd_lexer import Delimited, RefusedError, lower, split_arguments
from hardaudit_plugins.ssh.sshd_patterns import check_addresses, matches_addresses, matches_list

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit_plugins.ssh.sshd_values import Host

Groups: TypeAlias = Callable[[str], "list[str]"]
"""The names of a user's groups; none for a user that does not exist."""

_WITH_ARGUMENT = frozenset({"user", "group", "host", "address", "localaddress", "localport", "rdomain", "version"})
_SINCE_ARGV = frozenset({"version", "invalid-user"})


@dataclass(frozen=True, slots=True)
class Connection:
    """What a connection is known by; a criterion on what is None does not match, as with `sshd -T`."""

    user: str | None = None
    host: str | None = None
    address: str | None = None
    local_address: str | None = None
    local_port: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Condition:
    """A `Match` line: its criteria, all of which must hold. `text` is as it was written; no criteria: sshd does not accept the line.

    Two are equal when they are the same line, also of a file that is included twice.
    """

    criteria: tuple[tuple[str, str], ...]
    text: str
    path: str
    line: int

    def __eq__(self, other: object) -> bool:
        """Whether it is the same line."""
        return isinstance(other, Condition) and (self.path, self.line) == (other.path, other.line)

    def __hash__(self) -> int:
        """Of path and line."""
        return hash((self.path, self.line))

    @property
    def always(self) -> bool:
        """`Match all`."""
        return self.criteria == (("all", ""),)

    @property
    def refused(self) -> bool:
        """Whether sshd does not accept the line."""
        return not self.criteria


def parse_condition(rest: str, path: str, line: int, host: Host, *, argv: bool) -> Condition:
    """The condition that a `Match` line states. `argv`: with the word rules of OpenSSH 9.9 and later. Raises RefusedError."""
    pairs = list(_argv_pairs(rest) if argv else _delimited_pairs(rest))
    if not pairs:
        raise RefusedError("Match has no criteria")
    for attribute, argument in pairs:
        if lower(attribute) in _SINCE_ARGV and not argv:
            raise RefusedError(f"{attribute} is not a criterion of this version's Match")
        _check(lower(attribute), argument, host, alone=len(pairs) == 1)
    criteria = tuple((lower(attribute), argument) for attribute, argument in pairs)
    return Condition(criteria, " ".join(word for pair in pairs for word in pair if word), path, line)


def _delimited_pairs(rest: str) -> Iterator[tuple[str, str]]:
    words = Delimited(rest)
    while (attribute := words.next()) and not attribute.startswith("#"):
        if lower(attribute) == "all":
            argument = words.next()
            if argument and not argument.startswith("#"):
                raise RefusedError("'all' cannot be combined with other criteria")
            yield attribute, ""
            return
        yield attribute, _argument(attribute, words.next())


def _argv_pairs(rest: str) -> Iterator[tuple[str, str]]:
    words = iter(split_arguments(rest))
    for word in words:
        attribute, equals, argument = word.partition("=")
        if lower(word) in ("all", "invalid-user"):
            yield word, ""
        elif equals and lower(attribute) in _WITH_ARGUMENT:
            yield attribute, _argument(attribute, argument)
        else:
            yield word, _argument(word, next(words, None))


def _argument(attribute: str, argument: str | None) -> str:
    if not argument or argument.startswith("#"):
        raise RefusedError(f"the criterion {attribute} has no argument")
    return argument


def _check(attribute: str, argument: str, host: Host, *, alone: bool) -> None:
    if attribute == "all" and not alone:
        raise RefusedError("'all' cannot be combined with other criteria")
    if attribute in ("address", "localaddress"):
        check_addresses(argument)
    elif attribute == "localport" and host.port(argument) is None:
        raise RefusedError(f"{argument} is not a port")
    elif attribute not in _WITH_ARGUMENT and attribute not in ("all", "invalid-user"):
        raise RefusedError(f"{attribute} is not a criterion of Match")


def holds(condition: Condition, connection: Connection, host: Host, groups: Groups) -> bool:
    """Whether a connection meets every criterion of a `Match` line."""
    if condition.refused:
        return False
    return condition.always or all(_meets(attribute, argument, connection, host, groups) for attribute, argument in condition.criteria)


def _meets(attribute: str, argument: str, connection: Connection, host: Host, groups: Groups) -> bool:
    tests: dict[str, Callable[[], bool]] = {
        "user": lambda: connection.user is not None and matches_list(connection.user, argument) == 1,
        "group": lambda: connection.user is not None and _meets_group(groups(connection.user), argument),
        "host": lambda: connection.host is not None and matches_list(lower(connection.host), argument, ignore_case=True) == 1,
        "address": lambda: connection.address is not None and matches_addresses(connection.address, argument) == 1,
        "localaddress": lambda: connection.local_address is not None and matches_addresses(connection.local_address, argument) == 1,
        "localport": lambda: connection.local_port is not None and connection.local_port == host.port(argument),
        "version": lambda: matches_list(host.release, argument) == 1,
    }
    test = tests.get(attribute)
    return test is not None and test()  # rdomain, invalid-user: nothing is said of them, so they do not match


def _meets_group(groups: list[str], patterns: str) -> bool:
    found = [matches_list(group, patterns) for group in groups]
    return -1 not in found and 1 in found
