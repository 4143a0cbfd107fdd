"""What mod_rewrite makes of a request: apply_rewrite_rule, apply_rewrite_list and the hooks of modules/mappers/mod_rewrite.c, httpd 2.4.

`RewriteMap` and the rest of the configuration: `rewrite_rules`. A rule's conditions: `rewrite_conditions`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from hardaudit.model import host_text
from hardaudit_plugins.web.apache.expr_functions import escape
from hardaudit_plugins.web.apache.known_text import Text, joined, settled
from hardaudit_plugins.web.apache.patterns import UndecidedError
from hardaudit_plugins.web.apache.request_state import FIXED_VERSION, RequestState
from hardaudit_plugins.web.apache.rewrite_conditions import Run, expanded, holds, matched, pieces
from hardaudit_plugins.web.apache.rewrite_rules import (
    RewriteConfig,
    RewriteSyntaxError,
    Rule,
    for_directories,
    merge_directory,
    merge_server,
    rules_from,
)
from hardaudit_plugins.web.apache.words import lower

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hardaudit_plugins.web.choices import Choices
    from hardaudit_plugins.web.files import Files
    from hardaudit_plugins.web.verdict import Place

__all__ = [
    "LIMIT_INTERNAL_REDIRECTS",
    "RequestState",
    "RewriteConfig",
    "RewriteOutcome",
    "RewriteSyntaxError",
    "for_directories",
    "merge_directory",
    "merge_server",
    "rewrite_directory",
    "rewrite_server",
    "rules_from",
]

LIMIT_INTERNAL_REDIRECTS = 10
"""LimitInternalRecursion's default: one more internal redirect of a request answers 500."""

BAD_REQUEST = 400
NOT_FOUND = 404
_UNRESERVED = re.compile("%(2[dDeE]|3[0-9]|4[1-9A-Fa-f]|5[0-9aAfF]|6[1-9A-Fa-f]|7[0-9aAeE])")
_BAD_ESCAPE = re.compile("%(?![0-9A-Fa-f]{2})")
_FORBIDDEN_ESCAPE = re.compile("%(?:00|2[fF])")
_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")
_LONGEST = 2 * 8190  # twice LimitRequestLine
_MOST_RULES = 50_000
_SCHEMES = {
    "ajp://": True,
    "balancer://": True,
    "fcgi://": True,
    "ftp://": False,
    "gopher://": False,
    "http://": True,
    "https://": True,
    "h2://": True,
    "h2c://": True,
    "ldap://": False,
    "mailto:": True,
    "news:": False,
    "nntp://": False,
    "scgi://": True,
    "unix:": True,
    "ws://": True,
    "wss://": True,
}


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


@dataclass
class _Progress:
    """What one list of rules has come to. `changed`: whether the URL is; `last`: the rule that changed it."""

    run: Run
    changed: bool = False
    escapes: bool = True
    last: Rule | None = None
    place: Place | None = None
    status: int = 0
    passthrough: bool = False
    end: bool = False
    reduced: bool = False
    path_client: Text = field(default_factory=lambda: Text(""))

    def outcome(self, kind: str, target: str = "", *, status: int = 0) -> RewriteOutcome:
        run = self.run
        return RewriteOutcome(
            kind,
            target,
            run.state.query,
            run.handler,
            run.content_type,
            self.place,
            run.state.environment,
            self.passthrough and kind == "uri",
            self.end,
            status,
            run.state.query_unknown,
        )


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
    progress = _applied(config.rules, run, environment)
    ended = _ending(progress, run, state)
    if ended is not None:
        return ended
    filename = run.state.filename
    if progress.passthrough:
        return progress.outcome("uri", filename)
    if not filename.startswith("/"):
        return progress.outcome("error", status=400)
    filename = with_home(filename, files)
    reduced = progress.reduced and not config.has_option("legacyprefixdocroot")
    if not reduced and _begins_with_directory(filename, progress, run):
        return progress.outcome("filename", filename)
    below = normalized(filename)
    if below is None:
        return progress.outcome("forbidden", status=403)
    return progress.outcome("filename", run.state.document_root.removesuffix("/") + below)


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
    progress = _applied(config.rules, run, dict(state.environment))
    ended = _ending(progress, run, state)
    if ended is not None:
        return _based(ended, prefix, config)
    filename = run.state.filename
    if not filename.startswith("/"):
        return progress.outcome("error", status=400)
    if filename == state.filename:
        return progress.outcome("unchanged")
    if run.handler is not None:
        raise UndecidedError(f"{progress.place}: the handler {run.handler[:80]} takes the place of the internal redirect")
    target = internal_redirect(_as_url(filename, prefix, config, state), run.state.query)
    if isinstance(target, int):
        return progress.outcome("error" if target == BAD_REQUEST else "status", status=target)
    run.content_type = None
    run.state = replace(run.state, query=target[1])
    return progress.outcome("uri", target[0])


