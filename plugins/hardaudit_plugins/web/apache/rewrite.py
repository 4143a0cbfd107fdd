"""What mod_rewrite makes of a request: the hooks of modules/mappers/mod_rewrite.c, httpd 2.4.

Its configuration: `rewrite_rules`. Rules: `rewrite_engine`. Conditions: `rewrite_conditions`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from hardaudit_plugins.web.apache.patterns import UndecidedError
from hardaudit_plugins.web.apache.request_state import RequestState
from hardaudit_plugins.web.apache.rewrite_conditions import Run
from hardaudit_plugins.web.apache.rewrite_engine import apply_rules, is_fixed
from hardaudit_plugins.web.apache.rewrite_rules import RewriteConfig, directory_config, merge_server, rules_from
from hardaudit_plugins.web.apache.rewrite_syntax import RewriteSyntaxError
from hardaudit_plugins.web.apache.rewrite_urls import BAD_REQUEST, internal_redirect, normalized, scheme_length, with_home

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hardaudit_plugins.web.apache.known_text import Text
    from hardaudit_plugins.web.apache.rewrite_engine import Progress
    from hardaudit_plugins.web.choices import Choices
    from hardaudit_plugins.web.files import Files
    from hardaudit_plugins.web.verdict import Place

__all__ = [
    "LIMIT_INTERNAL_REDIRECTS",
    "RequestState",
    "RewriteConfig",
    "RewriteOutcome",
    "RewriteSyntaxError",
    "directory_config",
    "merge_server",
    "rewrite_directory",
    "rewrite_server",
    "rules_from",
]

LIMIT_INTERNAL_REDIRECTS = 10
"""LimitInternalRecursion's default: one more internal redirect of a request answers 500."""


@dataclass(frozen=True, slots=True)
class RewriteOutcome:
    """What the rules came to. `kind` says what `target` is:

    - `unchanged`: nothing is rewritten; the request goes on as it is (handler, type and environment may be set). `target` is empty.
    - `uri`, in server context: `target` is a URL path that goes on to Alias and the like in place of the request's own, which becomes
      `%{REQUEST_URI}` (`passthrough` is true). In directory context: `target` is the URL path of an internal redirect, which starts again.
    - `filename`, in server context only: `target` is the file, below the document root already where the server puts it there; Alias is
      not asked, `%{REQUEST_URI}` stays.
    - `redirect`: `status` 3xx to the URL `target`, without its query. `proxy`: the request is handed to the URL `target`, without
      `proxy:` and query (`fcgi://…`, `unix:…|fcgi://…`).
    - `forbidden` `gone` `status` `error`: the answer is `status`: 403, 410, another one, 400 or 500; `target` is empty.

    `query` is the new query string, None without one; `query_unknown` says why it is not known. `handler` and `content_type`: of H and T.
    `environment`: every variable, those given in among them. `place`: the last rule that changed something, or None. `end`: the flag END.
    """

    kind: str
    target: str = ""
    query: str | None = None
    handler: str | None = None
    content_type: str | None = None
    place: Place | None = None
    environment: Mapping[str, Text | str] = field(default_factory=dict)
    passthrough: bool = False
    end: bool = False
    status: int = 0
    query_unknown: str = ""


def rewrite_server(
    config: RewriteConfig, state: RequestState, files: Files, choices: Choices, *, engine: bool | None = None
) -> RewriteOutcome:
    """Apply a server's or virtual host's rules while the URL is translated (hook_uri2file).

    `engine`: of the Location sections that take the request, None where they say nothing. Raises UndecidedError.
    """
    enabled = config.engine if engine is None else engine
    if not enabled or state.ended or not state.uri.startswith("/"):
        return RewriteOutcome("unchanged", query=state.query, query_unknown=state.query_unknown, environment=state.environment)
    environment = {**state.environment, "SCRIPT_URL": state.uri}
    run = Run(replace(state, filename=state.filename or state.uri, environment=environment), files, choices, config.maps, None)
    progress = apply_rules(config.rules, run, environment)
    ended = _ending(progress, run, state)
    if ended is not None:
        return ended
    filename = run.state.filename
    if progress.passthrough:
        return _outcome(progress, "uri", filename)
    return _located(progress, config, filename)


def _located(progress: Progress, config: RewriteConfig, path: str) -> RewriteOutcome:
    """Where the path leads that rules of a server made: to a file as it is, or to one below the document root."""
    run = progress.run
    filename = with_home(path, run.files)
    reduced = progress.reduced and not config.has_option("legacyprefixdocroot")
    if not reduced and _begins_with_directory(filename, progress, run):
        return _outcome(progress, "filename", normalized(filename, clip=True) or "/")
    below = normalized(filename)
    if below is None:
        return _outcome(progress, "forbidden", status=403)
    return _outcome(progress, "filename", run.state.document_root.removesuffix("/") + below)


