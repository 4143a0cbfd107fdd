"""Directives that stand where the server does not take them, in its configuration.

Source: the checks of `req_override` in server/config.c and of `ap_check_cmd_context` in server/core.c, httpd 2.4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit_plugins.web.apache.directive_table import directives
from hardaudit_plugins.web.apache.words import lower

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit_plugins.web.apache.tree import Node

_DIRECTORY_SECTIONS = frozenset(
    {*("<directory", "<directorymatch", "<location", "<locationmatch"), *("<files", "<filesmatch", "<if", "<elseif", "<else")}
)
_WITHOUT_PLACE = frozenset({"<limit", "<limitexcept", "<requireall", "<requireany", "<requirenone"})
"""Sections in which the same is allowed as around them."""


def misplaced(nodes: list[Node], around: str = "server") -> Iterator[Node]:
    """The directives and sections that are not allowed in `around`: `server`, `host` or `directory`. Other sections are not looked into."""
    for node in nodes:
        name = lower(node.spelled)
        spec = directives().get(name)
        if spec is None:
            continue
        allowed = spec.directory if around == "directory" else spec.server
        if not allowed or (name == "<virtualhost" and around != "server"):
            yield node
        elif node.children:
            if name in _DIRECTORY_SECTIONS:
                yield from misplaced(node.children, "directory")
            elif name == "<virtualhost":
                yield from misplaced(node.children, "host")
            elif name in _WITHOUT_PLACE:
                yield from misplaced(node.children, around)
