"""The repositories of binary packages that APT is told to use, sources.list(5): one-line style and deb822 style."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit_plugins.patches.apt_words import fragments, quoted_word, truth
from hardaudit_plugins.patches.control_file import paragraphs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hardaudit.target.table import TableContext
    from hardaudit_plugins.patches.control_file import Paragraph

MAIN_FILE = "/etc/apt/sources.list"
FRAGMENTS = "/etc/apt/sources.list.d"

MAX_REPOSITORIES = 2_000
"""Suites that are looked at; two lists of names in one paragraph multiply."""

_OPTIONS = {"arch": "architectures"}  # one-line names of options that deb822 calls otherwise
_KINDS = ("deb", "deb-src")


@dataclass(frozen=True, slots=True)
class AptRepository:
    """A suite of a repository that is enabled, and where that is written.

    `uri` ends with a slash. `suite` ends with a slash for a flat repository, which has no components. `architectures` are those that the
    entry names, None for APT's own; `added` and `removed` change that set. `trusted`, `allow_insecure`, `allow_weak` and
    `allow_downgrade` (-to-insecure): the options, None when not given.
    """

    uri: str
    suite: str
    components: tuple[str, ...]
    architectures: tuple[str, ...] | None
    added: frozenset[str]
    removed: frozenset[str]
    trusted: bool | None
    allow_insecure: bool | None
    allow_weak: bool | None
    allow_downgrade: bool | None
    signed_by: str | None
    path: str
    line: int

    @property
    def is_flat(self) -> bool:
        """Whether the indexes lie in the suite's directory itself."""
        return self.suite.endswith("/")

    @property
    def base(self) -> str:
        """The URI under which the Release file lies, with a slash at its end."""
        if self.is_flat:
            return self.uri if self.suite == "/" else self.uri + self.suite
        return f"{self.uri}dists/{self.suite}/"


def read_repositories(context: TableContext, architecture: str) -> list[AptRepository]:
    """The enabled repositories of binary packages, in APT's order; `architecture` is the native one.

    A file that cannot be read, and an entry that APT would refuse, become gaps. No file at all is none.
    """
    every = _every_repository(context, architecture)
    found = list(islice(every, MAX_REPOSITORIES))
    if next(every, None):
        context.gap(GapReason.TRUNCATED, f"{MAIN_FILE} and sources.list.d name more than {MAX_REPOSITORIES:,} suites: not all are read")
    return found


def _every_repository(context: TableContext, architecture: str) -> Iterator[AptRepository]:
    for path in (MAIN_FILE, *fragments(context, FRAGMENTS, ("list", "sources"))):
        text = context.read_text(path, optional=True)
        if text is None:
            continue
        text = text.replace("\r\n", "\n")
        entries = _deb822(text) if path.endswith(".sources") else _one_line(text)
        for line, entry in entries:
            context.check_deadline()
            if isinstance(entry, ValueError):
                context.gap(GapReason.UNDECIDABLE, f"{path}:{line}: {entry}: this entry is not read")
            else:
                yield from _repositories(entry, architecture, path, line)


@dataclass(frozen=True, slots=True)
class _Entry:
    uris: tuple[str, ...]
    suites: tuple[str, ...]
    components: tuple[str, ...]
    options: Mapping[str, str]


def _repositories(entry: _Entry, architecture: str, path: str, line: int) -> Iterator[AptRepository]:
    architectures = _words(entry.options.get("architectures"))
    for uri in entry.uris:
        for suite in entry.suites:
            yield AptRepository(
                uri=_with_slash(uri.replace("$(ARCH)", architecture)),
                suite=suite.replace("$(ARCH)", architecture),
                components=tuple(dict.fromkeys(entry.components)),
                architectures=tuple(architectures) if architectures else None,
                added=frozenset(_words(entry.options.get("architectures-add"))),
                removed=frozenset(_words(entry.options.get("architectures-remove"))),
                trusted=truth(entry.options.get("trusted", "")),
                allow_insecure=truth(entry.options.get("allow-insecure", "")),
                allow_weak=truth(entry.options.get("allow-weak", "")),
                allow_downgrade=truth(entry.options.get("allow-downgrade-to-insecure", "")),
                signed_by=entry.options.get("signed-by"),
                path=path,
                line=line,
            )