def _as_url(filename: str, prefix: str, config: RewriteConfig, state: RequestState) -> str:
    """The URL of an internal redirect to a file: by RewriteBase, or without the document root, else by the Alias that was used."""
    url = filename
    if config.base is not None:
        url = _replaced_prefix(filename, prefix, config.base)
    else:
        root = state.document_root.removesuffix("/")
        if filename.startswith(root + "/"):
            return filename[len(root) :] if root else filename
    if url == filename and not config.has_option("ignorecontextinfo") and state.context_prefix:
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


def _ending(progress: _Progress, run: Run, state: RequestState) -> RewriteOutcome | None:
    """The outcomes that are the same in both contexts: no change, an answer, a proxy, a redirect."""
    if progress.status:
        kind = {403: "forbidden", 410: "gone", 500: "error"}.get(progress.status, "status")
        return progress.outcome(kind, status=progress.status)
    if not progress.changed:
        run.state = replace(run.state, filename=state.filename)
        return progress.outcome("unchanged")
    filename = run.state.filename
    escapes = progress.escapes and scheme_length(filename) > 0
    if run.state.query is not None and not escapes and any(char <= " " or char == "\x7f" for char in run.state.query):
        return progress.outcome("forbidden", status=403)
    if filename.startswith("proxy:"):
        if run.handler is not None:
            raise UndecidedError(f"{progress.place}: the handler {run.handler[:80]} takes the place of the proxy")
        return progress.outcome("proxy", filename.removeprefix("proxy:"))
    if scheme_length(filename):
        status = progress.last.status if progress.last and 300 <= progress.last.status < 400 else 302
        return progress.outcome("redirect", filename, status=status)
    return None


def normalized(path: str) -> str | None:
    """The path without `.`, `..` and empty names, as the server has it before it looks at files; None for one that leaves the root."""
    names: list[str] = []
    parts = path.split("/")
    for name in parts:
        if name == "..":
            if not names:
                return None
            names.pop()
        elif name not in ("", "."):
            names.append(name)
    return "/" + "/".join(names) + ("/" if names and parts[-1] in ("", ".", "..") else "")


def internal_redirect(url: str, query: str | None) -> tuple[str, str | None] | int:
    """What ap_internal_redirect() makes of a path and a query: it is read as a URL once more. The decoded path and the query, or a status."""
    path, mark, rest = (url if query is None else f"{url}?{query}").partition("#")[0].partition("?")
    unreserved = _UNRESERVED.sub(lambda found: chr(int(found[1], 16)), path)
    clean = normalized(unreserved)
    if clean is None or _BAD_ESCAPE.search(clean):
        return BAD_REQUEST
    if _FORBIDDEN_ESCAPE.search(clean):
        return NOT_FOUND
    raw = _ESCAPE.sub(lambda found: bytes([int(found[1], 16)]), host_text.encode(clean))
    return host_text.decode(raw), rest if mark else None


def with_home(path: str, files: Files) -> str:
    """expand_tildepaths(): `/~user` as the user's home directory. Raises UndecidedError for a user that /etc/passwd does not have."""
    user, slash, rest = path[2:].partition("/")
    if not path.startswith("/~") or not user:
        return path
    try:
        text = files.read_text("/etc/passwd")
    except OSError as error:
        raise UndecidedError(f"the home directory of {user[:40]!r}: /etc/passwd: {error.strerror or error}") from error
    for line in text.splitlines():
        fields = line.split(":")
        if fields[0] == user and len(fields) == len(["name", "password", "uid", "gid", "gecos", "home", "shell"]):
            return fields[5].removesuffix("/") + slash + rest if slash else fields[5]
    raise UndecidedError(f"the home directory of {user[:40]!r}, who is not in /etc/passwd")


def scheme_length(uri: str) -> int:
    """is_absolute_uri(): how long the scheme is that mod_rewrite knows the URL by; 0 for none."""
    start = lower(uri[:11])
    return next((len(scheme) for scheme in _SCHEMES if start.startswith(scheme)), 0)


