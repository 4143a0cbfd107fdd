"""PHP-FPM: its pools, and what a pool does with a FastCGI request."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hardaudit_plugins.web.evidence import Evidence
    from hardaudit_plugins.web.files import Files
    from hardaudit_plugins.web.verdict import Place


@dataclass(frozen=True, slots=True)
class IniValue:
    """`php_value[…]` or `php_admin_value[…]` of a pool, and where it stands."""

    value: str
    admin: bool
    place: Place


@dataclass(frozen=True, slots=True)
class Pool:
    """A pool in effect. `listen` is `unix:/path` or `host:port` as configured; `limit_extensions` is empty where every name runs."""

    name: str
    version: str
    listen: str
    user: str
    group: str
    chroot: str
    limit_extensions: tuple[str, ...]
    ini: Mapping[str, IniValue]
    directives: Mapping[str, tuple[str, Place]]
    place: Place


@dataclass(frozen=True, slots=True)
class FpmAnswer:
    """What a pool does with a request: `script` is the file (a real path on the host) whose code runs, or None.

    `undecided`: it cannot be said, and `reason` says why.
    """

    script: str | None
    reason: str
    place: Place | None = None
    undecided: bool = False


@dataclass(frozen=True, slots=True)
class Fpm:
    """Every pool of the host. `complete`: every place where FPM keeps pools was read, so an address that no pool has is nobody's."""

    pools: Sequence[Pool]
    complete: bool
    _by_listen: Mapping[str, Pool] = field(default_factory=dict)

    def pool_at(self, address: str) -> Pool | None:
        """The pool that listens on an address as a server's configuration writes it (`unix:/path`, `/path`, `host:port`, `port`)."""
        raise NotImplementedError

    def answer(self, address: str, parameters: Mapping[str, str], files: Files) -> FpmAnswer:
        """What runs for a FastCGI request with these parameters (SCRIPT_FILENAME, PATH_INFO, DOCUMENT_ROOT, PHP_ADMIN_VALUE …)."""
        raise NotImplementedError


def load_fpm(evidence: Evidence) -> Fpm:
    """The pools of every PHP version installed."""
    raise NotImplementedError
