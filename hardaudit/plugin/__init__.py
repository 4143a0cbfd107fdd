"""Plugins: the hooks they implement, how they are found, and why one is refused."""
