"""The built-in plugins: a package a domain, with its tables and checks. They use the hooks that anyone's plugin uses."""