def _applied(rules: tuple[Rule, ...], run: Run, environment: dict[str, Text | str]) -> _Progress:
    """apply_rewrite_list()."""
    run.variables = environment
    progress = _Progress(run)
    position, rounds, steps = 0, 1, 0
    while position < len(rules):
        rule = rules[position]
        steps += 1
        if steps > _MOST_RULES:
            raise UndecidedError(f"{rule.place}: more than {_MOST_RULES} rules are applied to one request")
        if run.state.subrequest and {"NS", "R"} & rule.flags:
            position += 1
            continue
        applied = _apply(rule, progress)
        if not applied:
            position = _after_chain(rules, position) + 1
            continue
        if progress.status or _is_last(rule, progress):
            return progress
        if "N" in rule.flags:
            rounds += 1
            if rounds >= rule.rounds:
                progress.status = 500
                return progress
            position = 0
            continue
        position += 1 + max(rule.skip, 0)
    return progress


def _after_chain(rules: tuple[Rule, ...], position: int) -> int:
    """The last rule of a chain that a rule begins."""
    while position < len(rules) and "C" in rules[position].flags:
        position += 1
    return position


def _is_last(rule: Rule, progress: _Progress) -> bool:
    """What a rule's flags say about the rules after it."""
    if "PT" in rule.flags:
        progress.passthrough = progress.run.directory is None
        progress.changed = progress.escapes = True
        return True
    if "END" in rule.flags:
        progress.end = True
        return True
    return bool({"P", "L"} & rule.flags)


def _apply(rule: Rule, progress: _Progress) -> bool:
    """apply_rewrite_rule(): whether the rule took the request."""
    run = progress.run
    subject = run.state.filename
    if run.directory is not None:
        subject = (subject + run.state.path_info).removeprefix(run.directory)
    found, groups = matched(rule.pattern, Text(subject), run, ignore_case="NC" in rule.flags)
    if found is rule.negated:
        return False
    run.condition_groups = None
    run.rule_groups = None if rule.negated else groups
    if not _conditions_hold(rule, run):
        return False
    new = None if rule.no_substitution else pieces(rule.substitution, run, rule)
    if new is not None and "UNSAFE_ALLOW_3F" not in rule.flags and _has_foreign_question_mark(new) and _is_fixed(run):
        progress.place, progress.status = rule.place, 403
        return True
    for variable in rule.variables:
        _set_variable(variable, run)
    if new is None:
        _force(rule, run)
        progress.place = rule.place
        progress.status = rule.status if rule.has_status else 0
        return True
    _substitute(rule, [piece for piece, _ in new], progress)
    return True


def _is_fixed(run: Run) -> bool:
    """Whether the module has the security fixes of 2.4.60, which distributions bring to older versions too."""
    if run.state.version >= FIXED_VERSION:
        return True
    return run.choices.undecidable("fixes of mod_rewrite", "whether this older mod_rewrite has the security fixes of 2.4.60")


def _has_foreign_question_mark(new: list[tuple[Text, bool]]) -> bool:
    """Whether the query would begin with a question mark that is not the substitution's own: the answer is 403 then."""
    return next((put_in for piece, put_in in new if "?" in piece.value), False)


def _conditions_hold(rule: Rule, run: Run) -> bool:
    position = 0
    conditions = rule.conditions
    while position < len(conditions):
        condition = conditions[position]
        result = holds(condition, run)
        if condition.or_next:
            if result:
                while position < len(conditions) and conditions[position].or_next:
                    position += 1
        elif not result:
            return False
        position += 1
    return True


def _set_variable(text: str, run: Run) -> None:
    whole = expanded(text, run)
    if whole.value.startswith("!"):
        run.unset_variable(whole.value[1:])
        return
    name, _, value = whole.value.partition(":")
    run.set_variable(name, whole.with_value(value))


def _force(rule: Rule, run: Run) -> None:
    if rule.content_type is not None:
        run.content_type = (
            lower(settled(expanded(rule.content_type, run, rule), run.choices, f"{rule.place}: the type")) or run.content_type
        )
    if rule.handler is not None:
        run.handler = lower(settled(expanded(rule.handler, run, rule), run.choices, f"{rule.place}: the handler")) or run.handler


