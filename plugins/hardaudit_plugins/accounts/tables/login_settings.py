"""`login_settings`: what governs logins and passwords."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit.model.table import INTEGER, TEXT, Column, TableSpec
from hardaudit.target.table import Table
from hardaudit_plugins.accounts import faillock, login_defs, pwquality
from hardaudit_plugins.accounts.option_file import argument
from hardaudit_plugins.accounts.pam import DIRECTORIES, service_path, stack
from hardaudit_plugins.accounts.setting import Setting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext
    from hardaudit_plugins.accounts.pam import Module

SPEC = TableSpec(
    name="login_settings",
    description=(
        "Settings that govern logins and passwords, as they are in force: a row a setting, built-in defaults included, and a row for each "
        "module of the PAM stacks that other services share. Settings of pam_pwquality and pam_faillock have rows only for stacks that run "
        "these modules."
    ),
    source=(
        "/etc/login.defs, login.defs(5); common-auth, common-password, system-auth, password-auth and their like in /etc/pam.d with what "
        "they include, pam.conf(5); /etc/security/pwquality.conf and pwquality.conf.d; /etc/security/faillock.conf"
    ),
    columns=(
        Column("origin", TEXT, "login.defs, pam, pwquality or faillock"),
        Column("service", TEXT, "The PAM stack for which it holds, such as common-password; NULL in login.defs"),
        Column(
            "setting",
            TEXT,
            "Name of the setting. Of origin pam: type.module, whose value is the control, and type.module.argument, "
            "such as password.pam_unix and password.pam_unix.yescrypt",
        ),
        Column("value", TEXT, "Value in force, numbers in decimal; 1 for a flag; the control of a module, such as required"),
        Column("source", TEXT, "File that sets it; NULL for a built-in default"),
        Column("line", INTEGER, "Line in the file; NULL for a built-in default"),
    ),
    examples=(
        "SELECT setting, value, source FROM login_settings WHERE origin = 'login.defs' AND setting LIKE 'PASS_%'",
        "SELECT service, setting, source, line FROM login_settings WHERE setting = 'auth.pam_unix.nullok'",
    ),
)

_SERVICES = (
    *("common-auth", "common-account", "common-password"),
    *("system-auth", "password-auth", "base-auth", "base-account", "base-password"),
)


def generate(context: TableContext) -> Iterator[Row]:
    """Settings by origin."""
    for setting in _settings(context):
        yield {
            "origin": setting.origin,
            "service": setting.service,
            "setting": setting.name,
            "value": setting.value,
            "source": setting.source,
            "line": setting.line,
        }


def _settings(context: TableContext) -> Iterator[Setting]:
    yield from login_defs.settings(context)
    services = [service for service in _SERVICES if service_path(context, service)]
    if not services:
        context.gap(GapReason.MISSING_SOURCE, f"{DIRECTORIES[0]}: none of {', '.join(_SERVICES)}: what PAM demands is not known")
    for service in services:
        for module in stack(context, service):
            yield from _of_module(context, service, module)


def _of_module(context: TableContext, service: str, module: Module) -> Iterator[Setting]:
    name = f"{module.type}.{module.name}"
    line = Setting("pam", service, name, module.control, module.source, module.line)
    yield line
    for text in module.arguments:
        option, value = argument(text)
        yield line.with_value(f"{name}.{option}", value if "=" in text else "1")
    if name == "password.pam_pwquality":
        yield from pwquality.settings(context, service, module)
    elif name == "auth.pam_faillock":
        yield from faillock.settings(context, service, module)


TABLE = Table(SPEC, generate)
