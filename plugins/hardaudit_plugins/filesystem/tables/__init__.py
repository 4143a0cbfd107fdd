"""The domain's tables, a module each."""
