"""What an attacker writes into an uploaded .htaccess file."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit_plugins.web.php.fpm import Fpm
    from hardaudit_plugins.web.site import Site

_HANDLERS = (
    "SetHandler application/x-httpd-php",
    "AddHandler application/x-httpd-php .jpg .php",
    "AddType application/x-httpd-php .jpg .php",
)
_OPENERS = ("php_flag engine on", "Require all granted", "Order allow,deny\nAllow from all", "RewriteEngine Off")
"""Each takes one kind of protection back that stands further up."""


def takeover_texts(site: Site, directory: str, fpm: Fpm) -> Iterator[str]:
    """Texts of a .htaccess file in a directory, the simplest first, made of the lines that the server takes there.

    Each line by itself; then the handlers with everything that opens; and the same for single files, which are merged after directories.
    """
    handlers = [*_HANDLERS, *(_handler_of(pool.listen) for pool in fpm.pools)]
    handlers = list(site.access_lines(directory, handlers))
    openers = list(site.access_lines(directory, _OPENERS))
    texts = [*handlers, *openers]
    for handler in handlers:
        texts += [f"{opener}\n{handler}" for opener in openers]
        texts.append("\n".join((*openers, handler)))
    texts.append("\n".join(openers))
    for text in dict.fromkeys(text for text in texts if text):
        yield text
        inside = "\n".join(line for line in text.split("\n") if not line.startswith("Rewrite"))
        outside = "\n".join(line for line in text.split("\n") if line.startswith("Rewrite"))
        if inside:
            yield f'{outside}\n<FilesMatch "\\.(jpg|php)$">\n{inside}\n</FilesMatch>'.lstrip("\n")


def _handler_of(listen: str) -> str:
    address = f"{listen}|fcgi://localhost" if listen.startswith("unix:") else f"fcgi://{listen}"
    return f'SetHandler "proxy:{address}"'
