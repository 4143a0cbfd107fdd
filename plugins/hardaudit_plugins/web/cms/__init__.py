"""Content management systems, recognised by their own version files."""
