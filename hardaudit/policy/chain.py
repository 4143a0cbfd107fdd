"""A policy's file and those that it extends, in the order in which they count."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypeAlias

from hardaudit.documents.problems import Choice, PolicyDocumentError, Problems, printable, quote
from hardaudit.documents.reading import read_document
from hardaudit.documents.schema import hold_against, shipped_validator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from hardaudit.documents.reading import Document, KeyPath

Available: TypeAlias = "Mapping[str, str | os.PathLike[str]]"
"""The policies that plugins brought: path by name."""

DEPTH_LIMIT = 16
FILE_LIMIT = 64


def read_chain(path: str, available: Available, verify: Callable[[str], None], problems: Problems) -> list[Document]:
    """The policy's file last, before it those that it extends, each once and overridden before overriding.

    `verify` is called with each path before it is opened. Faults are recorded in `problems`; a file that could not be parsed is left out.
    """
    reader = _ChainReader(available, verify, problems)
    reader.read(path, ())
    return reader.documents


def is_path(name: str) -> bool:
    """Whether this names a file rather than a policy."""
    return "/" in name or name.endswith((".yaml", ".yml"))


class _ChainReader:
    def __init__(self, available: Available, verify: Callable[[str], None], problems: Problems) -> None:
        self.documents: list[Document] = []
        self._available = available
        self._verify = verify
        self._problems = problems
        self._seen: set[str] = set()

    def read(self, path: str, above: tuple[str, ...], link: tuple[Document, KeyPath] | None = None) -> None:
        """Read a file and what it extends. `above` are the files that led here, `link` where the last of them names this one."""
        self._seen.add(_identity(path))
        document = self._document(path, link)
        if document is None:
            return
        hold_against(shipped_validator("hardaudit.policy", "policy.schema.json"), document, (), self._problems)
        chain = (*above, path)
        for entry, at in _extends(document):
            parent = self._parent_path(entry, document, at)
            if parent is not None and self._may_follow(parent, chain, document, at):
                self.read(parent, chain, (document, at))
        self.documents.append(document)

    def _document(self, path: str, link: tuple[Document, KeyPath] | None) -> Document | None:
        try:
            return read_document(path, PolicyDocumentError, self._verify)
        except PolicyDocumentError as error:
            for problem in error.problems:
                if problem.position is None and link is not None:
                    child, at = link
                    self._problems.add(child, at, f"extends {quote(path)}, which {problem.message}")
                else:
                    self._problems.add_at(problem.file, problem.position, problem.message)
        return None

    def _parent_path(self, entry: str, document: Document, at: KeyPath) -> str | None:
        if entry in self._available:
            return os.fspath(self._available[entry])
        if not is_path(entry):
            message = f"extends the unknown policy {quote(entry)} (a file's name ends in .yaml)"
            self._problems.add(document, at, message, choice=Choice(entry, sorted(self._available)))
            return None
        if not entry.endswith((".yaml", ".yml")):
            self._problems.add(document, at, f"extends {quote(entry)}: a file's name ends in .yaml")
            return None
        return os.path.normpath(os.path.join(os.path.dirname(document.file), entry))

    def _may_follow(self, parent: str, chain: tuple[str, ...], document: Document, at: KeyPath) -> bool:
        """Whether to read the parent: not if that was done already, and not, with a fault, on a cycle or beyond a bound."""
        identity = _identity(parent)
        identities = [_identity(path) for path in chain]
        if identity in identities:
            cycle = [*chain[identities.index(identity) :], parent]
            fault = f"extends itself: {' -> '.join(map(printable, cycle))}"
        elif identity in self._seen:
            return False
        elif len(chain) >= DEPTH_LIMIT:
            fault = f"extends policies more than {DEPTH_LIMIT} deep"
        elif len(self._seen) >= FILE_LIMIT:
            fault = f"extends more than {FILE_LIMIT} policies"
        else:
            return True
        self._problems.add(document, at, fault)
        return False


def _identity(path: str) -> str:
    """What two names of one file have in common."""
    return os.path.realpath(path)


def _extends(document: Document) -> Iterator[tuple[str, KeyPath]]:
    """What a policy extends, and where it says so; what the schema refuses is passed over."""
    entries = document.value.get("extends") if isinstance(document.value, dict) else None
    for index, entry in enumerate(entries if isinstance(entries, list) else ()):
        if isinstance(entry, str) and entry and "\0" not in entry:
            yield entry, ("extends", index)
