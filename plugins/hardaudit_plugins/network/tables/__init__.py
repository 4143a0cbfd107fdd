"""The tables of the domain `network`, a module each."""