def rewrite_directory(config: RewriteConfig, directory_prefix: str, state: RequestState, files: Files, choices: Choices) -> RewriteOutcome:
    """Apply the rules of directories and .htaccess files, merged, once the file is known (hook_fixup).

    `directory_prefix`: the directory of the last section or file that has any directive of mod_rewrite. What `Options` must have for it
    is not asked here (`FollowSymLinks` or `SymLinksIfOwnerMatch`, else 403). Raises UndecidedError.
    """
    prefix = directory_prefix if directory_prefix.endswith("/") else directory_prefix + "/"
    no_slash = not config.has_option("allownoslash") and state.filename + "/" == prefix
    if not config.engine or state.ended or no_slash:
        return RewriteOutcome("unchanged", query=state.query, query_unknown=state.query_unknown, environment=state.environment)
    run = Run(state, files, choices, config.maps, prefix)
    progress = apply_rules(config.rules, run, dict(state.environment))
    ended = _ending(progress, run, state)
    if ended is not None:
        return _based(ended, prefix, config)
    filename = run.state.filename
    if filename == state.filename:
        return _outcome(progress, "unchanged")
    if run.handler is not None:
        raise UndecidedError(f"{progress.place}: the handler {run.handler[:80]} takes the place of the internal redirect")
    target = internal_redirect(_as_url(filename, prefix, config, state), run.state.query)
    if isinstance(target, int):
        return _outcome(progress, "error" if target == BAD_REQUEST else "status", status=target)
    run.content_type = None
    run.state = replace(run.state, query=target[1])
    return _outcome(progress, "uri", target[0])


def _as_url(filename: str, prefix: str, config: RewriteConfig, state: RequestState) -> str:
    """The URL of an internal redirect to a file: by RewriteBase, or without the document root, else by the Alias that was used."""
    url = filename
    if config.base is not None:
        url = _replaced_prefix(filename, prefix, config.base)
    else:
        root = state.document_root.removesuffix("/")
        if filename.startswith(root + "/"):
            return filename[len(root) :] if root else filename
    if url == filename and not config.has_option("ignorecontextinfo"):
        url = _replaced_prefix(url, state.context_document_root or state.document_root, state.context_prefix)
    return url


def _based(outcome: RewriteOutcome, prefix: str, config: RewriteConfig) -> RewriteOutcome:
    """A redirect to a path below the directory is one to a path below RewriteBase."""
    scheme = scheme_length(outcome.target)
    host, slash, path = outcome.target[scheme:].partition("/")
    if outcome.kind != "redirect" or config.base is None or not path:
        return outcome
    return replace(outcome, target=outcome.target[:scheme] + host + slash + _replaced_prefix(path, prefix[1:], config.base[1:]))


def _replaced_prefix(text: str, prefix: str, substitute: str) -> str:
    """subst_prefix_path()."""
    bare = prefix.removesuffix("/")
    if not text.startswith(bare + "/"):
        return text
    return (substitute if substitute.endswith("/") or not substitute else substitute + "/") + text[len(bare) + 1 :]


def _ending(progress: Progress, run: Run, state: RequestState) -> RewriteOutcome | None:
    """The outcomes that are the same in both contexts: an answer, no change, a proxy, a redirect."""
    if progress.status:
        kind = {403: "forbidden", 410: "gone", 500: "error"}.get(progress.status, "status")
        return _outcome(progress, kind, status=progress.status)
    return _moved(progress, run, state)


def _moved(progress: Progress, run: Run, state: RequestState) -> RewriteOutcome | None:
    if not progress.changed:
        run.state = replace(run.state, filename=state.filename)
        return _outcome(progress, "unchanged")
    filename = run.state.filename
    escapes = progress.escapes and scheme_length(filename) > 0
    if run.state.query is not None and not escapes and any(char <= " " or char == "\x7f" for char in run.state.query):
        return _outcome(progress, "forbidden", status=403)
    if filename.startswith("proxy:") and not progress.passthrough:
        if run.handler is not None:
            raise UndecidedError(f"{progress.place}: the handler {run.handler[:80]} takes the place of the proxy")
        return _outcome(progress, "proxy", filename.removeprefix("proxy:"))
    if scheme_length(filename) and not progress.passthrough:
        return _outcome(progress, "redirect", filename, status=progress.redirect_status)
    if not filename.startswith("/"):
        return _outcome(progress, "error", status=BAD_REQUEST)
    if progress.redirect_status:
        raise UndecidedError(f"{progress.place}: a path that was a redirect by an earlier rule, whose status stays")
    return None


def _begins_with_directory(filename: str, progress: Progress, run: Run) -> bool:
    """prefix_stat(): whether the first name of the path is in the root directory, and the rule means it as a file's path."""
    first = "/" + filename.lstrip("/").partition("/")[0]
    try:
        if not run.files.exists(first):
            return False
    except OSError as error:
        raise UndecidedError(f"{first}: {error.strerror or error}") from error
    rule = progress.last
    if rule is None or "UNSAFE_PREFIX_STAT" in rule.flags or rule.substitution.startswith(first) or not is_fixed(run):
        return True
    roots = (run.state.document_root, run.state.context_document_root or run.state.document_root)
    return any(filename.startswith(root) for root in roots)


def _outcome(progress: Progress, kind: str, target: str = "", *, status: int = 0) -> RewriteOutcome:
    state = progress.run.state
    return RewriteOutcome(
        kind,
        target,
        state.query,
        progress.run.handler,
        progress.run.content_type,
        progress.place,
        state.environment,
        progress.passthrough and kind == "uri" and progress.run.directory is None,
        progress.end,
        status,
        state.query_unknown,
    )
