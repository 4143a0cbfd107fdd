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


def plain_texts(site: Site, directory: str, fpm: Fpm) -> Iterator[str]:
    """Texts of a .htaccess file that hand files to PHP, switch its engine on or grant access, as they are found on servers, and no more."""
    proxies = [_handler_of(pool.listen) for pool in fpm.pools]
    engine, grant = _OPENERS[:2]
    texts = [*_HANDLERS, engine, f"{engine}\n{_HANDLERS[0]}", grant, *proxies, *(f"{proxy}\n{grant}" for proxy in proxies)]
    yield from site.access_texts(directory, [*texts, *map(_for_files, texts)])


def crafted_texts(site: Site, directory: str, fpm: Fpm) -> Iterator[str]:
    """Texts that are made of every line the server takes there: those that take protections back in each combination with a handler.

    Each line by itself first; then the handlers with what opens, one and all; and the same for files, which are merged after directories.
    """
    handlers = list(site.access_texts(directory, [*_HANDLERS, *(_handler_of(pool.listen) for pool in fpm.pools)]))
    openers = list(site.access_texts(directory, _OPENERS))
    texts = [*handlers, *openers]
    for handler in handlers:
        texts += [f"{opener}\n{handler}" for opener in openers]
        texts.append("\n".join((*openers, handler)))
    texts.append("\n".join(openers))
    for text in dict.fromkeys(text for text in texts if text):
        yield text
        yield _for_files(text)


def _for_files(text: str) -> str:
    """The same for files by their names; what mod_rewrite says stays outside."""
    lines = text.split("\n")
    outside = "".join(f"{line}\n" for line in lines if line.startswith("Rewrite"))
    inside = "\n".join(line for line in lines if not line.startswith("Rewrite"))
    return f'{outside}<FilesMatch "\\.(jpg|php)$">\n{inside}\n</FilesMatch>' if inside else text


def _handler_of(listen: str) -> str:
    address = f"{listen}|fcgi://localhost" if listen.startswith("unix:") else f"fcgi://{listen}"
    return f'SetHandler "proxy:{address}"'
