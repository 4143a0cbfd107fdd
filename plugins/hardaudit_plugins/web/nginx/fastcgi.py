"""Handing a request to PHP: the address, the parameters, and whose script runs.

Source: ngx_http_fastcgi_module.c.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit_plugins.web.nginx.outcome import Answer, Status
from hardaudit_plugins.web.verdict import Verdict

if TYPE_CHECKING:
    from hardaudit_plugins.web.nginx.exchange import Exchange
    from hardaudit_plugins.web.nginx.tree import Directive

_DECISIVE = frozenset({"SCRIPT_FILENAME", "SCRIPT_NAME", "PATH_INFO", "PATH_TRANSLATED", "DOCUMENT_ROOT", "PHP_VALUE", "PHP_ADMIN_VALUE"})
"""Parameters from which PHP-FPM tells the script and its settings."""


def hand_on(exchange: Exchange, directive: Directive) -> Answer | Status:
    """Ask the pool behind a `fastcgi_pass` what it runs."""
    exchange.split = None
    parameters = _parameters(exchange)
    target = exchange.text(exchange.expand(directive.args[0]), "the address that fastcgi_pass hands to")
    members = exchange.fixed.http.tables.servers_of(target)
    answers = [_ask(exchange, directive, address, parameters) for address in ([target] if members is None else members)]
    if not answers:
        return Status(502, f"upstream {target} has no server in use", directive.place)
    for wanted in (True, None):
        for answer in answers:
            if isinstance(answer, Answer) and answer.verdict.executes is wanted:
                return answer
    return answers[0]


def _ask(exchange: Exchange, directive: Directive, address: str, parameters: dict[str, str]) -> Answer | Status:
    fixed = exchange.fixed
    if address.startswith("unix:") and ":" in address[5:]:
        return Status(502, f"there is no socket {address[5:]}", directive.place)
    try:
        answer = fixed.fpm.answer(address, parameters, fixed.files)
        script = None if answer.script is None else fixed.files.real(answer.script)
        wanted = fixed.files.real(fixed.request.script)
    except OSError as error:
        return Answer(Verdict(None, f"{error.filename or directive}: {error.strerror or error}", f"fpm {address}", directive.place))
    handler = f"fpm {address}"
    if answer.undecided:
        return Answer(Verdict(None, answer.reason, handler, answer.place or directive.place))
    if script is None:
        nobody = fixed.fpm.pool_at(address) is None
        return Status(502 if nobody else answer.status, answer.reason, answer.place or directive.place)
    if script != wanted:
        return Answer(
            Verdict(executes=False, reason=f"{script} runs instead, not the uploaded file", handler=handler, place=directive.place)
        )
    reason = f"{directive} in {exchange.scope} hands the file to PHP"
    return Answer(Verdict(executes=True, reason=reason, handler=handler, place=directive.place))


def _parameters(exchange: Exchange) -> dict[str, str]:
    """The parameters in effect; the last of a name counts, as PHP-FPM takes them. Those of a client's headers are left out."""
    found: dict[str, str] = {}
    for directive in exchange.scope.values("fastcgi_param"):
        if len(directive.args) < 2:
            continue
        name, text, *options = directive.args
        value = exchange.expand(text)
        if options and not value.text and value.unknown is None:
            continue
        found[name] = exchange.text(value, f"{name} of {directive.place}") if name in _DECISIVE else value.text
    return found
