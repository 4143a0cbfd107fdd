"""`known_hosts`: the servers whose keys an account has accepted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model.table import BIGINT, TEXT, Column, TableSpec
from hardaudit.target.table import Table
from hardaudit_plugins.accounts.homes import homes
from hardaudit_plugins.accounts.lines import SPACE, numbered

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext

SPEC = TableSpec(
    name="known_hosts",
    description="Host keys that accounts have accepted: where an intruder would go on to. Of every account, or of those that are named.",
    source="~/.ssh/known_hosts, sshd(8)",
    columns=(
        Column("uid", BIGINT, "User ID of the account", index=True),
        Column("key", TEXT, "The whole line: hosts, possibly hashed, then type and key"),
        Column("key_file", TEXT, "File with the line"),
    ),
    examples=("SELECT u.username, k.key FROM users u JOIN known_hosts k USING (uid)",),
    osquery=True,
    notes="Without a constraint on uid osquery shows the hosts of its own user only; here it shows all.",
)


def generate(context: TableContext) -> Iterator[Row]:
    """A row for each line that is neither empty nor a comment."""
    for home in homes(context):
        path = home.path(".ssh/known_hosts")
        for _, line in numbered(context, context.read_text(path, optional=True) or ""):
            key = line.strip(SPACE)
            if key and not key.startswith("#"):
                yield {"uid": home.uid, "key": key, "key_file": path}


TABLE = Table(SPEC, generate)
