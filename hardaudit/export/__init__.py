"""Checks written down for other engines: osquery's packs, Fleet's policies."""
