"""Policies and checks as files: loaded, extended, resolved, and refused with every fault named."""
