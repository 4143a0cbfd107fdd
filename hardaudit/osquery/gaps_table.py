"""The table in which hardaudit's extension of an osqueryd tells what its tables could not read."""

from __future__ import annotations

from hardaudit.model.table import BIGINT, TEXT, Column, TableSpec

GAPS = TableSpec(
    name="hardaudit_gaps",
    description="What the tables of this extension could not read when a query last read them.",
    source="the extension itself",
    columns=(
        Column("table_name", TEXT, "The table that was read", index=True),
        Column("reason", TEXT, "permission_denied, missing_source, stale_data, truncated, timeout, unsupported or undecidable"),
        Column("detail", TEXT, "What could not be read, and why"),
        Column("time", BIGINT, "When it was met last, Unix seconds UTC"),
    ),
    examples=("SELECT table_name, reason, detail FROM hardaudit_gaps",),
)
"""Of the extension; what is exported to osquery reads it."""
