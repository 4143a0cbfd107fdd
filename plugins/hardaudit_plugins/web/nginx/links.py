"""Whether nginx may open a file that lies behind symbolic links: `disable_symlinks`.

Source: ngx_http_set_disable_symlinks(), ngx_open_file_wrapper().
"""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hardaudit_plugins.web.nginx.exchange import Exchange


def may_open(exchange: Exchange, path: str) -> bool:
    """Whether no forbidden link is on the way. Raises OSError when that cannot be seen, UndecidedRequestError as texts do."""
    directive = exchange.scope.value("disable_symlinks")
    if directive is None or not directive.args or directive.args[0] == "off":
        return True
    trusted = ""
    for option in directive.args[1:]:
        if option.startswith("from="):
            trusted = exchange.text(exchange.expand(option.removeprefix("from=")), "the trusted part of disable_symlinks")
    position = len(trusted.rstrip("/")) if path.startswith(trusted) else 0
    while (position := path.find("/", position)) >= 0:
        position += 1
        end = path.find("/", position)
        part = path if end < 0 else path[:end]
        if part and not part.endswith("/") and _is_forbidden(exchange, part, only_of_others=directive.args[0] == "if_not_owner"):
            return False
    return True


def _is_forbidden(exchange: Exchange, path: str, *, only_of_others: bool) -> bool:
    target = exchange.fixed.files.target
    try:
        link = target.lstat(path)
        if not stat.S_ISLNK(link.st_mode):
            return False
        return not only_of_others or target.stat(path).st_uid != link.st_uid
    except (FileNotFoundError, NotADirectoryError):
        return False