def _words(text: str | None) -> list[str]:
    return (text or "").replace(",", " ").split()


def _with_slash(uri: str) -> str:
    return uri if uri.endswith("/") else uri + "/"


def _one_line(text: str) -> Iterator[tuple[int, _Entry | ValueError]]:
    for number, line in enumerate(text.split("\n"), 1):
        try:
            entry = _line_entry(_without_comment(line))
        except ValueError as error:
            yield number, error
        else:
            if entry:
                yield number, entry


def _without_comment(line: str) -> str:
    """The line up to a # that is not inside […]."""
    last = line.rfind("]")
    position = 0
    while position < len(line) and line[position] != "#":
        position = line.index("]", position) if line[position] == "[" and position < last else position + 1
    return line[:position]


def _line_entry(line: str) -> _Entry | None:
    first = quoted_word(line, 0)
    if first is None:
        return None
    kind, position = first
    if kind not in _KINDS:
        raise ValueError(f"the type {kind[:40]!r}, which APT does not know")
    options: dict[str, str] = {}
    if line[position : position + 1] == "[":
        end = line.find("]", position)
        if end < 0:
            raise ValueError("options without their closing bracket")
        options = _line_options(line[position + 1 : end])
        position = end + 1
    words = []
    while (word := quoted_word(line, position)) is not None:
        words.append(word[0])
        position = word[1]
    if len(words) < 2:
        raise ValueError("an entry without URI and suite")
    _refuse_malformed(words[:1], words[1:2], words[2:])
    return _Entry((words[0],), (words[1],), tuple(words[2:]), options) if kind == "deb" else None


def _line_options(text: str) -> dict[str, str]:
    options = {}
    for option in text.split():
        name, equals, value = option.partition("=")
        if not equals or not name:
            raise ValueError(f"the option {option[:40]!r} without a value")
        suffix = {"+": "-add", "-": "-remove"}.get(name[-1], "")
        name = name[:-1].lower() if suffix else name.lower()
        options[_OPTIONS.get(name, name) + suffix] = value
    return options


def _refuse_malformed(uris: list[str], suites: list[str], components: list[str]) -> None:
    """Raise ValueError for what APT refuses."""
    if not all(":" in uri for uri in uris):
        raise ValueError("a URI without a scheme")
    for suite in suites:
        if suite.endswith("/") and components:
            raise ValueError("a flat repository with components")
        if not suite.endswith("/") and not components:
            raise ValueError("an entry without components")


def _deb822(text: str) -> Iterator[tuple[int, _Entry | ValueError]]:
    for paragraph in paragraphs(text, comments=True):
        try:
            entry = _paragraph_entry(paragraph)
        except ValueError as error:
            yield paragraph.line, error
        else:
            if entry:
                yield paragraph.line, entry


def _paragraph_entry(paragraph: Paragraph) -> _Entry | None:
    if truth(paragraph.value("enabled") or "") is False:
        return None
    if paragraph.problem:
        raise ValueError(paragraph.problem)
    kinds = _words(paragraph.value("types"))
    unknown = [kind for kind in kinds if kind not in _KINDS]
    if unknown or not kinds:
        raise ValueError(f"the type {unknown[0][:40]!r}, which APT does not know" if unknown else "a paragraph without Types")
    uris, suites = (paragraph.value("uris") or "").split(), (paragraph.value("suites") or "").split()
    if not uris or not suites:
        raise ValueError("a paragraph without URIs or Suites")
    components = (paragraph.value("components") or "").split()
    _refuse_malformed(uris, suites, components)
    options = {name: paragraph.value(name) or "" for name in paragraph.fields}
    return _Entry(tuple(uris), tuple(suites), tuple(components), options) if "deb" in kinds else None
