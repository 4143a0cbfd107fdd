"""`osquery_info`: who answers the queries."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import psutil

from hardaudit import __version__
from hardaudit.model.table import INTEGER, TEXT, Column, TableSpec
from hardaudit.target.table import Table
from hardaudit_plugins.base.hardware import machine_uuid

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext

SPEC = TableSpec(
    name="osquery_info",
    description="One row about the program that answers: hardaudit's embedded source, marked in build_distro, with its own version.",
    source="the running hardaudit",
    columns=(
        Column("pid", INTEGER, "Process ID of the auditor"),
        Column("uuid", TEXT, "Firmware UUID of the machine under audit; NULL where it has none or for a root directory", collate="nocase"),
        Column("instance_id", TEXT, "Always empty: the embedded source keeps no state between runs"),
        Column("version", TEXT, "hardaudit's version", collate="version"),
        Column("config_hash", TEXT, "Always empty: the embedded source has no configuration", collate="nocase"),
        Column("config_valid", INTEGER, "Always 1"),
        Column("extensions", TEXT, "Always inactive: there are no osquery extensions"),
        Column("build_platform", TEXT, "Always linux"),
        Column("build_distro", TEXT, "Always hardaudit: the mark of the embedded source"),
        Column("start_time", INTEGER, "When the auditor was started, in Unix seconds"),
        Column("watcher", INTEGER, "Always -1: no process watches the auditor"),
        Column("platform_mask", INTEGER, "osquery's mask of platforms: 9, POSIX and Linux"),
    ),
    examples=("SELECT version, build_distro FROM osquery_info WHERE build_distro = 'hardaudit'",),
    osquery=True,
)

_POSIX, _LINUX = 1, 8


def generate(context: TableContext) -> Iterator[Row]:
    """The row."""
    yield {
        "pid": os.getpid(),
        "uuid": machine_uuid(context.target) if context.target.live else None,
        "instance_id": "",
        "version": __version__,
        "config_hash": "",
        "config_valid": 1,
        "extensions": "inactive",
        "build_platform": "linux",
        "build_distro": "hardaudit",
        "start_time": _start_time(),
        "watcher": -1,
        "platform_mask": _POSIX | _LINUX,
    }


def _start_time() -> int:
    """When this process was started; now, where /proc hides it."""
    try:
        return int(psutil.Process().create_time())
    except (psutil.Error, OSError):
        return int(time.time())


TABLE = Table(SPEC, generate)
