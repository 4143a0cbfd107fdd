"""`deb_package_files`: the files of dpkg's packages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model import host_text
from hardaudit.model.gap import GapReason
from hardaudit.model.table import TEXT, Column, TableSpec
from hardaudit.target.table import Table
from hardaudit_plugins.patches.dpkg_status import ADMINDIR, read_packages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext

SPEC = TableSpec(
    name="deb_package_files",
    description="Files and directories that dpkg's packages brought; not those that their scripts made.",
    source="/var/lib/dpkg/info/PACKAGE.list, dpkg-query(1) --listfiles",
    columns=(
        Column("package", TEXT, "Package, as its list is named: `name:arch` for one marked Multi-Arch: same", index=True),
        Column("path", TEXT, "Path of a file, link or directory as the package has it; `/.` stands for the root", index=True),
        Column("admindir", TEXT, "dpkg's administrative directory; a constraint reads another one", additional=True),
    ),
    examples=(
        "SELECT package FROM deb_package_files WHERE path = '/usr/bin/openssl'",
        "SELECT path FROM deb_package_files WHERE package = 'openssl'",
    ),
    osquery=True,
    notes=(
        "osquery finds no files of packages marked `Multi-Arch: same`, whose lists are named `name:arch.list`; here they have rows, "
        "under that name. An installed package whose list is missing is a gap."
    ),
)


def generate(context: TableContext) -> Iterator[Row]:
    """A row for each line of the lists of the packages that are asked for."""
    for admindir in context.constraints.texts("admindir") or [ADMINDIR]:
        paths = context.constraints.texts("path")
        needles = None if paths is None else [host_text.encode(path) for path in paths]
        for package in _listed(context, admindir):
            context.check_deadline()
            yield from _files(context, admindir, package, needles)


def _listed(context: TableContext, admindir: str) -> Iterator[str]:
    """The names under which the packages' lists are kept; an installed package without one becomes a gap."""
    packages = read_packages(context, admindir)
    lists = {name.removesuffix(".list") for name in context.list_directory(f"{admindir}/info") if name.endswith(".list")}
    seen = set()
    for package in packages:
        plain, qualified = package.name, f"{package.name}:{package.arch}"
        for name in (plain, qualified):
            if name in lists and name not in seen and context.constraints.permits("package", name):
                seen.add(name)
                yield name
        if plain in lists or not package.has_files or not context.constraints.permits("package", plain):
            continue
        if qualified not in lists:
            context.gap(GapReason.MISSING_SOURCE, f"{admindir}/info/{plain}.list: the file list of this installed package is missing")
        elif context.constraints.equals("package"):
            context.gap(GapReason.MISSING_SOURCE, f"{admindir}/info/{plain}.list: there is none; ask for package = '{qualified}'")


def _files(context: TableContext, admindir: str, package: str, needles: list[bytes] | None) -> Iterator[Row]:
    path = f"{admindir}/info/{package}.list"
    try:
        content = context.target.read_bytes(path)
    except OSError as error:
        context.gap_for(error, path)
        return
    if needles is not None and not any(needle in content for needle in needles):
        return  # most lists, when a file's owner is looked for
    for line in host_text.decode(content).split("\n"):
        if line and context.constraints.permits("path", line):
            yield {"package": package, "path": line, "admindir": admindir}


TABLE = Table(SPEC, generate)
