"""A real osquery as the source of its tables: through its extension socket, an osqueryd of our own, or osqueryi."""
