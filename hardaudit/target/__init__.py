"""What is audited, a live host or a root directory, and the only way its files are read."""
