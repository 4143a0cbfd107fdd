"""The file by which osqueryd starts the extension itself ("autoload")."""

from __future__ import annotations

import contextlib
import os
import secrets
import shlex
import stat
import sys

from hardaudit.errors import HardauditError
from hardaudit.extension.errors import ExtensionError
from hardaudit.extension.manager import NAME
from hardaudit.plugin.trust import refuse_unless_trusted

LOAD_FILE = "/etc/osquery/extensions.load"

_SUFFIX = ".ext"  # osqueryd loads no other (isFileSafe in osquery/extensions/extensions.cpp)


def write_launcher(path: str) -> str:
    """Write the launcher; its absolute path. Raises ExtensionError for a file that osqueryd would not load or that cannot be written."""
    path = os.path.abspath(path)
    directory = os.path.dirname(path)
    if not path.endswith(_SUFFIX):
        raise ExtensionError(f"{path}: osqueryd loads only files that end in {_SUFFIX}")
    program = _program()
    for place in (directory, program[0]):
        _refuse_unless_safe(place)
    try:
        _replace(path, f'#!/bin/sh\nexec {shlex.join(program)} osquery-extension "$@"\n')
    except OSError as error:
        raise ExtensionError(f"cannot write {path}: {error.strerror}") from error
    return path


def instructions(path: str) -> str:
    """What an administrator writes where, for osqueryd to load the launcher."""
    return f"""{path} is written. For osqueryd to load it,

add to {LOAD_FILE}:
{path}

add to /etc/osquery/osquery.flags:
--extensions_autoload={LOAD_FILE}
--extensions_timeout=10
--extensions_interval=3
--extensions_require={NAME}

and restart osqueryd. It serves the tables when the table osquery_extensions lists {NAME}.
"""


def _program() -> list[str]:
    """How this program is started, wherever the shell is then and whatever its PATH."""
    script = os.path.join(os.path.dirname(os.path.abspath(sys.executable)), "hardaudit")
    return [script] if os.access(script, os.X_OK) else [os.path.abspath(sys.executable), "-m", "hardaudit"]


def _refuse_unless_safe(place: str) -> None:
    """Raise ExtensionError for a place in which others could put another file; osqueryd looks at the directory too (safePermissions)."""
    try:
        mode = os.stat(place).st_mode
    except OSError as error:
        raise ExtensionError(f"{place}: {error.strerror}") from error
    if mode & (stat.S_IWOTH | stat.S_IWGRP):
        raise ExtensionError(f"{place}: others may write it (mode {stat.S_IMODE(mode):04o}), so osqueryd would not load what is there")
    try:
        refuse_unless_trusted(place)
    except HardauditError as error:
        raise ExtensionError(f"the launcher is not written: {error}") from error


def _replace(path: str, text: str) -> None:
    """Whole, or not at all; for everyone to run and its owner to write."""
    temporary = f"{path}.{secrets.token_hex(8)}"
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o700)
    try:
        with os.fdopen(fd, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fchmod(fd, 0o755)
            os.fsync(fd)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
