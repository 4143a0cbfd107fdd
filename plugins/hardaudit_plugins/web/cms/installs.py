"""Installations of content management systems in what was walked, and where they keep what visitors upload."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit.target.errors import gap_reason
from hardaudit_plugins.filesystem.tree_store import is_within
from hardaudit_plugins.web.cms.products import PRODUCTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.target.table import TableContext
    from hardaudit_plugins.web.cms.product import Marker, Product
    from hardaudit_plugins.web.docroots import Docroots

_STATE = "web_cms_installs"
_MOST = 1_000  # installations
_READ_LIMIT = 2**20  # bytes of a version file
_MOODLE_DATA = re.compile(r"""^[ \t]{0,40}\$CFG->dataroot[ \t]{0,40}=\s{0,40}['"]([^'"\n]{1,4096})['"]""", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Install:
    """An installation; `directory` is without links. `version` is None where `problem` says why it could not be read."""

    product: Product
    version: str | None
    directory: str
    problem: tuple[GapReason, str] | None = None


def installs_of(context: TableContext, docroots: Docroots) -> list[Install]:
    """The installations that sites get to, found once a run, by directory. More than 1,000 are a gap."""
    found = context.run_state.get(_STATE)
    if not isinstance(found, list):
        found = sorted(_found(context, docroots), key=lambda install: (install.directory, install.product.name))
        context.run_state[_STATE] = found
    if len(found) > _MOST:
        context.gap(GapReason.TRUNCATED, f"more than {_MOST:,} installations of content management systems: only the first are looked at")
    return found[:_MOST]


def sites_of(docroots: Docroots, install: Install) -> list[int]:
    """The numbers of the sites that get to an installation or, where it lies around them, to a directory in it."""
    found = set(docroots.reaches.sites_of(install.directory))
    if install.product.above_docroot:
        found |= {reach.site for reach in docroots.reaches if reach.real.rpartition("/")[0] == install.directory}
    return sorted(found)


def cms_upload_directories(context: TableContext, docroots: Docroots) -> list[tuple[str, int, str]]:
    """Product, site's number and path, as the site gets to it, of each directory that a product uploads into, existing or not."""
    found: dict[tuple[str, int, str], None] = {}
    for install in installs_of(context, docroots):
        context.check_deadline()
        for directory in _uploads(context, docroots, install):
            for reach in docroots.reaches.of(directory):
                found[install.product.name, reach.site, reach.path_of(directory)] = None
    return list(found)


def _uploads(context: TableContext, docroots: Docroots, install: Install) -> Iterator[str]:
    base = install.directory.rstrip("/")
    for relative in install.product.uploads:
        before, star, after = relative.partition("*")
        if not star:
            yield f"{base}/{relative}"
            continue
        start = f"{base}/{before}"
        query = "SELECT prefix FROM directory WHERE prefix > ? AND prefix < ? AND permission IS NOT NULL"
        for (prefix,) in docroots.spool.select(query, (start, start[:-1] + "0")):
            if "/" not in (name := prefix[len(start) :].removesuffix("/").removesuffix(after)) and prefix == f"{start}{name}{after}/":
                yield prefix.rstrip("/")
    if install.product.name == "moodle":
        yield from _moodle_data(context, docroots, f"{base}/config.php")


def _moodle_data(context: TableContext, docroots: Docroots, path: str) -> Iterator[str]:
    """Moodle's directory of data, which belongs outside of docroots, where it is inside of one."""
    match = _MOODLE_DATA.search(context.read_text(path, optional=True) or "")
    if match and any(is_within(match[1], start) for start in docroots.reaches.starts):
        yield match[1].rstrip("/")


def _found(context: TableContext, docroots: Docroots) -> list[Install]:
    found: dict[tuple[str, str], Install] = {}
    for directory, product, marker in _candidates(docroots):
        context.check_deadline()
        known = found.get((directory, product.name))
        if known is not None and known.version is not None:
            continue
        install = _install(context, directory, product, marker)
        if install is not None:
            found[directory, product.name] = install
        if len(found) > _MOST:
            break
    taken = {directory for directory, name in found if not found[directory, name].product.library}
    around = {directory.rpartition("/")[0] for directory in taken}
    return [install for install in found.values() if not (install.product.library and install.directory in taken | around)]


def _candidates(docroots: Docroots) -> Iterator[tuple[str, Product, Marker]]:
    """Directories that have a product's marker: of what was walked, and around the starts of sites."""
    markers = [(product, marker) for product in PRODUCTS for marker in product.markers]
    names = sorted({marker.path.rpartition("/")[2] for _, marker in markers})
    extensions = sorted({name.rpartition(".")[2] for name in names})
    query = (
        f"SELECT prefix || name FROM entry JOIN directory ON directory.id = entry.parent "  # noqa: S608 only placeholders
        f"WHERE extension IN ({','.join('?' * len(extensions))}) AND name IN ({','.join('?' * len(names))}) ORDER BY entry.id"
    )
    for (path,) in docroots.spool.select(query, (*extensions, *names)):
        for product, marker in markers:
            if path.endswith(f"/{marker.path}"):
                yield path[: -len(marker.path) - 1] or "/", product, marker
    above = {start.rpartition("/")[0] for start in docroots.reaches.starts} - {""}
    for directory in sorted(above):
        for product, marker in markers:
            if product.above_docroot and not any(is_within(directory, start) for start in docroots.reaches.starts):
                yield directory, product, marker


def _install(context: TableContext, directory: str, product: Product, marker: Marker) -> Install | None:
    base = directory.rstrip("/")
    path = f"{base}/{marker.read or marker.path}"
    try:
        if marker.beside and not any(context.target.exists(f"{base}/{name}") for name in marker.beside):
            return None
        text = context.target.read_text(path, _READ_LIMIT)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        return Install(product, None, directory, (gap_reason(error), f"{path}: {error.strerror}"))
    if marker.proof is not None and not marker.proof.search(text):
        return None
    version = _version(text, marker)
    problem = None if version else (GapReason.UNSUPPORTED, f"{path}: the version of {product.name} is not found in it")
    return Install(product, version, directory, problem)


def _version(text: str, marker: Marker) -> str | None:
    parts = []
    for pattern in marker.patterns:
        match = pattern.search(text)
        if match is None:
            break
        parts.append(match[1].strip())
    return ".".join(parts) or None
