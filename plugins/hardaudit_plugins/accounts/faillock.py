"""When pam_faillock locks an account out: faillock.conf(5), pam_faillock(8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit_plugins.accounts.option_file import ON, argument, integer, options
from hardaudit_plugins.accounts.setting import Setting

if TYPE_CHECKING:
    from hardaudit.target.table import TableContext
    from hardaudit_plugins.accounts.pam import Module

ORIGIN = "faillock"

_FILE = "/etc/security/faillock.conf"
_NUMBERS = {"deny": 3, "fail_interval": 900, "unlock_time": 600, "root_unlock_time": None}
_FLAGS = frozenset({"even_deny_root", "audit", "silent", "no_log_info", "local_users_only", "nodelay"})
_TEXTS = frozenset({"dir", "admin_group"})
_ACTIONS = frozenset({"preauth", "authfail", "authsucc", "conf"})


def settings(context: TableContext, service: str, module: Module) -> list[Setting]:
    """What is in force for one line of a stack: the built-in default, the file, the module's arguments; the last word counts."""
    found = {name: Setting(ORIGIN, service, name, str(value), None, None) for name, value in _NUMBERS.items() if value is not None}
    arguments = [argument(text) for text in module.arguments]
    path = dict(arguments).get("conf") or _FILE
    for number, name, value in options(context, context.read_text(path, optional=True) or ""):
        _put(context, found, Setting(ORIGIN, service, name, value, path, number))
    for name, value in arguments:
        if name not in _ACTIONS:
            _put(context, found, Setting(ORIGIN, service, name, value, module.source, module.line))
    return [found[name] for name in sorted(found)]


def _put(context: TableContext, found: dict[str, Setting], setting: Setting) -> None:
    effective = _effective(setting.name, setting.value)
    if effective is None:
        context.gap(GapReason.UNSUPPORTED, f"{setting.source}:{setting.line}: no setting of pam_faillock")
    else:
        found[setting.name] = setting.with_value(setting.name, effective)


def _effective(name: str, value: str) -> str | None:
    """The value in force; `never` is 0 seconds, which unlocks never."""
    if name in _FLAGS:
        return ON
    if name in _TEXTS:
        return value
    if name not in _NUMBERS:
        return None
    number = 0 if value == "never" else integer(value)
    return None if number is None or number < 0 else str(number)
