"""What pam_pwquality demands of a new password: pwquality.conf(5), pam_pwquality(8), libpwquality 1.4.

The files of pwquality.conf.d come first, by name, then pwquality.conf, then the module's arguments; the last word counts. A line that
cannot be read ends the reading, and then nobody can say what the module does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit_plugins.accounts.option_file import ON, argument, integer, options
from hardaudit_plugins.accounts.setting import Setting

if TYPE_CHECKING:
    from hardaudit.target.table import TableContext
    from hardaudit_plugins.accounts.pam import Module

ORIGIN = "pwquality"

_FILE = "/etc/security/pwquality.conf"
_NUMBERS = {
    "difok": 1,
    "minlen": 8,
    "dcredit": 0,
    "ucredit": 0,
    "lcredit": 0,
    "ocredit": 0,
    "minclass": 0,
    "maxrepeat": 0,
    "maxclassrepeat": 0,
    "maxsequence": 0,
    "gecoscheck": 0,
    "dictcheck": 1,
    "usercheck": 1,
    "usersubstr": 0,
    "enforcing": 1,
    "retry": 1,
}
_FLAGS = frozenset({"enforce_for_root", "local_users_only"})
_TEXTS = frozenset({"badwords", "dictpath"})
_LEAST_LENGTH, _CLASSES = 6, 4


def settings(context: TableContext, service: str, module: Module) -> list[Setting]:
    """What is in force for one line of a stack."""
    found = {name: Setting(ORIGIN, service, name, str(value), None, None) for name, value in _NUMBERS.items()}
    for path in _files(context):
        if not _read(context, path, service, found):
            break
    for text in module.arguments:
        name, value = argument(text)
        effective = _effective(name, value)
        if effective is not None:
            found[name] = Setting(ORIGIN, service, name, effective, module.source, module.line)
        elif name in _NUMBERS:
            context.gap(GapReason.UNDECIDABLE, f"{module.source}:{module.line}: {name} of pam_pwquality has a value that is no number")
    return [found[name] for name in sorted(found)]


def _files(context: TableContext) -> list[str]:
    directory = f"{_FILE}.d"
    names = (name for name in context.list_directory(directory, optional=True) if name.endswith(".conf"))
    return [*(f"{directory}/{name}" for name in names), _FILE]


def _read(context: TableContext, path: str, service: str, found: dict[str, Setting]) -> bool:
    """Put a file's settings into `found`; false when the library would stop here."""
    for number, name, value in options(context, context.read_text(path, optional=True) or ""):
        effective = _effective(name, value)
        if effective is None:
            context.gap(GapReason.UNDECIDABLE, f"{path}:{number}: pam_pwquality cannot read this line, and does without what follows")
            return False
        found[name] = Setting(ORIGIN, service, name, effective, path, number)
    return True


def _effective(name: str, value: str) -> str | None:
    """The value that the library makes of a setting; None for one that it refuses."""
    if name in _FLAGS:
        return ON
    if name in _TEXTS:
        return value
    number = integer(value)
    if name not in _NUMBERS or number is None:
        return None
    if name == "minlen":
        number = max(number, _LEAST_LENGTH)
    return str(min(number, _CLASSES) if name == "minclass" else number)
