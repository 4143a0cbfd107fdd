"""Requests to mod_rewrite, real and evaluated: one private Apache for many virtual hosts, and the phases around the rules that it takes."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from private_apache import PrivateApache, Response, WatchedChoices

from hardaudit.target.target import Target
from hardaudit_plugins.web.apache.directive import Directive
from hardaudit_plugins.web.apache.expr_functions import escape
from hardaudit_plugins.web.apache.patterns import UndecidedError
from hardaudit_plugins.web.apache.rewrite import (
    LIMIT_INTERNAL_REDIRECTS,
    RequestState,
    RewriteConfig,
    RewriteOutcome,
    RewriteSyntaxError,
    directory_config,
    merge_server,
    rewrite_directory,
    rewrite_server,
    rules_from,
)
from hardaudit_plugins.web.choices import Choices
from hardaudit_plugins.web.files import Files
from hardaudit_plugins.web.verdict import Place

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MODULES = ("mpm_prefork", "authz_core", "rewrite", "headers", "alias", "proxy", "proxy_http")
TREE = ("index.txt", "images/a.txt", "images/sub/b.txt", "pics/a.txt", "d/e/f/g.txt")
REQUESTS = ("/images/a.txt", "/images/sub/b.txt/more", "/none/x/y", "/", "/images", "/images/a.txt?q=1&r=2", "/al/a.txt", "/images/a%20b/c")
SHOWN = ("REQUEST_URI", "REQUEST_FILENAME", "PATH_INFO", "QUERY_STRING", "reqenv:A", "reqenv:REDIRECT_A")
HEADER = f'Header always set X-Out "expr={"|".join(f"%{{{name}}}" for name in SHOWN)}"\n'


@dataclass(frozen=True)
class Case:
    """The rules of a virtual host, of its document root's Directory section, of the .htaccess file there and of the one in images/."""

    host: str = ""
    section: str = ""
    htaccess: str = ""
    below: str = ""


@dataclass(frozen=True)
class Batch:
    """Virtual hosts of one server, and the main server's rules. `has_ports`: their ServerNames have the port `@PORT@`, else none."""

    cases: tuple[Case, ...]
    main: str = ""
    requests: tuple[str, ...] = REQUESTS
    has_ports: bool = False


def differences(program: str, root: Path, batch: Batch) -> tuple[list[str], int]:
    """What the server does otherwise than the evaluation says, and how many requests were compared."""
    found: list[str] = []
    compared = 0
    configuration = _configuration(root, batch)
    with PrivateApache(program, root, configuration, MODULES) as server, Target.live_host() as target:
        files = Files(target, {})
        for number, case in enumerate(batch.cases):
            for request in batch.requests:
                real = server.get(request, f"v{number}.test")
                choices = WatchedChoices()
                port = server.port if batch.has_ports else 80
                state = _state(root, number, request, port)
                ours = replace(case, host=case.host.replace("@PORT@", str(port)))
                verdict = _evaluated(batch.main, ours, state, files, choices)
                if isinstance(verdict, UndecidedError) or choices.asked:
                    continue
                compared += 1
                difference = _difference(real, verdict, exact=not case.host)
                if difference:
                    found.append(f"{case} {request}: {difference}")
    return found, compared


def _configuration(root: Path, batch: Batch) -> str:
    parts = [HEADER, batch.main, "\n"]
    for number, case in enumerate(batch.cases):
        document_root = root / f"d{number}"
        for name in TREE:
            path = document_root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("x")
        if case.htaccess:
            (document_root / ".htaccess").write_text(case.htaccess)
        if case.below:
            (document_root / "images/.htaccess").write_text(case.below)
        parts.append(
            f"<VirtualHost *>\nServerName v{number}.test{':@PORT@' if batch.has_ports else ''}\nDocumentRoot {document_root}\nAlias /al {document_root}/pics\n{case.host}\n"
            f"<Directory {document_root}>\nAllowOverride All\n{case.section}\n</Directory>\n</VirtualHost>\n"
        )
    return "".join(parts)


