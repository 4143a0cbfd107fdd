"""The tables of the domain accounts, a module each."""
