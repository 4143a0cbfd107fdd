"""hardaudit's tables served to an osqueryd, as an extension of it."""
