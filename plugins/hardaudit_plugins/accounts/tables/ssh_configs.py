"""`ssh_configs`: how accounts use the SSH client."""

from __future__ import annotations

import fnmatch
import string
from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit.model.table import BIGINT, TEXT, Column, TableSpec
from hardaudit.target.table import Table
from hardaudit_plugins.accounts.homes import homes
from hardaudit_plugins.accounts.lines import LONGEST_DIRECTIVE, SPACE, numbered

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext

SPEC = TableSpec(
    name="ssh_configs",
    description="Options of the SSH client, in lower case with their block: of the accounts, and of the system under user ID 0.",
    source="~/.ssh/config and /etc/ssh/ssh_config, ssh_config(5); files that they include are a gap",
    columns=(
        Column("uid", BIGINT, "User ID of the account; 0 for the system's file", additional=True),
        Column("block", TEXT, "The host or match line above the option; empty before the first"),
        Column("option", TEXT, "The option and its value in lower case"),
        Column("ssh_config_file", TEXT, "File with the option"),
    ),
    examples=("SELECT c.uid, c.block, c.option FROM users u JOIN ssh_configs c USING (uid)",),
    osquery=True,
    notes="Without a constraint on uid osquery shows the options of its own user only; here it shows all.",
)

_SYSTEM = "/etc/ssh/ssh_config"
_ROOT = 0
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def generate(context: TableContext) -> Iterator[Row]:
    """The options of each account, then those of the system."""
    for home in homes(context):
        yield from _options(context, home.uid, home.path(".ssh/config"))
    if context.constraints.permits("uid", _ROOT):
        yield from _options(context, _ROOT, _SYSTEM)


def _options(context: TableContext, uid: int, path: str) -> Iterator[Row]:
    block = ""
    for number, untrimmed in numbered(context, context.read_text(path, optional=True) or ""):
        line = untrimmed.strip(SPACE)
        option = line.translate(_LOWER)
        if not option or option.startswith("#"):
            continue
        if option.startswith("include") and len(option) > LONGEST_DIRECTIVE:
            context.gap(GapReason.TRUNCATED, f"{path}:{number}: includes more than can be looked at")
        elif option.startswith("include"):
            _report_include(context, path, number, line)
        if option.startswith(("host ", "match ")):
            block = option
        else:
            yield {"uid": uid, "block": block, "option": option, "ssh_config_file": path}


def _report_include(context: TableContext, path: str, number: int, line: str) -> None:
    """Record a gap for each pattern of an Include that may name a file; relative ones are of the directory of the including file."""
    home = path.rpartition("/")[0]
    for word in line.replace("=", " ").replace('"', " ").split()[1:]:
        pattern = word if word.startswith("/") else f"{home}/{word.removeprefix('~/.ssh/')}"
        directory, _, name = pattern.rpartition("/")
        if _has_wildcard(directory) or any(
            fnmatch.fnmatchcase(found, name) for found in context.list_directory(directory or "/", optional=True)
        ):
            context.gap(GapReason.UNSUPPORTED, f"{path}:{number}: includes {word}, which is not read")


def _has_wildcard(text: str) -> bool:
    return any(character in text for character in "*?[")


TABLE = Table(SPEC, generate)
