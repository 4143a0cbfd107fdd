"""A module for each table of the domain `persistence`."""
