"""Security updates of kernels, which come as packages of another name.

A package such as linux-image-amd64 follows the newest kernel of a kind. Where none is installed, no version of an installed package is ever
newer, and the host looks up to date while its kernel grows old.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hardaudit_plugins.patches.kernels import flavour_of
from hardaudit_plugins.patches.package_lists import listed_packages
from hardaudit_plugins.patches.pending_updates import Offer, Update, comparable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from hardaudit.target.table import TableContext
    from hardaudit_plugins.patches.apt_indexes import AptIndex
    from hardaudit_plugins.patches.pending_updates import Installed

_PREFIX = "linux-image-"
_KERNEL = re.compile(r"linux-image-([0-9][0-9A-Za-z.+~_-]*)")
_NOT_BOOTED = ("-dbg", "-dbgsym", "-unsigned")
_DIGITS = re.compile(r"[0-9]+")


class _KernelNames:
    """All names of packages with a kernel, for narrowing a list to them."""

    def __contains__(self, name: object) -> bool:
        return isinstance(name, bytes) and name.startswith(_PREFIX.encode())


def kernel_updates(context: TableContext, packages: Mapping[tuple[str, str], Installed], indexes: Iterable[AptIndex]) -> Iterator[Update]:
    """For the newest installed kernel of each kind that no installed package follows: the newest of its source in security suites."""
    kernels = _unfollowed(packages)
    if not kernels:
        return
    best: dict[tuple[str, str], Update] = {}
    for index in indexes:
        for listed in listed_packages(context, index.path, _KernelNames()):
            key = (_flavour(listed.name), listed.architecture)
            kernel = kernels.get(key)
            if kernel is None or listed.source != kernel.source or (listed.name, listed.architecture) in packages:
                continue
            version = comparable(context, listed.name, listed.version)
            newest = best[key].offer.version if key in best else kernel.version
            if version is not None and version > newest:
                offer = Offer(version, listed.source, (index,))
                best[key] = Update(kernel, offer, index, security=True, priority=500, outranked=False)
    yield from best.values()


def _unfollowed(packages: Mapping[tuple[str, str], Installed]) -> dict[tuple[str, str], Installed]:
    """The newest kernel of each kind and architecture, where no other package pulls newer ones in."""
    newest: dict[tuple[str, str], Installed] = {}
    followed: set[str] = set()
    for name, architecture in packages:
        key = (_flavour(name), architecture)
        if key[0]:
            package = packages[name, architecture]
            if key not in newest or package.version > newest[key].version:
                newest[key] = package
        elif name.startswith(_PREFIX):
            followed.add(_DIGITS.sub("", name.removeprefix(_PREFIX[:-1])))
    return {key: package for key, package in newest.items() if not any(name.startswith(key[0]) for name in followed)}


def _flavour(name: str) -> str:
    """The kind of the kernel that a package of this name holds, such as `-amd`; empty for other packages."""
    match = _KERNEL.fullmatch(name)
    return flavour_of(match[1]) if match and not name.endswith(_NOT_BOOTED) else ""
