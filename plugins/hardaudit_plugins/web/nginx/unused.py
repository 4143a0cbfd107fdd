"""Protections that nginx never reads: in files that nothing includes, and in .htaccess files."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hardaudit.target.walk import canonical
from hardaudit_plugins.web.nginx.lexer import ConfigurationSyntaxError, Lexer, Statement
from hardaudit_plugins.web.nginx.listen import names_of
from hardaudit_plugins.web.site import Protection
from hardaudit_plugins.web.verdict import Place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit_plugins.web.evidence import Evidence
    from hardaudit_plugins.web.nginx.http import Http
    from hardaudit_plugins.web.nginx.scope import Scope

_FOLDERS = ("sites-available", "conf.d", "snippets", "conf-available", "vhosts.d", "default.d")
_HTACCESS = re.compile(
    r"^\s*(Require\s+all\s+denied|Deny\s+from\s+all|php_(?:admin_)?flag\s+engine\s+\S+|SetHandler\s+\S+|RemoveHandler\s.*|RemoveType\s.*|ForceType\s+\S+)",
    re.IGNORECASE,
)


def unused(http: Http, server: Scope, evidence: Evidence, directory: str, urls: list[str]) -> Iterator[Protection]:
    """The protections of a directory that are written down where nginx does not read them."""
    read = {_real(evidence, path) for path in http.files}
    for folder in _FOLDERS:
        base = f"{http.installation.conf_prefix}/{folder}"
        for name in evidence.list_directory(base, optional=True):
            path = f"{base}/{name}"
            if _real(evidence, path) not in read:
                yield from _in_file(evidence, path, server, directory, urls)
    yield from _in_htaccess(evidence, directory)


def _real(evidence: Evidence, path: str) -> str:
    try:
        return canonical(evidence.target, path)
    except OSError:
        return path  # a link that leads nowhere: compared as it is spelled


def _in_file(evidence: Evidence, path: str, server: Scope, directory: str, urls: list[str]) -> Iterator[Protection]:
    text = evidence.read_text(path)
    if text is None or not any(mention.rstrip("/") in text for mention in (directory, *urls) if mention.rstrip("/")):
        return
    reason = f"{path} is not enabled: nothing includes it"
    around: list[Statement] = []
    found: list[Protection] = []
    named: set[str] = set()
    try:
        for statement in Lexer(text, evidence.check_deadline).statements():
            if statement.end == "}":
                del around[-1:]
                continue
            if statement.words[0] == "server_name":
                named.update(statement.words[1:])
            location = next((outer for outer in reversed(around) if outer.words[0] == "location"), None)
            if location is not None and _is_about(location, urls) and _refuses(statement):
                found.append(
                    Protection(directory, " ".join(statement.words), effective=False, reason=reason, place=Place(path, statement.line))
                )
            if statement.end == "{":
                around.append(statement)
    except ConfigurationSyntaxError:
        pass  # nothing reads the file: what stands before the mistake is all that can be told of it
    if not named or named & set(names_of(server)):
        yield from found


def _is_about(location: Statement, urls: list[str]) -> bool:
    text = location.words[-1]
    return any(part in text for url in urls for part in url.split("/") if len(part) > 2)


def _refuses(statement: Statement) -> bool:
    name, *args = statement.words
    return (name == "deny" and args == ["all"]) or (name == "return" and bool(args) and args[0][:1] == "4") or name == "internal"


def _in_htaccess(evidence: Evidence, directory: str) -> Iterator[Protection]:
    path = f"{directory.rstrip('/')}/.htaccess"
    for number, line in enumerate((evidence.read_text(path, optional=True) or "").splitlines(), 1):
        evidence.check_deadline()
        found = _HTACCESS.match(line)
        if found is not None:
            yield Protection(
                directory, found[1].strip(), effective=False, reason="nginx reads no .htaccess files", place=Place(path, number)
            )