def _substitute(rule: Rule, new: list[Text], progress: _Progress) -> None:
    """What a rule with a substitution does to the request once it matched."""
    run = progress.run
    progress.changed, progress.last, progress.place = True, rule, rule.place
    progress.escapes = "NE" not in rule.flags
    prefix = _implied_prefix(rule, new, run)
    path, query = _split(rule, [Text(prefix), *new] if prefix else new)
    if "DPI" in rule.flags and run.directory is not None:
        run.state = replace(run.state, path_info="")
    run.state = _with_query(run.state, rule, query)
    is_redirect = "R" in rule.flags or (scheme_length(path.value) > 0 and "P" not in rule.flags)
    filename = path.value if is_redirect else settled(path, run.choices, f"{rule.place}: what the URL becomes")
    if len(filename) > _LONGEST:
        progress.status = 500
        return
    if "P" in rule.flags:
        if run.directory is not None and "NE" not in rule.flags:
            filename = escape(filename)
        filename = "proxy:" + _qualified(filename, run.state)
    elif "R" in rule.flags:
        filename = _qualified(filename, run.state)
    else:
        filename = _reduced(filename, progress)
    run.state = replace(run.state, filename=filename)
    if "P" not in rule.flags and "R" not in rule.flags and not scheme_length(filename):
        _force(rule, run)


def _implied_prefix(rule: Rule, new: list[Text], run: Run) -> str:
    """What is put before a substitution that is neither a path nor a URL: the directory, or a slash."""
    start = joined(new).value
    if start.startswith("/") or scheme_length(start):
        return ""
    if run.directory is not None:
        return run.directory
    return "/" if not {"P", "R"} & rule.flags and _is_fixed(run) else ""


def _split(rule: Rule, new: list[Text]) -> tuple[Text, Text | None]:
    """splitout_queryargs(): the path, and the query after the first question mark (with QSL the last), None without one."""
    whole = joined(new)
    scheme = scheme_length(whole.value)
    if scheme and not _SCHEMES[lower(whole.value[:scheme])]:
        return whole, None
    at = whole.value.rfind("?") if "QSL" in rule.flags else whole.value.find("?")
    if at < 0:
        return whole, None
    before: list[Text] = []
    length = 0
    for piece in new:
        before.append(piece)
        length += len(piece.value)
        if length > at:
            break
    path = joined(before)
    return path.with_value(whole.value[:at]), whole.with_value(whole.value[at + 1 :])


def _with_query(state: RequestState, rule: Rule, query: Text | None) -> RequestState:
    old, unknown = state.query, state.query_unknown
    if "QSD" in rule.flags:
        old, unknown = None, ""
    if query is not None:
        if "QSA" in rule.flags:
            if query.value:
                old = f"{query.value}&{old or ''}"
        else:
            old, unknown = query.value, ""
        unknown = unknown or query.unknown
        if old is not None:
            old = old.removesuffix("&") or None
    return replace(state, query=old, query_unknown=unknown)


def _qualified(filename: str, state: RequestState) -> str:
    """fully_qualify_uri()."""
    if scheme_length(filename):
        return filename
    standard = 443 if state.https else 80
    port = "" if state.port == standard else f":{state.port}"
    slash = "" if filename.startswith("/") else "/"
    return f"{state.scheme or 'http'}://{state.server_name or state.host}{port}{slash}{filename}"


def _reduced(filename: str, progress: _Progress) -> str:
    """reduce_uri(): a URL of our own is a path."""
    state = progress.run.state
    for scheme in ("http", "https"):
        if not lower(filename).startswith(scheme + "://") or (state.scheme or scheme) != scheme:
            continue
        authority, slash, path = filename[len(scheme) + 3 :].partition("/")
        host, _, port = authority.partition(":")
        standard = 443 if scheme == "https" else 80
        if host.lower() in {name.lower() for name in state.host_names} and (int(port) if port.isdecimal() else standard) == state.port:
            progress.reduced = True
            return slash + path or "/"
    return filename


def _begins_with_directory(filename: str, progress: _Progress, run: Run) -> bool:
    """prefix_stat(): whether the first name of the path is in the root directory, and the rule means it as a file's path."""
    first = "/" + filename.lstrip("/").partition("/")[0]
    try:
        if not run.files.exists(first):
            return False
    except OSError as error:
        raise UndecidedError(f"{first}: {error.strerror or error}") from error
    rule = progress.last
    if rule is None or "UNSAFE_PREFIX_STAT" in rule.flags or rule.substitution.startswith(first) or not _is_fixed(run):
        return True
    roots = (run.state.document_root, run.state.context_document_root or run.state.document_root)
    return any(filename.startswith(root) for root in roots)
