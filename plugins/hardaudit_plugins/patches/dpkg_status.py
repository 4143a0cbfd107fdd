"""dpkg's database of packages, /var/lib/dpkg/status, read as libdpkg reads it (dpkg's lib/dpkg/parse.c, dpkg-query(1))."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit_plugins.patches.control_file import paragraphs

if TYPE_CHECKING:
    from hardaudit.target.table import TableContext
    from hardaudit_plugins.patches.control_file import Paragraph

ADMINDIR = "/var/lib/dpkg"

_NAME = re.compile(r"[a-z0-9][a-z0-9+._-]*")
_PRIORITIES = frozenset(("required", "important", "standard", "optional", "extra", "unknown"))
_WANTS = frozenset(("unknown", "install", "hold", "deinstall", "purge"))
_FLAGS = {"ok": "ok", "reinstreq": "reinstreq", "hold": "ok", "hold-reinstreq": "reinstreq"}
_STATES = {
    name: name
    for name in (
        "not-installed",
        "config-files",
        "half-installed",
        "unpacked",
        "half-configured",
        "triggers-awaited",
        "triggers-pending",
        "installed",
    )
} | {"postinst-failed": "half-configured", "removal-failed": "half-configured"}
_VERSIONLESS = ("not-installed", "half-installed")  # a package that dpkg has forgotten or has yet to unpack
_MAX_EPOCH = 2**31 - 1


@dataclass(frozen=True, slots=True)
class DebVersion:
    """A version number, deb-version(7): `epoch`:`upstream`-`revision`."""

    epoch: int
    upstream: str
    revision: str

    def __str__(self) -> str:
        """As dpkg prints it: an epoch of 0 is left out unless a later colon makes it necessary."""
        epoch = f"{self.epoch}:" if self.epoch or ":" in self.upstream or ":" in self.revision else ""
        return epoch + self.upstream + (f"-{self.revision}" if self.revision else "")


@dataclass(frozen=True, slots=True)
class DebPackage:
    """A package that dpkg knows. Absent fields are None; an absent `arch` or `version` is dpkg's `<none>` or `<empty>`."""

    name: str
    arch: str
    version: str
    revision: str
    want: str
    flag: str
    state: str
    priority: str
    section: str | None
    installed_size: str | None
    source: str | None
    maintainer: str | None

    @property
    def status(self) -> str:
        """The three words of dpkg's Status field."""
        return f"{self.want} {self.flag} {self.state}"

    @property
    def has_files(self) -> bool:
        """Whether files of the package, beyond its configuration, are on the host."""
        return self.state not in ("not-installed", "config-files")


def parse_version(text: str) -> DebVersion:
    """A version number as dpkg splits it. Raises ValueError with what is wrong."""
    text = text.strip(" \t")
    if not text:
        raise ValueError("an empty version")
    if " " in text or "\t" in text or "\n" in text:
        raise ValueError("a version with blanks in it")
    epoch = 0
    head, colon, rest = text.partition(":")
    if colon:
        if not (head.isascii() and head.isdigit()) or len(head) > 10 or int(head) > _MAX_EPOCH:
            raise ValueError("a version whose epoch is no number")
        epoch, text = int(head), rest
    upstream, hyphen, revision = text.rpartition("-")
    if not hyphen:
        upstream, revision = text, ""
    if not upstream or (hyphen and not revision):
        raise ValueError("a version with an empty part")
    return DebVersion(epoch, upstream, revision)


def read_packages(context: TableContext, admindir: str = ADMINDIR) -> list[DebPackage]:
    """The packages of a dpkg database by name and architecture; what cannot be read of it becomes a gap of the table."""
    path = f"{admindir}/status"
    text = context.read_text(path)
    if text is None:
        return []
    packages = _read_file(context, path, text)
    for name in context.list_directory(f"{admindir}/updates", optional=True):
        if name.isascii() and name.isdigit():  # dpkg's journal: changes that are not yet merged into status
            journal = context.read_text(f"{admindir}/updates/{name}", optional=True)
            if journal is not None:
                packages |= _read_file(context, f"{admindir}/updates/{name}", journal)
    if not packages:
        context.gap(GapReason.MISSING_SOURCE, f"{path} names no package: the database was emptied or belongs to no installed system")
    return [packages[key] for key in sorted(packages) if packages[key].state != "not-installed"]


def _read_file(context: TableContext, path: str, text: str) -> dict[tuple[str, str], DebPackage]:
    if text and not text.endswith("\n"):
        context.gap(GapReason.TRUNCATED, f"{path} ends in the middle of a line: the last package is not read; restore the file")
        text = text[: max(text.rfind("\n\n"), 0)]
    packages = {}
    last = None
    for last in paragraphs(text):
        context.check_deadline()
        try:
            package = _package(last)
        except ValueError as error:
            context.gap(GapReason.UNDECIDABLE, f"{path}:{last.line}: {error}: this package is not read")
            continue
        packages[package.name, package.arch] = package
    if last is not None and not last.problem and "description" not in last.fields and not _needs_no_version(last):
        context.gap(GapReason.TRUNCATED, f"{path} ends in the middle of a package: those after it are missing; restore the file")
    return packages


def _package(paragraph: Paragraph) -> DebPackage:
    if paragraph.problem:
        raise ValueError(paragraph.problem)
    name = (paragraph.value("package") or "").lower()
    if not _NAME.fullmatch(name):
        raise ValueError("a package without a valid name")
    want, flag, state = _status(paragraph.value("status"))
    version = _version(paragraph, state)
    return DebPackage(
        name=name,
        arch=_architecture(paragraph.value("architecture")),
        version=str(version) if version else "<none>",
        revision=version.revision if version else "",
        want=want,
        flag=flag,
        state=state,
        priority=_priority(paragraph.value("priority")),
        section=paragraph.value("section") or None,
        installed_size=paragraph.value("installed-size"),
        source=paragraph.value("source"),
        maintainer=paragraph.value("maintainer"),
    )


def _version(paragraph: Paragraph, state: str) -> DebVersion | None:
    text = paragraph.value("version")
    if text:
        return parse_version(text)
    if state in _VERSIONLESS:
        return None
    raise ValueError("a package without a version")


def _needs_no_version(paragraph: Paragraph) -> bool:
    return (paragraph.value("status") or "").lower().rpartition(" ")[2] in ("", *_VERSIONLESS)


def _status(text: str | None) -> tuple[str, str, str]:
    if text is None:
        return "unknown", "ok", "not-installed"
    words = text.lower().split()
    if len(words) != 3 or words[0] not in _WANTS or words[1] not in _FLAGS or words[2] not in _STATES:
        raise ValueError(f"a Status that dpkg does not know, {text[:60]!r}")
    return words[0], _FLAGS[words[1]], _STATES[words[2]]


def _architecture(text: str | None) -> str:
    if text is None:
        return "<none>"
    return text or "<empty>"


def _priority(text: str | None) -> str:
    if not text:
        return "unknown"
    return text.lower() if text.lower() in _PRIORITIES else text
