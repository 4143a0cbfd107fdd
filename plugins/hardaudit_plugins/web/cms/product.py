"""What tells a content management system, its version and its upload directories."""

from __future__ import annotations

import re
from dataclasses import dataclass

_QUOTED = r"""\s{0,40}['"]([^'"\n]{1,60})['"]"""


@dataclass(frozen=True, slots=True)
class Marker:
    """A file of a product, and how its version is read.

    `path` is relative to the installation. `read`: the file that has the version, `path` itself where it is empty. `patterns`: each has
    one group; what they find is joined with dots, and the first that finds nothing ends the version. `proof`: what the file must have in
    it to be the product's; without one, the path alone is enough. `beside`: files or directories of the installation, one of which must
    exist.
    """

    path: str
    patterns: tuple[re.Pattern[str], ...]
    read: str = ""
    proof: re.Pattern[str] | None = None
    beside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Product:
    """A content management system. `uploads`: directories relative to the installation; `*` is any one name, of those that exist.

    `above_docroot`: it is installed around the docroot, which is a directory in it. `library`: its files come with other products too, so
    it is told only where no other product is.
    """

    name: str
    markers: tuple[Marker, ...]
    uploads: tuple[str, ...]
    above_docroot: bool = False
    library: bool = False


def assigned(name: str) -> re.Pattern[str]:
    """`$name = '…'`, at the start of a line."""
    return re.compile(rf"^[ \t]{{0,40}}\${name}[ \t]{{0,40}}={_QUOTED}", re.MULTILINE)


def defined(name: str) -> re.Pattern[str]:
    """`define('NAME', '…')`."""
    return re.compile(rf"define\(\s{{0,40}}['\"]{name}['\"]\s{{0,40}},{_QUOTED}", re.IGNORECASE)


def constant(name: str) -> re.Pattern[str]:
    """`const NAME = '…'`, also with a visibility or a type, or a number without quotes."""
    return re.compile(
        rf"\bconst\s{{1,40}}(?:string\s{{1,40}}|int\s{{1,40}})?{name}\s{{0,40}}=\s{{0,40}}['\"]?([^'\";\n]{{1,60}})['\"]?\s{{0,40}};"
    )
