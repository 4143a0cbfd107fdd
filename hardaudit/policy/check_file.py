"""A check's file, read and held against the contract of checks."""

from __future__ import annotations

import os
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from hardaudit.documents.problems import CheckDocumentError, Choice, Problems, quote
from hardaudit.documents.reading import parse_document, read_document
from hardaudit.documents.schema import hold_against, shipped_validator, validator
from hardaudit.model.check import Check, Example, Param, Severity
from hardaudit.model.gap import GapReason
from hardaudit.policy.finding_template import columns_in, render_finding
from hardaudit.policy.sql_params import named_in

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hardaudit.documents.reading import Document, KeyPath

__all__ = ["load_check", "parse_check", "render_finding"]


def load_check(path: str | os.PathLike[str], verify: Callable[[str], None] = lambda _: None, *, domain: str | None = None) -> Check:
    """The check of a file; `verify` is called with the path before it is opened. `domain`, if given, is the one that the id must have.

    Raises CheckDocumentError (a CheckError) with a line for every fault.
    """
    return _check(read_document(os.fspath(path), CheckDocumentError, verify), domain)


def parse_check(content: bytes, origin: str, *, domain: str | None = None) -> Check:
    """`load_check` for a file that was read already."""
    return _check(parse_document(content, origin, CheckDocumentError), domain)


def _check(document: Document, domain: str | None) -> Check:
    problems = Problems(CheckDocumentError)
    if hold_against(shipped_validator("hardaudit.policy", "check.schema.json"), document, (), problems):
        _inspect_id(document, domain, problems)
        _inspect_params(document, problems)
        _inspect_template(document, problems)
        _inspect_examples(document, problems)
    problems.fail_if_any()
    return _build(document)


def _inspect_id(document: Document, domain: str | None, problems: Problems) -> None:
    written, _, name = document.value["id"].partition("/")
    stem = PurePath(document.file).stem
    if name != stem or (domain is not None and written != domain):
        wanted = f"{written if domain is None else domain}/{stem}"
        problems.add(document, ("id",), f"id must be {quote(wanted)}, domain and name of the file, not {quote(document.value['id'])}")


def _inspect_params(document: Document, problems: Problems) -> None:
    """Defaults keep to their own types; the SQL names every parameter, and no other."""
    params: dict[str, Any] = document.value.get("params", {})
    used: set[str] = set()
    for key in ("applies", "query"):
        for named in named_in(document.value.get(key, "")):
            if not named.startswith(":"):
                problems.add(document, (key,), f"{key} has the parameter {quote(named)}: name it as :name")
            elif named[1:] not in params:
                message = f"{key} names {named}, which params does not declare"
                problems.add(document, (key,), message, choice=Choice(named[1:], params))
            used.add(named[1:])
    for name, schema in params.items():
        if name not in used:
            problems.add(document, ("params", name), f"neither query nor applies uses the parameter :{name}", at_key=True)
        hold_against(validator(schema), document, ("params", name, "default"), problems)


def _inspect_template(document: Document, problems: Problems) -> None:
    try:
        columns_in(document.value["finding"])
    except ValueError as error:
        problems.add(document, ("finding",), f"finding: {error}")


def _inspect_examples(document: Document, problems: Problems) -> None:
    examples: list[dict[str, Any]] = document.value["examples"]
    names: set[str] = set()
    for index, example in enumerate(examples):
        path: KeyPath = ("examples", index)
        if example["name"] in names:
            problems.add(document, (*path, "name"), f"two examples have the name {quote(example['name'])}")
        names.add(example["name"])
        _inspect_example(document, path, example, problems)
    states = {example["state"] for example in examples}
    for wanted in ({"pass"}, {"fail"}, {"not_applicable", "unknown"}):
        if not states & wanted:
            problems.add(document, ("examples",), f"examples need one with the state {' or '.join(sorted(wanted))}", at_key=True)


def _inspect_example(document: Document, path: KeyPath, example: Mapping[str, Any], problems: Problems) -> None:
    fails = example["state"] == "fail"
    if fails and not example.get("subjects"):
        problems.add(document, path, "an example that fails lists the subjects of its findings: add 'subjects'")
    if not fails and "subjects" in example:
        problems.add(document, (*path, "subjects"), f"an example with the state {example['state']} has no subjects", at_key=True)
    params: dict[str, Any] = document.value.get("params", {})
    for name in example.get("params", {}):
        place = (*path, "params", name)
        if name not in params:
            problems.add(document, place, f"unknown parameter {quote(name)}", at_key=True, choice=Choice(name, params))
        else:
            hold_against(validator(params[name]), document, place, problems)


def _build(document: Document) -> Check:
    value = document.value
    return Check(
        id=value["id"],
        title=value["title"],
        severity=Severity(value["severity"]),
        rationale=value["rationale"].strip(),
        references={catalogue: tuple(entries) for catalogue, entries in value.get("references", {}).items()},
        applies=value.get("applies"),
        params={name: _param(name, schema) for name, schema in value.get("params", {}).items()},
        query=value["query"],
        finding=value["finding"],
        remediation=value["remediation"].strip(),
        examples=tuple(map(_example, value["examples"])),
        origin=document.file,
        digest=document.digest,
    )


def _param(name: str, declared: Mapping[str, Any]) -> Param:
    schema = {keyword: value for keyword, value in declared.items() if keyword not in ("default", "description")}
    return Param(name, schema, declared["default"], declared["description"].strip())


def _example(value: Mapping[str, Any]) -> Example:
    return Example(
        name=value["name"],
        tables={table: tuple(rows) for table, rows in value.get("tables", {}).items()},
        gaps={table: GapReason(reason) for table, reason in value.get("gaps", {}).items()},
        params=value.get("params", {}),
        state=value["state"],
        subjects=tuple(value.get("subjects", ())),
    )
