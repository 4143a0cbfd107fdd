"""Apache httpd: its configuration, and what it does with a request."""
