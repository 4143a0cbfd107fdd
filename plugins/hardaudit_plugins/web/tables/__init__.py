"""The tables of the domain web, one file each."""
