"""A policy from its files: the later one overrides the earlier, key by key.

Within one file, patterns count in the order they are written, and an id counts more than any pattern. A file counts more than those that it
extends, whatever its keys: naming a check there enables it again, unless it says `enabled: false`.
"""

from __future__ import annotations

import hashlib
from datetime import date
from typing import TYPE_CHECKING, Any

from hardaudit.model.check import Severity
from hardaudit.model.policy import Attestation, Gate, Policy, Selection, Waiver
from hardaudit.policy.inspect import is_pattern, matching

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from hardaudit.documents.reading import Document
    from hardaudit.model.check import Check


def resolve(documents: Sequence[Document], checks: Mapping[str, Check]) -> Policy:
    """The policy of the last document; the others are what it extends, as `read_chain` orders them. All of them passed inspection."""
    top = documents[-1]
    return Policy(
        name=top.value["name"],
        description=_words(top.value.get("description", "")),
        origin=top.file,
        checks=_selections(documents, checks),
        digest=hashlib.sha256(b"".join(bytes.fromhex(document.digest) for document in documents)).hexdigest(),
        gate=_gate(documents),
        waivers=_waivers(documents),
        attestations=_attestations(documents),
        files=tuple(document.file for document in documents),
    )


def _selections(documents: Iterable[Document], checks: Mapping[str, Check]) -> dict[str, Selection]:
    chosen: dict[str, Selection] = {}
    for document in documents:
        entries: dict[str, dict[str, Any] | None] = document.value.get("checks", {})
        for key in sorted(entries, key=is_pattern, reverse=True):  # patterns first; the order is kept otherwise
            for check in matching(key, checks):
                chosen[check] = _overlaid(chosen.get(check), entries[key] or {}, checks[check])
    return dict(sorted(chosen.items()))


def _overlaid(below: Selection | None, entry: Mapping[str, Any], check: Check) -> Selection:
    """What an entry makes of a check that files or keys of less weight may have selected before."""
    below = below or Selection(check.severity, check.defaults)
    enabled = entry.get("enabled", True)
    inherited = below.reason if below.enabled == enabled else None
    return Selection(
        severity=Severity(entry["severity"]) if "severity" in entry else below.severity,
        params={**below.params, **{name: value for name, value in entry.get("params", {}).items() if name in check.params}},
        enabled=enabled,
        reason=_words(entry["reason"]) if "reason" in entry else inherited,
    )


def _gate(documents: Iterable[Document]) -> Gate:
    merged: dict[str, Any] = {}
    for document in documents:
        merged.update(document.value.get("gate", {}))
    if "fail_on" in merged:
        merged["fail_on"] = Severity(merged["fail_on"])
    return Gate(**merged)


def _waivers(documents: Iterable[Document]) -> tuple[Waiver, ...]:
    """Those of every file; one for the same check and subject replaces the one it overrides."""
    waivers: dict[tuple[str, str | None, str | None], Waiver] = {}
    for document in documents:
        for item in document.value.get("waivers", ()):
            waiver = Waiver(
                check=item["check"],
                subject=item.get("subject"),
                subject_glob=item.get("subject_glob"),
                reason=_words(item["reason"]),
                owner=item["owner"],
                expires=date.fromisoformat(item["expires"]),
            )
            waivers[waiver.check, waiver.subject, waiver.subject_glob] = waiver
    return tuple(waivers.values())


def _attestations(documents: Iterable[Document]) -> tuple[Attestation, ...]:
    """Those of every file; one of the same id replaces the one it overrides."""
    attestations: dict[str, Attestation] = {}
    for document in documents:
        for item in document.value.get("attestations", ()):
            attestations[item["id"]] = Attestation(
                id=item["id"],
                title=item["title"],
                done=date.fromisoformat(item["done"]),
                by=item["by"],
                valid_days=item["valid_days"],
                severity=Severity(item.get("severity", "medium")),
            )
    return tuple(attestations.values())


def _words(text: str) -> str:
    """Prose of a file on one line."""
    return " ".join(text.split())
