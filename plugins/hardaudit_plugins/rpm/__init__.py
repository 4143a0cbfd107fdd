"""What rpm keeps of the packages it installed; more than one domain asks it."""
