"""Lines that are there to keep PHP from running in a directory, and whether they do.

A line counts as having an effect when a file name runs without it that does not run with it; lines that stand in for each other are each
tried alone too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit.target.walk import canonical
from hardaudit_plugins.web.choices import explore
from hardaudit_plugins.web.files import Files
from hardaudit_plugins.web.nginx import ways
from hardaudit_plugins.web.nginx.host_names import literal_names
from hardaudit_plugins.web.nginx.http import build_http
from hardaudit_plugins.web.nginx.judge import Block, judge
from hardaudit_plugins.web.nginx.unused import unused
from hardaudit_plugins.web.site import Protection, Request
from hardaudit_plugins.web.verdict import Verdict, best

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit_plugins.web.evidence import Evidence
    from hardaudit_plugins.web.nginx.http import Http
    from hardaudit_plugins.web.nginx.scope import Scope
    from hardaudit_plugins.web.nginx.tree import Directive

_NAMES = ("x.php", "x.phtml", "x.phar", "x.php.jpg", "x.jpg/a.php", "sub/x.php")
_MOST_CANDIDATES = 40
_PHP = re.compile(r"ph(?:p|tml|ar|\\?[.(\[])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A protection: the directive that is named, and the one that is left out to see what it does."""

    shown: Directive
    kind: str
    left_out: Directive


def protections_of(block: Block, evidence: Evidence, directory: str) -> Iterator[Protection]:
    """The protections of a directory in a server block, those that no configuration includes at the end."""
    http, server = block.http, block.server
    urls = _urls(http, server, evidence, directory)
    if not urls:
        return
    trial = _Trial(block, evidence, directory, urls)
    found = list(_candidates(server, urls))
    if len(found) > _MOST_CANDIDATES:
        detail = f"{directory}: more than {_MOST_CANDIDATES} lines are there to keep PHP from running; only the first are looked at"
        evidence.gap(GapReason.TRUNCATED, detail)
    for candidate in found[:_MOST_CANDIDATES]:
        effective, reason = trial.effect(candidate, found)
        yield Protection(directory, candidate.kind, effective, reason, candidate.shown.place)
    yield from unused(http, server, evidence, directory, urls)


def _urls(http: Http, server: Scope, evidence: Evidence, directory: str) -> list[str]:
    """The URLs of a directory, as it is spelled and without links."""
    spellings = {directory.rstrip("/") + "/"}
    try:
        spellings.add(canonical(evidence.target, directory).rstrip("/") + "/")
    except (FileNotFoundError, NotADirectoryError):
        pass  # to be made: there is no other spelling
    except OSError as error:
        evidence.gap_for(error, directory)
    mappings = ways.mappings(http, server, evidence)
    return list(
        dict.fromkeys(
            mapping.url + spelling[len(mapping.directory) :]
            for spelling in sorted(spellings)
            for mapping in mappings
            if spelling.startswith(mapping.directory)
        )
    )


def _candidates(server: Scope, urls: list[str]) -> Iterator[_Candidate]:
    for scope in server.everything():
        if scope.kind == "location" and _concerns(scope, urls):
            yield from _of_location(scope)
        for directive, inner in scope.codes:
            if inner is not None and _is_about(" ".join(directive.args), urls) and (refusal := _refusal(inner)) is not None:
                yield _Candidate(refusal, str(refusal), directive)


def _of_location(scope: Scope) -> Iterator[_Candidate]:
    """What in a location keeps PHP away: the location itself where it hands nothing on, else the directive."""
    refusal = _refusal(scope)
    hands_on = scope.handler is not None
    if refusal is not None:
        yield _Candidate(refusal, str(refusal), refusal if hands_on else scope.directive)
    elif not hands_on and ((scope.match is not None and scope.match.kind == "^~") or not scope.directive.block):
        yield _Candidate(scope.directive, str(scope.directive), scope.directive)
    if scope.limit is not None and hands_on and any(inner.name == "limit_except" for inner in scope.directive.block or ()):
        directive = scope.limit[1].directive
        yield _Candidate(directive, str(directive), directive)


