"""A request on its way through the server: what mod_rewrite and expressions see of it, and what else is settled."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hardaudit_plugins.web.apache.request_state import RequestEnvironment, RequestState

if TYPE_CHECKING:
    from hardaudit_plugins.web.apache.known_text import Text
    from hardaudit_plugins.web.files import Files
    from hardaudit_plugins.web.verdict import Place


@dataclass(slots=True)
class State:
    """`seen`: the request as expressions see it. `forced_handler` and `forced_type`: by H= and T= of a RewriteRule, with its line.

    `is_script_alias`: it was mapped by ScriptAlias. `alias_directory`: what an alias mapped it to, with a slash at the end.
    """

    seen: RequestState
    variables: dict[str, Text | str]
    forced_handler: tuple[str, Place | None] | None = None
    forced_type: tuple[str, Place | None] | None = None
    is_script_alias: bool = False
    alias_directory: str = ""

    @classmethod
    def of(cls, seen: RequestState) -> State:
        """At the beginning of a pass."""
        variables = dict(seen.environment)
        return cls(replace(seen, environment=variables), variables)

    @property
    def uri(self) -> str:
        """Path of the URL."""
        return self.seen.uri

    @property
    def filename(self) -> str:
        """The file that it is mapped to, without path info."""
        return self.seen.filename

    @property
    def path_info(self) -> str:
        """What follows the file's name."""
        return self.seen.path_info

    def environment(self, files: Files) -> RequestEnvironment:
        """For expressions; they are asked before a handler is chosen."""
        return RequestEnvironment(self.seen, files, "cgi-script" if self.is_script_alias else "")

    def map_to(self, filename: str, path_info: str) -> None:
        """The file is known."""
        self.seen = replace(self.seen, filename=filename, path_info=path_info)

    def set_variables(self, variables: dict[str, Text | str]) -> None:
        """Replace the environment."""
        self.variables = variables
        self.seen = replace(self.seen, environment=variables)

    def redirected(self, uri: str, query: str | None, query_unknown: str = "", *, ended: bool = False) -> State:
        """After an internal redirect."""
        return State.of(self.seen.redirected(uri, query, query_unknown, self.variables, ended=ended))
