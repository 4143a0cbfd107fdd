"""A list of rules applied to a request: apply_rewrite_list and apply_rewrite_rule of modules/mappers/mod_rewrite.c, httpd 2.4."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hardaudit_plugins.web.apache.expr_functions import escape
from hardaudit_plugins.web.apache.known_text import Text, joined, settled
from hardaudit_plugins.web.apache.patterns import UndecidedError
from hardaudit_plugins.web.apache.request_state import FIXED_VERSION
from hardaudit_plugins.web.apache.rewrite_conditions import expanded, holds, matched, pieces
from hardaudit_plugins.web.apache.rewrite_urls import scheme_length, takes_query
from hardaudit_plugins.web.apache.words import lower

if TYPE_CHECKING:
    from hardaudit_plugins.web.apache.request_state import RequestState
    from hardaudit_plugins.web.apache.rewrite_conditions import Run
    from hardaudit_plugins.web.apache.rewrite_syntax import Rule
    from hardaudit_plugins.web.verdict import Place

_LONGEST = 2 * 8190  # twice LimitRequestLine
_MOST_RULES = 50_000


@dataclass
class Progress:
    """What one list of rules has come to. `changed`: whether the URL is; `last`: the rule that changed it."""

    run: Run
    changed: bool = False
    escapes: bool = True
    last: Rule | None = None
    place: Place | None = None
    status: int = 0
    redirect_status: int = 0
    passthrough: bool = False
    end: bool = False
    reduced: bool = False


def apply_rules(rules: tuple[Rule, ...], run: Run, environment: dict[str, Text | str]) -> Progress:
    """apply_rewrite_list()."""
    run.variables = environment
    progress = Progress(run)
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


def _is_last(rule: Rule, progress: Progress) -> bool:
    """What a rule's flags say about the rules after it."""
    if "PT" in rule.flags:
        progress.passthrough = True
        progress.changed = progress.escapes = True
        return True
    if "END" in rule.flags:
        progress.end = True
        return True
    return bool({"P", "L"} & rule.flags)


def _apply(rule: Rule, progress: Progress) -> bool:
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
    if new is not None and "UNSAFE_ALLOW_3F" not in rule.flags and _has_foreign_question_mark(rule, new) and is_fixed(run):
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


def is_fixed(run: Run) -> bool:
    """Whether the module has the security fixes of 2.4.60, which distributions bring to older versions too."""
    if run.state.version >= FIXED_VERSION:
        return True
    return run.choices.undecidable("fixes of mod_rewrite", "whether this older mod_rewrite has the security fixes of 2.4.60")


def _has_foreign_question_mark(rule: Rule, new: list[tuple[Text, bool]]) -> bool:
    """Whether the query would begin with a question mark that is not the substitution's own: the answer is 403 then."""
    marks = [put_in for piece, put_in in new if "?" in piece.value]
    return bool(marks) and marks[-1 if "QSL" in rule.flags else 0]


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


def _substitute(rule: Rule, new: list[Text], progress: Progress) -> None:
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
    if "P" in rule.flags:
        return
    if "R" in rule.flags or scheme_length(filename):
        progress.redirect_status = rule.status if 300 <= rule.status < 400 else 302
    else:
        _force(rule, run)


def _implied_prefix(rule: Rule, new: list[Text], run: Run) -> str:
    """What is put before a substitution that is neither a path nor a URL: the directory, or a slash."""
    start = joined(new).value
    if start.startswith("/") or scheme_length(start):
        return ""
    if run.directory is not None:
        return run.directory
    return "/" if not {"P", "R"} & rule.flags and is_fixed(run) else ""


def _split(rule: Rule, new: list[Text]) -> tuple[Text, Text | None]:
    """splitout_queryargs(): the path, and the query after the first question mark (with QSL the last), None without one."""
    whole = joined(new)
    scheme = scheme_length(whole.value)
    if scheme and not takes_query(whole.value):
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


def _reduced(filename: str, progress: Progress) -> str:
    """reduce_uri(): a URL of our own is a path."""
    state = progress.run.state
    for scheme in ("http", "https"):
        if not lower(filename).startswith(scheme + "://") or (state.scheme or scheme) != scheme:
            continue
        authority, slash, path = filename[len(scheme) + 3 :].partition("/")
        host, _, port = authority.partition(":")
        standard = 443 if scheme == "https" else 80
        known = host.lower() in {name.lower() for name in state.host_names}
        if known and _is_own_port(int(port[:9]) if port.isdecimal() else standard, progress.run):
            progress.reduced = True
            return slash + path or "/"
    return filename


def _is_own_port(port: int, run: Run) -> bool:
    """ap_matches_request_vhost(): whether ServerName has this port; a name without port is that of no URL."""
    if run.state.named_port is None:
        return run.choices.undecidable("port of ServerName", f"whether port {port} is that of the ServerName")
    return port == run.state.named_port
