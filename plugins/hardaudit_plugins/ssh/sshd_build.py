"""Which sshd is installed: its version, and what was compiled into it.

The program itself says so best: its version text, its keywords and its default algorithms are strings in it. It is read, never run. Where
it cannot be read, the package database gives the version, and the tables of `sshd_defaults` and `sshd_algorithms` the rest.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit_plugins.ssh.sshd_algorithms import DEFAULTS, LIST_OF, SUPPORTED
from hardaudit_plugins.ssh.sshd_keywords import ALIASES, KEYWORDS, WITHOUT_EFFECT, exists

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hardaudit.target.table import TableContext

PROGRAMS = ("/usr/sbin/sshd", "/usr/bin/sshd")
"""Where distributions install sshd."""

_LOCAL_PROGRAM = "/usr/local/sbin/sshd"
"""Where OpenSSH's own build installs it, with another configuration."""

_LIMIT = 16 * 2**20
_RELEASE = re.compile(rb"(?<=\x00)OpenSSH_([0-9]{1,3})\.([0-9]{1,3})(?:p[0-9]{1,3})?(?: [ -)+-~]{0,80})?(?=\x00)")
_LIST = re.compile(rb"(?<=\x00)[a-z0-9@.-]{4,80}(?:,[a-z0-9@.-]{4,80}){1,60}(?=\x00)")
_VERSION = re.compile(r"(?:[0-9]+:)?([0-9]{1,3})\.([0-9]{1,3})")
_FIRST_COVERED = (7, 4)
_DATABASES = (
    ("deb_packages", "debian", ("/var/lib/dpkg/status",)),
    ("rpm_packages", "rpm", ("/usr/lib/sysimage/rpm", "/var/lib/rpm", "/usr/share/rpm")),
)
"""Tables of installed packages, the distributor's builds they stand for, and what there must be for them to say something."""

_ANCHORS = {
    "ciphers": "aes256-ctr",
    "macs": "hmac-sha2-256",
    "kexalgorithms": "ecdh-sha2-nistp256",
    "keys": "ssh-ed25519-cert-v01@openssh.com",
}
"""An algorithm that is in the default list of its kind in every version, and in no other string of the program."""


@dataclass(frozen=True, slots=True)
class Build:
    """An installed sshd. `version` is None when it is not known. `vendor`: `debian`, `rpm`, or empty.

    `names`, `algorithms`: the keywords and algorithms in the program; None when it was not read. `lists`: its default algorithms by kind.
    """

    version: tuple[int, int] | None
    release: str = ""
    vendor: str = ""
    names: frozenset[str] | None = None
    algorithms: frozenset[str] | None = None
    lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def knows(self, name: str) -> bool:
        """Whether it has a keyword of that name; true when that is not known."""
        keyword = KEYWORDS.get(name)
        if keyword and self.version is not None and self.version >= keyword.until:
            return False
        if self.names is not None:
            return name in self.names
        return self.version is None or keyword is None or exists(keyword, self.version, self.vendor)

    def at_least(self, *version: int) -> bool:
        """Whether the version is that or newer; false when it is not known."""
        return self.version is not None and self.version >= version

    @property
    def old_words(self) -> bool:
        """Whether arguments are split by the rules that held before 8.7."""
        return self.version is not None and self.version < (8, 7)

    def supported_algorithms(self, kind: str) -> tuple[str, ...]:
        """The algorithms of a kind that it knows, all there ever were when that is not known."""
        return tuple(name for name in SUPPORTED[kind] if self.algorithms is None or name in self.algorithms)

    def default_algorithms(self, keyword: str) -> tuple[str, ...] | None:
        """The list compiled in for a keyword; None when it is not known."""
        if keyword not in LIST_OF:
            return None
        kind = keyword if keyword in DEFAULTS else LIST_OF[keyword]
        if kind in self.lists:
            return self.lists[kind]
        if self.version is None:
            return None
        return next((names for since, names in reversed(DEFAULTS[kind]) if since <= self.version), None)


def installed_program(context: TableContext) -> str | None:
    """Where sshd is installed; None when it is not. A place that may not be looked at is a gap, and so is an sshd built by hand."""
    if _may_exist(context, _LOCAL_PROGRAM):
        context.gap(GapReason.UNSUPPORTED, f"{_LOCAL_PROGRAM}: the configuration of an sshd that was built by hand is not read")
    for path in PROGRAMS:
        try:
            context.target.stat(path)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            context.gap_for(error, path)
        return path
    return None


def installed_build(context: TableContext, program: str | None) -> Build:
    """What is known of the installed sshd. No version: a gap where a default depends on it, said by the caller."""
    if program is not None:
        try:
            content = context.target.read_bytes(program, _LIMIT)
        except OSError:
            content = b""  # the package database knows the version too
        found = build_of_program(content)
        if found is not None:
            return found
    for version, vendor in _package_versions(context):
        numbers = _VERSION.match(version)
        if numbers:
            parsed = (int(numbers[1]), int(numbers[2]))
            return Build(parsed if parsed >= _FIRST_COVERED else None, f"OpenSSH_{parsed[0]}.{parsed[1]}", vendor)
        context.gap(GapReason.UNDECIDABLE, f"openssh-server: the package's version {version} has no number")
    return Build(None)


def _package_versions(context: TableContext) -> Iterator[tuple[str, str]]:
    for table, vendor, places in _DATABASES:
        if not any(_may_exist(context, place) for place in places):
            continue
        for row in context.rows(table, name="openssh-server"):
            if row.get("name") == "openssh-server" and "deinstall" not in str(row.get("status", "")):
                yield str(row.get("version") or ""), vendor


def _may_exist(context: TableContext, path: str) -> bool:
    try:
        return context.target.exists(path)
    except OSError:
        return True  # the table says why it cannot be read


def build_of_program(content: bytes) -> Build | None:
    """What the strings of the program say; None when it does not look like OpenSSH's sshd of a version that is covered."""
    longest = max(_RELEASE.finditer(content), key=lambda match: len(match[0]), default=None)
    version = (int(longest[1]), int(longest[2])) if longest else (0, 0)
    if longest is None or version < _FIRST_COVERED:
        return None
    release = longest[0].decode("ascii")
    vendor = "debian" if b"debianbanner\x00" in content else "rpm" if b"gssapienablek5users\x00" in content else ""
    names = frozenset(name for name in (*KEYWORDS, *ALIASES, *WITHOUT_EFFECT) if name.encode() + b"\x00" in content)
    algorithms = frozenset(name for kind in SUPPORTED.values() for name in kind if name.encode() + b"\x00" in content)
    return Build(version, release, vendor, names, algorithms, dict(_compiled_lists(content)))


def _compiled_lists(content: bytes) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The default lists: of each kind the first string that names nothing else and has the algorithm every list of the kind has."""
    seen: set[str] = set()
    for match in _LIST.finditer(content):
        names = tuple(match[0].decode("ascii").split(","))
        for kind, anchor in _ANCHORS.items():
            if kind not in seen and anchor in names and set(names) <= set(SUPPORTED[kind]):
                seen.add(kind)
                yield kind, names
