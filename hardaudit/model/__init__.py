"""Frozen values without I/O: what a table, a check, a policy, a finding and a result are."""
