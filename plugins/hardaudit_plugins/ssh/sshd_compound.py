"""Keywords whose arguments have a grammar of their own, or that set more than one thing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hardaudit_plugins.ssh.sshd_lexer import RefusedError, lower
from hardaudit_plugins.ssh.sshd_patterns import check_addresses
from hardaudit_plugins.ssh.sshd_values import INT_MAX, Arguments, Host, Values, integer, none_or, rest_of_line, seconds, size

if TYPE_CHECKING:
    from collections.abc import Callable

_NUMBERS = re.compile(r"[ \t]*([+-]?[0-9]{1,9})(?::[ \t]*([+-]?[0-9]{1,9})(?::[ \t]*([+-]?[0-9]{1,9}))?)?")
_METHODS = frozenset({"none", "publickey", "gssapi-keyex", "gssapi-with-mic", "password", "keyboard-interactive", "hostbased"})
_QOS = {
    **{f"af{klass}{drop}": klass * 32 + drop * 8 for klass in range(1, 5) for drop in range(1, 4)},
    **{f"cs{klass}": klass * 32 for klass in range(8)},
    "ef": 0xB8,
    "le": 0x04,
    "lowdelay": 0x10,
    "throughput": 0x08,
    "reliability": 0x04,
    "none": INT_MAX,
}
_QOS_NAMES = {value: name for name, value in reversed(_QOS.items())}
_PENALTIES = ("crash", "authfail", "noauth", "grace-exceeded", "refuseconnection", "max", "min")


def listen_address(arguments: Arguments, host: Host) -> Values:
    """`host`, `host:port`, `[host]:port`, with an optional routing domain: as `host port rdomain`; port 0 stands for every `Port`."""
    word = arguments.first
    name, port = (word, "0") if "[" not in word and word.count(":") > 1 else _host_and_port(word)
    number = host.port(port)
    if number is None or (port != "0" and number == 0):
        raise RefusedError(f"{word}: bad port number")
    rdomain = ""
    if len(arguments.words) > 1:
        if arguments.words[1] != "rdomain" or len(arguments.words) != 3:
            raise RefusedError(f"{arguments.keyword} has extra arguments")
        rdomain = arguments.words[2]
    return {"": (f"{name}\t{number}\t{rdomain}",)}


def _host_and_port(word: str) -> tuple[str, str]:
    name, separator, port = _split_host(word)
    if separator not in ("", ":"):
        raise RefusedError(f"{word} is not host:port")
    if name.startswith("[") and name.endswith("]"):
        name = name[1:-1]
    return name, port if separator else "0"


def _split_host(word: str) -> tuple[str, str, str]:
    """The host, the character after it and the rest, as `hpdelim2` finds them."""
    if word.startswith("["):
        end = word.find("]") + 1
        if end == 0 or word[end : end + 1] not in ("", ":", "/"):
            raise RefusedError(f"{word} is not host:port")
    else:
        stops = [place for place in (word.find(":"), word.find("/")) if place >= 0]
        end = min(stops, default=len(word))
    return word[:end], word[end : end + 1], word[end + 1 :]


def forwardings(*, bare_port: bool) -> Callable[[Arguments, Host], Values]:
    """`any`, `none`, or `host:port` several times. `bare_port`: a port alone stands for every host, as PermitListen has it."""

    def parse(arguments: Arguments, host: Host) -> Values:
        if arguments.first in ("any", "none"):
            return {"": (arguments.only,)}
        return {"": tuple(_forwarding(word, host, bare_port=bare_port) for word in arguments.words)}

    return parse


def _forwarding(word: str, host: Host, *, bare_port: bool) -> str:
    if bare_port and ":" not in word:
        name, port = "*", word
        text = f"*:{word}"
    else:
        name, separator, port = _split_host(word)
        text = word
        if separator != ":":
            raise RefusedError(f"{word} is not host:port")
    if not name or (port != "*" and not host.port(port)):
        raise RefusedError(f"{word}: bad port number")
    return text


def rekey_limit(arguments: Arguments, _: Host) -> Values:
    """A size or `default`, and a time or `none`: two settings, each of which the first value wins."""
    first, *others = arguments.first, *arguments.words[1:]
    amount = 0 if first == "default" else size(first)
    if amount is None or amount < 0 or 0 < amount < 16:
        raise RefusedError(f"{arguments.keyword}: {first} is not a size")
    if len(others) > 1:
        raise RefusedError(f"{arguments.keyword} has extra arguments")
    if not others or others[0] == "none":
        return {"": (str(amount),)}
    interval = seconds(others[0])
    if interval is None:
        raise RefusedError(f"{arguments.keyword}: {others[0]} is not a time")
    return {"": (str(amount),), "interval": (str(interval),)}


def max_startups(arguments: Arguments, _: Host) -> Values:
    """`start:rate:full`, or one number that stands for start and full."""
    found = _NUMBERS.match(arguments.only)
    begin, rate, full = found.groups() if found else (None, None, None)
    if begin is None or (rate is None) != (full is None):
        raise RefusedError(f"{arguments.keyword}: {arguments.only} is not start:rate:full")
    full = full or begin
    if int(begin) <= 0 or int(begin) > int(full) or (rate is not None and not 1 <= int(rate) <= 100):
        raise RefusedError(f"{arguments.keyword}: {arguments.only} is out of range")
    limits: Values = {"": (f"{int(begin)}",), "full": (f"{int(full)}",)}
    return limits if rate is None else {**limits, "rate": (f"{int(rate)}",)}


def net_block_size(arguments: Arguments, _: Host) -> Values:
    """The mask lengths of IPv4 and, after a colon, IPv6."""
    found = _NUMBERS.match(arguments.only)
    four, six = found.groups()[:2] if found else (None, None)
    if four is None or not 0 <= int(four) <= 32 or (six is not None and not 0 <= int(six) <= 128):
        raise RefusedError(f"{arguments.keyword}: {arguments.only} is no pair of mask lengths")
    return {"": (f"{int(four)}",)} if six is None else {"": (f"{int(four)}",), "ipv6": (f"{int(six)}",)}


def number_or_none(arguments: Arguments, _: Host) -> Values:
    """A number or `none`."""
    value = arguments.only
    if value != "none" and integer(value) is None:
        raise RefusedError(f"{arguments.keyword} does not take {value}")
    return {"": (value if value == "none" else str(integer(value)),)}


def penalties(arguments: Arguments, _: Host) -> Values:
    """`yes`, `no`, or `name:value` several times; each is a setting of its own."""
    first = arguments.first
    if lower(first) in ("yes", "no"):
        return {"enabled": (lower(arguments.only),)}
    found: dict[str, tuple[str, ...]] = {"enabled": ("yes",)}
    for word in arguments.words:
        name, value = word.partition(":")[::2]
        if name in ("overflow", "overflow6") and value in ("deny-all", "permissive"):
            found.setdefault(name, (value,))
            continue
        amount = seconds(value) if name in _PENALTIES else integer(value) if name in ("max-sources4", "max-sources6") else None
        if amount is None:
            raise RefusedError(f"{arguments.keyword} does not take {word}")
        found.setdefault(name, (str(amount),))
    return found


def qos(arguments: Arguments, _: Host) -> Values:
    """One or two classes of service."""
    if len(arguments.words) > 2:
        raise RefusedError(f"{arguments.keyword} has extra arguments")
    classes = [_qos_class(arguments.keyword, word) for word in (arguments.first, *arguments.words[1:])]
    return {"": (f"{classes[0]} {classes[-1]}",)}


def _qos_class(keyword: str, word: str) -> str:
    value = _QOS.get(lower(word))
    if value is None:
        found = re.fullmatch("[+]?(0[xX][0-9a-fA-F]{1,4}|0[0-7]{0,5}|[1-9][0-9]{0,4})", word)
        digits = found[1] if found else ""
        base = 16 if lower(digits[:2]) == "0x" else 8 if digits.startswith("0") else 10
        value = int(digits, base) if digits else None
        if value is None or value > 255:
            raise RefusedError(f"{keyword} does not take {word}")
    return _QOS_NAMES.get(value, f"0x{value:02x}")


def subsystem(arguments: Arguments, _: Host) -> Values:
    """A name and a command; each name is a setting of its own."""
    name, *command = arguments.first, *arguments.words[1:]
    if not command or not command[0]:
        raise RefusedError(f"{arguments.keyword} {name} has no command")
    return {name: (" ".join((name, *command)),)}


def authentication_methods(arguments: Arguments, _: Host) -> Values:
    """`any`, or lists of methods joined by commas."""
    if arguments.first == "any":
        return {"": (arguments.only,)}
    for word in arguments.words:
        for method in word.split(","):
            if method.partition(":")[0] not in _METHODS:
                raise RefusedError(f"{arguments.keyword}: there is no method {method}")
    return {"": arguments.words}


def accept_env(arguments: Arguments, _: Host) -> Values:
    """Patterns of environment variables."""
    if any("=" in word for word in arguments.items):
        raise RefusedError(f"{arguments.keyword}: a name has no '='")
    return {"": arguments.items}


def set_env(arguments: Arguments, _: Host) -> Values:
    """`NAME=value` several times; the first of a name counts."""
    if any("=" not in word for word in arguments.items):
        raise RefusedError(f"{arguments.keyword}: a variable needs '='")
    first: dict[str, str] = {}
    for word in arguments.items:
        first.setdefault(word.partition("=")[0], word)
    return {"": tuple(first.values())}


def channel_timeouts(arguments: Arguments, _: Host) -> Values:
    """`none`, or `channel=time` several times."""
    if lower(arguments.first) == "none":
        return {"": (lower(arguments.only),)}
    for word in arguments.words:
        channel, time = word.partition("=")[::2]
        if not channel or seconds(time) is None:
            raise RefusedError(f"{arguments.keyword}: {word} is not channel=time")
    return {"": arguments.words}


def duration_or_none(arguments: Arguments, _: Host) -> Values:
    """A time in seconds; 0 and `none` are `none`."""
    word = arguments.only
    value = 0 if lower(word) == "none" else seconds(word)
    if value is None:
        raise RefusedError(f"{arguments.keyword}: {word} is not a time")
    return {"": (str(value) if value else "none",)}


def log_verbose(arguments: Arguments, _: Host) -> Values:
    """Patterns of source lines, or `none` alone."""
    if len(arguments.items) > 1 and any(lower(word) == "none" for word in arguments.items):
        raise RefusedError(f"{arguments.keyword}: none must stand alone")
    return {"": arguments.items}


def public_key_options(arguments: Arguments, _: Host) -> Values:
    """Requirements on hardware-backed keys."""
    wanted = {lower(word) for word in arguments.items} - {"none"}
    known = ("touch-required", "verify-required")
    if not wanted <= set(known):
        raise RefusedError(f"{arguments.keyword} does not take {arguments.rest}")
    return {"": (" ".join(name for name in known if name in wanted) or "none",)}


def version_addendum(arguments: Arguments, host: Host) -> Values:
    """The rest of the line, which may not hold a carriage return."""
    value = rest_of_line(arguments, host)
    if "\r" in value[""][0]:
        raise RefusedError(f"{arguments.keyword} has a carriage return")
    return value


def exempt_list(arguments: Arguments, _: Host) -> Values:
    """A list of addresses or `none`."""
    if lower(arguments.only) != "none":
        check_addresses(arguments.only)
    return {"": (none_or(arguments.only),)}
