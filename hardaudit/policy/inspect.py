"""What JSON Schema cannot see in a policy's file: checks and parameters that do not exist, contradictions, repetitions.

The file may break the schema elsewhere: everything is looked at that can be, so that one run names every fault.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from hardaudit.documents.problems import Choice, quote
from hardaudit.documents.schema import hold_against, validator

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hardaudit.documents.problems import Problems
    from hardaudit.documents.reading import Document, KeyPath
    from hardaudit.model.check import Check

_PATTERN = re.compile(r"[*?]")


def is_pattern(key: str) -> bool:
    """Whether a key of `checks` is a pattern rather than an id."""
    return bool(_PATTERN.search(key))


def matching(key: str, checks: Mapping[str, Check]) -> list[str]:
    """The ids that a key of `checks` names, sorted."""
    if is_pattern(key):
        return sorted(check for check in checks if fnmatchcase(check, key))
    return [key] if key in checks else []


def inspect(document: Document, checks: Mapping[str, Check], problems: Problems) -> None:
    """Record what is wrong in one file of a policy."""
    for key, entry in _mapping(document.value, "checks").items():
        _inspect_check(document, key, entry, checks, problems)
    for index, waiver in _items(document.value, "waivers"):
        _inspect_waiver(document, ("waivers", index), waiver, checks, problems)
    keys = (("waivers", ("check", "subject", "subject_glob"), "waiver"), ("attestations", ("id",), "attestation"))
    for section, identifying, noun in keys:
        _inspect_repetition(document, section, identifying, noun, problems)


def _inspect_check(document: Document, key: str, entry: object, checks: Mapping[str, Check], problems: Problems) -> None:
    path: KeyPath = ("checks", key)
    ids = matching(key, checks)
    if not ids:
        _add_unknown_check(document, key, checks, problems)
        return
    if not isinstance(entry, dict):
        return
    if entry.get("enabled") is False and not entry.get("reason"):
        problems.add(document, (*path, "enabled"), f"{key} is disabled without saying why: add 'reason'")
    for name in _mapping(entry, "params"):
        _inspect_param(document, (*path, "params", name), [checks[check] for check in ids], problems)


def _add_unknown_check(document: Document, key: str, checks: Mapping[str, Check], problems: Problems) -> None:
    path: KeyPath = ("checks", key)
    if is_pattern(key):
        domains = {f"{check.domain}/*" for check in checks.values()}
        problems.add(document, path, f"no check matches {quote(key)}", at_key=True, choice=Choice(key, sorted(domains)))
    else:
        message = f"unknown check {quote(key)}; 'hardaudit list checks' shows them"
        problems.add(document, path, message, at_key=True, choice=Choice(key, sorted(checks)))


def _inspect_param(document: Document, path: KeyPath, checks: list[Check], problems: Problems) -> None:
    name = str(path[-1])
    having = [check for check in checks if name in check.params]
    if not having:
        known = {param for check in checks for param in check.params}
        whose = checks[0].id if len(checks) == 1 else "these checks"
        none = "" if known else f"; {whose} have none" if len(checks) > 1 else f"; {whose} has none"
        message = f"unknown parameter {quote(name)} of {whose}{none}"
        problems.add(document, path, message, at_key=True, choice=Choice(name, sorted(known)))
    for check in having:
        if not hold_against(validator(check.params[name].schema), document, path, problems):
            return  # another check's type would repeat the same fault


def _inspect_waiver(document: Document, path: KeyPath, waiver: dict[str, Any], checks: Mapping[str, Check], problems: Problems) -> None:
    check = waiver.get("check")
    if isinstance(check, str) and check not in checks:
        message = f"waiver for the unknown check {quote(check)}; a waiver names one check exactly"
        problems.add(document, (*path, "check"), message, choice=Choice(check, sorted(checks)))
    if ("subject" in waiver) == ("subject_glob" in waiver):
        both = "both 'subject' and 'subject_glob'" if "subject" in waiver else "neither 'subject' nor 'subject_glob'"
        problems.add(document, path, f"the waiver has {both}: give exactly one")


def _inspect_repetition(document: Document, section: str, identifying: tuple[str, ...], noun: str, problems: Problems) -> None:
    first: dict[str, int] = {}
    for index, item in _items(document.value, section):
        identity = repr([item.get(key) for key in identifying])
        if first.setdefault(identity, index) != index:
            there = document.at((section, first[identity]))
            problems.add(document, (section, index), f"the {noun} is there twice: first at {there.line}:{there.column}")


def _mapping(value: object, key: str) -> dict[str, Any]:
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}


def _items(value: object, key: str) -> Iterator[tuple[int, dict[str, Any]]]:
    found = value.get(key) if isinstance(value, dict) else None
    for index, item in enumerate(found if isinstance(found, list) else ()):
        if isinstance(item, dict):
            yield index, item
