"""Names by which a fleet's results logs are understood: what an export writes, and `hardaudit fleet score` reads again."""

from __future__ import annotations

GAP_COLUMN = "hardaudit_gap"
"""The column that makes a row a gap, not a finding: what an exported query could not read."""

WAIVER_COLUMN = "hardaudit_waiver"
"""A column that exported queries add for who looks at the rows: the reason of a waiver. The policy decides, not what a host says of it."""

APPLIES = ":applies"
"""What follows a check's id in the name of the query that tells whether the check applies."""

PACK = "hardaudit-"
"""What the names of exported packs begin with; the policy's name follows."""
