"""Tables of the domain `base`, a module each."""