def config_of(text: str) -> RewriteConfig:
    """The configuration that lines come to."""
    lines = [(number, *line.split(None, 1)) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    return rules_from([Directive(name.lower(), rest[0].strip() if rest else "", Place("rules", number)) for number, name, *rest in lines])


def _state(root: Path, number: int, request: str, port: int) -> RequestState:
    path, mark, query = request.partition("?")
    host = f"v{number}.test"
    document_root = str(root / f"d{number}")
    return RequestState(
        unquote(path),
        document_root,
        host,
        query=query if mark else None,
        host_names=frozenset({host}),
        port=port,
        named_port=port if port != 80 else 0,
    )


def _evaluated(
    main: str, case: Case, state: RequestState, files: Files, choices: Choices
) -> tuple[RewriteOutcome, RequestState] | RewriteSyntaxError | UndecidedError:
    try:
        return _request(main, case, state, files, choices)
    except (RewriteSyntaxError, UndecidedError) as error:
        return error


def _request(main: str, case: Case, state: RequestState, files: Files, choices: Choices) -> tuple[RewriteOutcome, RequestState]:
    server = merge_server(config_of(main), config_of(case.host), in_sections=bool(case.section))
    for _ in range(LIMIT_INTERNAL_REDIRECTS + 1):
        outcome = rewrite_server(server, state, files, choices)
        state = replace(state, query=outcome.query, environment=outcome.environment, ended=state.ended or outcome.end)
        if outcome.kind == "uri":
            state = replace(state, uri=outcome.target)
        elif outcome.kind not in ("filename", "unchanged"):
            return outcome, state
        state = _walked(outcome.target if outcome.kind == "filename" else "", state, files)
        config, prefix = _of_directories(server, case, state, files)
        if prefix is None:
            return outcome, state
        outcome = rewrite_directory(config, prefix, state, files, choices)
        if outcome.kind != "uri":
            return outcome, replace(state, query=outcome.query, environment=outcome.environment)
        state = state.redirected(outcome.target, outcome.query, outcome.query_unknown, outcome.environment, ended=outcome.end)
    return RewriteOutcome("error", status=500), state


def _walked(filename: str, state: RequestState, files: Files) -> RequestState:
    """Alias, document root and directory walk."""
    root = state.document_root
    if not filename and re.match("/al(?:/|$)", state.uri):
        filename = f"{root}/pics{state.uri[3:]}"
        state = replace(state, context_prefix="/al", context_document_root=f"{root}/pics")
    names = re.sub("/+", "/", filename or root + state.uri).split("/")[1:]
    here = ""
    for index, name in enumerate(names):
        here = f"{here.rstrip('/')}/{name}"
        if name and not files.is_directory(here):
            return replace(state, filename=here, path_info="".join(f"/{rest}" for rest in names[index + 1 :]))
    return replace(state, filename=here, path_info="")


def _of_directories(server: RewriteConfig, case: Case, state: RequestState, files: Files) -> tuple[RewriteConfig, str | None]:
    prefix, locals_ = None, []
    root = state.document_root
    for directory, text in ((root, case.section), (root, case.htaccess), (f"{root}/images", case.below)):
        if text and f"{state.filename}/".startswith(f"{directory}/") and files.is_directory(directory):
            local = config_of(text)
            locals_.append(local)
            prefix = directory if local.present else prefix
    return directory_config(server, locals_), prefix


def _difference(real: Response, verdict: tuple[RewriteOutcome, RequestState] | RewriteSyntaxError | UndecidedError, *, exact: bool) -> str:
    shown = real.headers.get("x-out", "").split("|")
    if not isinstance(verdict, tuple):
        return "" if real.status == 500 else f"{verdict}, but {real.status}"
    outcome, state = verdict
    if outcome.kind in ("unchanged", "uri", "filename"):
        return _difference_of_path(real, shown, state, exact=exact)
    if outcome.kind == "proxy":
        seen = shown[1] if len(shown) > 1 else ""
        wanted = f"proxy:{outcome.target}"
        return "" if seen.startswith(wanted) or unquote(seen).startswith(wanted) else f"{wanted}, but {seen}"
    location = real.headers.get("location", "")
    if real.status != outcome.status:
        return f"{outcome.kind} {outcome.status}, but {real.status} {shown}"
    if outcome.kind == "redirect" and location.partition("?")[0] not in (outcome.target, *_escaped(outcome.target)):
        return f"redirect to {outcome.target}, but {location}"
    return ""


def _difference_of_path(real: Response, shown: list[str], state: RequestState, *, exact: bool) -> str:
    variables = [getattr(value, "value", value) for value in (state.environment.get("A", ""), state.environment.get("REDIRECT_A", ""))]
    ours = [state.uri, state.filename, state.path_info, state.query or "", *variables]
    if len(shown) == len(ours) and not exact:
        shown[1:3] = ["".join(shown[1:3])]
        ours[1:3] = ["".join(ours[1:3])]
    return "" if real.status in (200, 403, 404) and shown == ours else f"{ours}, but {real.status} {shown}"


def _escaped(target: str) -> Iterator[str]:
    found = re.match("[a-zA-Z0-9]+://[^/]*/", target)
    if found:
        yield target[: found.end()] + escape(target[found.end() :])


def batch_of(hosts: Sequence[str], htaccess: Sequence[str]) -> Batch:
    """A case for each text, after `RewriteEngine on`."""
    on = "RewriteEngine on\n"
    return Batch((*(Case(host=on + text) for text in hosts), *(Case(htaccess=on + text) for text in htaccess)))