def _refusal(scope: Scope) -> Directive | None:
    """The line of a block by which nobody gets through."""
    for directive, inner in scope.codes:
        if inner is None and directive.name == "return" and directive.args and directive.args[0][:1] in ("4", "5"):
            return directive
    for name in ("deny", "internal", "auth_basic"):
        for directive in scope.own.get(name, ()):
            if directive.args[:1] != ("off",):
                return directive
    for directive in scope.own.get("fastcgi_param", ()):
        if directive.args[:1] in (("PHP_VALUE",), ("PHP_ADMIN_VALUE",)) and "engine" in " ".join(directive.args[1:]):
            return directive
    return None


def _concerns(scope: Scope, urls: list[str]) -> bool:
    match = scope.match
    if match is None:
        return False
    if match.kind in ("~", "~*"):
        return _is_about(match.text, urls) or (
            scope.parent is not None and scope.parent.match is not None and _concerns(scope.parent, urls)
        )
    return any(url.startswith(match.text) or match.text.startswith(url) for url in urls) and match.text not in ("", "/")


def _is_about(text: str, urls: list[str]) -> bool:
    """Whether a pattern names a part of the directory's URLs, or PHP's file names."""
    return bool(_PHP.search(text)) or any(part in text for url in urls for part in url.split("/") if len(part) > 2)


class _Trial:
    """Tries what runs in the directory, with directives left out."""

    def __init__(self, block: Block, evidence: Evidence, directory: str, urls: list[str]) -> None:
        self._block, self._evidence, self._urls = block, evidence, urls
        base = Files(evidence.target, {})
        self._scripts: dict[str, tuple[str, Files]] = {}
        for name in _NAMES:
            script = f"{base.real(directory).rstrip('/')}/{name.removesuffix('/a.php')}"
            self._scripts[name] = (script, Files(evidence.target, {script: "<?php"}))
        self._tried: dict[frozenset[int], dict[str, Verdict]] = {}

    def verdicts(self, left_out: list[Directive]) -> dict[str, Verdict]:
        """The verdict on each name, without some directives."""
        key = frozenset(id(directive) for directive in left_out)
        if key not in self._tried:
            self._tried[key] = self._try(key)
        return self._tried[key]

    def _try(self, left_out: frozenset[int]) -> dict[str, Verdict]:
        block = self._block
        if left_out:
            http = block.http
            built = build_http(http.main, http.installation, http.files, lambda directive: id(directive) in left_out)
            servers = [] if built is None else [other for other in built.servers if other.directive is block.server.directive]
            if built is None or not servers:
                return dict.fromkeys(_NAMES, Verdict(None, "the configuration without the line cannot be made"))
            block = Block(built, servers[0], block.fpm)
        return {name: self._ask(block, name) for name in _NAMES}

    def _ask(self, block: Block, name: str) -> Verdict:
        script, files = self._scripts[name]
        requests = [Request(url + name, script, host) for url in self._urls for host in literal_names(block.server, self._evidence)]
        self._evidence.check_deadline()
        return best(
            explore(lambda choices, request=request: judge(block, request, files, choices))  # type: ignore[misc]
            for request in requests
        )

    def effect(self, candidate: _Candidate, others: list[_Candidate]) -> tuple[bool | None, str]:
        """Whether a candidate keeps a name from running, beside the others or alone, and why or why not."""
        now = self.verdicts([])
        rest = [other.left_out for other in others if other.left_out is not candidate.left_out]
        bare = self.verdicts([*rest, candidate.left_out])
        undecided: str | None = None
        for with_it, without in ((now, self.verdicts([candidate.left_out])), (self.verdicts(rest), bare)):
            kept = [name for name in _NAMES if without[name].executes and with_it[name].executes is False]
            if kept:
                return True, f"it keeps {', '.join(kept)} from running"
            undecided = undecided or next(
                (verdict.reason for name in _NAMES for verdict in (with_it[name], without[name]) if verdict.executes is None), None
            )
        if undecided is not None:
            return None, undecided
        running = next((now[name] for name in _NAMES if now[name].executes), None)
        if running is not None:
            return False, f"{running.reason}{' all the same' if candidate.left_out is candidate.shown else ': that comes first'}"
        return False, "PHP would not run there without it either"
