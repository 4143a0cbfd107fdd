"""Files like .user.ini, from the document root down to the script (php_cgi_ini_activate_user_config of FPM and php-cgi)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit_plugins.web.php.ini_scanner import IniSyntaxError, parse_ini
from hardaudit_plugins.web.php.script import UndecidedError

if TYPE_CHECKING:
    from hardaudit_plugins.web.files import Files


def user_ini_directories(directory: str, docroot: str | None) -> list[str]:
    """The directories whose file counts for a script in `directory` (with a slash at its end), the outermost first.

    None is without a document root; outside of it, the script's directory alone counts.
    """
    if docroot is None:
        return []
    root = docroot.removesuffix("/")
    if not directory.startswith(root):
        return [directory.rstrip("/") or "/"]
    return [directory[:index] or "/" for index in range(len(root), len(directory)) if directory[index] == "/"]


def user_ini_values(setting: str, paths: list[str], files: Files) -> list[str]:
    """The values that the files at `paths` give a setting. Raises UndecidedError for `${…}` in one, OSError as `Files` does."""
    found: list[str] = []
    for path in paths:
        if not files.is_file(path):
            continue
        try:
            for statement in parse_ini(files.read_text(path), lambda _: None, lambda: None):
                if statement.kind == "entry" and statement.name == setting and statement.value is not None:
                    if statement.unresolved is not None:
                        raise UndecidedError(f"{path}:{statement.line} has {statement.unresolved}, whose value is not known")
                    found.append(statement.value)
        except IniSyntaxError:
            continue  # PHP ignores the rest of the file
    return found
