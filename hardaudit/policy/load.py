"""A policy by its name or path, whole and without a fault, or not at all."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hardaudit.documents.problems import PolicyDocumentError, Problems, quote, suggestion
from hardaudit.errors import PolicyError
from hardaudit.policy.chain import is_path, read_chain
from hardaudit.policy.inspect import inspect
from hardaudit.policy.resolve import resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hardaudit.model.check import Check
    from hardaudit.model.policy import Policy
    from hardaudit.policy.chain import Available


def load_policy(
    name_or_path: str, available: Available, checks: Mapping[str, Check], verify: Callable[[str], None] = lambda _: None
) -> Policy:
    """The policy that is `available` by this name, or the file of this path: what has a `/` in it or ends in .yaml is a path.

    `checks` are all that plugins brought, by id. `verify` is called with the path of every file before it is opened, and raises if that
    file cannot be trusted. Raises PolicyDocumentError (a PolicyError) with a line for every fault of every file, PolicyError for an unknown
    name.
    """
    problems = Problems(PolicyDocumentError)
    documents = read_chain(_path(name_or_path, available), available, verify, problems)
    for document in documents:
        inspect(document, checks, problems)
    problems.fail_if_any()
    policy = resolve(documents, checks)
    if not any(selection.enabled for selection in policy.checks.values()):
        top = documents[-1]
        message = f"the policy {quote(policy.name)} enables no check: name some under 'checks', or extend a policy"
        problems.add(top, ("checks",), message, at_key=True)
    problems.fail_if_any()
    return policy


def _path(name_or_path: str, available: Available) -> str:
    if name_or_path in available:
        return os.fspath(available[name_or_path])
    if is_path(name_or_path):
        return name_or_path
    meant = suggestion(name_or_path, available)
    hint = f"; did you mean {quote(meant)}?" if meant else ""
    known = ", ".join(sorted(available)) or "none"
    raise PolicyError(f"unknown policy {quote(name_or_path)}; available: {known}, or the path of a .yaml file{hint}")
