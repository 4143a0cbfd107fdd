"""Tables of the domain `kernel`, a module each."""
