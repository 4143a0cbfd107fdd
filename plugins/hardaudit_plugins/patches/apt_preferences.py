"""APT's pins, apt_preferences(5): which version a site prefers, and which it never wants."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass
from typing import TYPE_CHECKING

import regex

from hardaudit.model.gap import GapReason
from hardaudit_plugins.patches.apt_words import fragments
from hardaudit_plugins.patches.control_file import paragraphs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hardaudit.target.table import TableContext
    from hardaudit_plugins.patches.apt_indexes import AptIndex
    from hardaudit_plugins.patches.control_file import Paragraph

MAIN_FILE = "/etc/apt/preferences"
FRAGMENTS = "/etc/apt/preferences.d"
INSTALLED_PRIORITY = 100
"""APT's priority for the version that is installed and that no repository has."""

_RELEASE_KEYS = {"a": "suite", "n": "codename", "o": "origin", "l": "label", "v": "version"}
_MAX_PATTERN = 200
_MATCH_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Pin:
    """A pin. `packages` are names or patterns, empty for all. `kind`: release, origin or version; `wanted`: its conditions."""

    packages: tuple[str, ...]
    kind: str
    wanted: tuple[tuple[str, str], ...]
    priority: int

    def names(self, package: str, architecture: str) -> bool:
        """Whether the pin is about a package by name."""
        return any(_matches(pattern, package) or pattern == f"{package}:{architecture}" for pattern in self.packages)

    def covers(self, index: AptIndex) -> bool:
        """Whether an index meets the conditions of a release or origin pin."""
        if self.kind == "origin":
            return _matches(self.wanted[0][1], _host(index.repository.uri))
        fields = dict(index.release.fields) if index.release else {}
        actual = {key: fields.get(name, "") for key, name in _RELEASE_KEYS.items()}
        actual |= {"c": index.component, "b": index.architecture}
        for key, wanted in self.wanted:
            if key == "either":
                if not (_matches(wanted, actual["a"]) or _matches(wanted, actual["n"])):
                    return False
            elif not _matches(wanted, actual.get(key, "")):
                return False
        return True


@dataclass(frozen=True, slots=True)
class Preferences:
    """All pins, in APT's order: the first that applies wins, and one that names the package wins over those about all packages."""

    pins: tuple[Pin, ...]

    def of_index(self, index: AptIndex) -> int:
        """The priority of an index' packages that no pin names."""
        for pin in self.pins:
            if not pin.packages and pin.kind != "version" and pin.covers(index):
                return pin.priority
        return index.release.priority if index.release else 500

    def of_version(self, package: str, architecture: str, version: str, indexes: Iterable[AptIndex], *, installed: bool) -> int:
        """The priority of a version of a package that these indexes offer."""
        offering = list(indexes)
        for pin in self.pins:
            if pin.packages and pin.names(package, architecture) and _applies(pin, version, offering):
                return pin.priority
        priorities = [self.of_index(index) for index in offering] + ([INSTALLED_PRIORITY] if installed else [])
        return max(priorities, default=0)


def _applies(pin: Pin, version: str, indexes: list[AptIndex]) -> bool:
    if pin.kind == "version":
        return _matches(pin.wanted[0][1], version)
    return any(pin.covers(index) for index in indexes)


def read_preferences(context: TableContext, default_release: str) -> Preferences:
    """The pins of the target; `default_release` is APT::Default-Release, empty when not set.

    A pin that APT would refuse, or that is about source packages, becomes a gap.
    """
    pins = []
    if default_release:
        try:
            pins.append(Pin((), "release", _conditions(default_release), 990))
        except ValueError as error:
            context.gap(GapReason.UNDECIDABLE, f"APT::Default-Release: {error}: it is not followed")
    for path in (MAIN_FILE, *fragments(context, FRAGMENTS, ("", "pref"))):
        text = context.read_text(path, optional=True)
        for paragraph in paragraphs((text or "").replace("\r\n", "\n"), comments=True):
            try:
                pins.extend(_pins(paragraph))
            except ValueError as error:
                context.gap(GapReason.UNDECIDABLE, f"{path}:{paragraph.line}: {error}: this pin is not followed")
    return Preferences(tuple(pins))


def _pins(paragraph: Paragraph) -> Iterator[Pin]:
    packages = (paragraph.value("package") or "").split()
    if not packages and not paragraph.problem and set(paragraph.fields) <= {"explanation"}:
        return
    if paragraph.problem or not packages:
        raise ValueError(paragraph.problem or "a pin without Package")
    kind, _, data = (paragraph.value("pin") or "").partition(" ")
    priority = paragraph.value("pin-priority") or ""
    if not priority.lstrip("+-").isascii() or not priority.lstrip("+-").isdigit() or len(priority) > 7:
        raise ValueError("a pin without a priority")
    for name in packages:
        if name.startswith("src:"):
            raise ValueError(f"a pin by source package, {name[:40]!r}")
        yield Pin(() if name == "*" else (_checked(name),), *_target(kind.lower(), data.strip()), int(priority))


def _target(kind: str, text: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    if kind == "version" and text:
        return kind, (("version", _checked(text)),)
    if kind == "origin":
        return kind, (("site", _checked(text.strip('"'))),)
    if kind == "release" and text:
        return kind, _conditions(text)
    raise ValueError(f"a pin of the kind {kind[:40]!r}")


def _conditions(text: str) -> tuple[tuple[str, str], ...]:
    """A release by its properties; without any, a version by its first digit, else a suite or code name."""
    if "=" not in text:
        return (("v" if text[0].isdigit() else "either", _checked(text)),)
    conditions = []
    for part in text.split(","):
        key, equals, value = part.strip().partition("=")
        value = value.strip().strip('"')
        if not equals or key.lower() not in (*_RELEASE_KEYS, "c", "b"):
            raise ValueError(f"a release pin by {part.strip()[:40]!r}")
        conditions.append((key.lower(), _checked(value)))
    return tuple(conditions)


def _host(uri: str) -> str:
    _, _, rest = uri.partition("://")
    return rest.partition("/")[0].rpartition("@")[2].partition(":")[0]


def _checked(pattern: str) -> str:
    """The pattern. Raises ValueError for one that is too long or is no regular expression though it looks like one."""
    if len(pattern) > _MAX_PATTERN:
        raise ValueError(f"a pattern longer than {_MAX_PATTERN} characters")
    if _is_expression(pattern):
        try:
            regex.compile(pattern[1:-1])
        except regex.error as error:
            raise ValueError(f"the regular expression {pattern[:40]!r}: {error}") from error
    return pattern


def _is_expression(pattern: str) -> bool:
    return len(pattern) > 1 and pattern.startswith("/") and pattern.endswith("/")


def _matches(pattern: str, text: str) -> bool:
    """Whether a shell pattern or, between slashes, a regular expression matches, without regard to case. Raises TimeoutError."""
    if _is_expression(pattern):
        return regex.search(pattern[1:-1], text, regex.IGNORECASE, timeout=_MATCH_SECONDS) is not None
    if not any(character in pattern for character in "*?["):
        return pattern.lower() == text.lower()
    return fnmatch.fnmatchcase(text.lower(), pattern.lower())
