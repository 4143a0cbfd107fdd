"""The tables of the domain `ssh`, a module each."""
