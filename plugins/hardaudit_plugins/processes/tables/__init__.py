"""The tables of the domain `processes`, a module each."""
