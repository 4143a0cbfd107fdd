"""A request on its way through Apache, as mod_rewrite and expressions see it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from hardaudit_plugins.web.apache.expr_functions import escape
from hardaudit_plugins.web.apache.known_text import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hardaudit_plugins.web.files import Files

FIXED_VERSION = (2, 4, 60)
"""Since then mod_rewrite refuses question marks from the URL, and paths that begin with what the client sent."""
LOOPBACK = "127.0.0.1"
"""Where a plain request comes from."""


@dataclass(frozen=True, slots=True)
class RequestState:
    """A request. Paths are decoded, in `host_text`'s spelling.

    `uri`: the path that is asked for, of an internal redirect the new one. `filename`: the file that it was mapped to, without the path
    info; empty before that (server context). `query`: None without one; `query_unknown` says why it is not known. `requested`: path of the
    request line, `uri` unless there was an internal redirect. `host`: the Host header. `server_name`, `port`: what `%{SERVER_NAME}` and
    `%{SERVER_PORT}` are. `context_document_root` and `context_prefix`: of the Alias that mapped it; the document root and empty without
    one. `https`: None where it is not known. `environment`: the variables that are set.
    `ended`: a rule with the flag END matched in this request (an internal redirect keeps it): no rule is applied any more.
    `address`: the client's. `host_names`: every name that leads to this site, `named_port`: the port in its ServerName, 0 without one, None
    where that is not known: both for the reduction of `http://ourselves/…` to a path. `version`: of the server; before 2.4.60 nobody knows
    whether a distribution has brought the security fixes of that version to mod_rewrite.
    """

    uri: str
    document_root: str
    host: str
    filename: str = ""
    path_info: str = ""
    query: str | None = None
    query_unknown: str = ""
    requested: str = ""
    method: str = "GET"
    server_name: str = ""
    port: int = 80
    https: bool | None = False
    context_prefix: str = ""
    context_document_root: str = ""
    server_admin: str | None = None
    environment: Mapping[str, Text | str] = field(default_factory=dict)
    subrequest: bool = False
    ended: bool = False
    host_names: frozenset[str] = frozenset()
    named_port: int | None = None
    address: str = LOOPBACK
    version: tuple[int, int, int] = FIXED_VERSION

    @property
    def scheme(self) -> str | None:
        """`http` or `https`; None where it is not known."""
        return None if self.https is None else "https" if self.https else "http"

    def redirected(
        self, uri: str, query: str | None, query_unknown: str, environment: Mapping[str, Text | str], *, ended: bool
    ) -> RequestState:
        """After an internal redirect (ap_internal_redirect): a new request whose environment has REDIRECT_ before its names."""
        renamed: dict[str, Text | str] = {f"REDIRECT_{name}": value for name, value in environment.items()}
        renamed["REDIRECT_STATUS"] = "200"
        return replace(
            self,
            uri=uri,
            query=query,
            query_unknown=query_unknown,
            filename="",
            path_info="",
            requested=self.requested or self.uri,
            context_prefix="",
            context_document_root="",
            environment=renamed,
            ended=ended or self.ended,
        )


class RequestEnvironment:
    """A request for expressions: implements `expr.Environment`. `handler` is the one set so far, None where it is not known."""

    def __init__(self, state: RequestState, files: Files, handler: str | None = None) -> None:
        self.state = state
        self.files = files
        self._handler = handler

    def variable(self, name: str) -> str | None:
        """See `expr.Environment`."""
        state = self.state
        if name.startswith("SSL_"):
            return "" if state.https is False else None
        if name == "QUERY_STRING" and state.query_unknown:
            return None
        if name in ("REMOTE_ADDR", "CONN_REMOTE_ADDR", "REMOTE_HOST"):
            return state.address
        value = _PLAIN.get(name)
        return _of_state(name, state, self._handler) if value is None else value

    def header(self, name: str) -> str:
        """See `expr.Environment`."""
        return self.state.host if name.lower() == "host" else ""

    def environment(self, name: str) -> str | None:
        """See `expr.Environment`."""
        text = environment_of(self.state.environment, name)
        return None if text.unknown or text.client else text.value


_PLAIN = {
    "REMOTE_USER": "",
    "REMOTE_IDENT": "",
    "AUTH_TYPE": "",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "IPV6": "off",
    "HTTP2": "off",
}


def _of_state(name: str, state: RequestState, handler: str | None) -> str | None:
    values = {
        "REQUEST_URI": state.uri,
        "REQUEST_FILENAME": state.filename,
        "SCRIPT_FILENAME": state.filename,
        "PATH_INFO": state.path_info,
        "QUERY_STRING": state.query or "",
        "REQUEST_METHOD": state.method,
        "REQUEST_SCHEME": state.scheme,
        "THE_REQUEST": request_line(state),
        "SERVER_NAME": state.server_name or state.host,
        "SERVER_PORT": str(state.port),
        "SERVER_ADMIN": state.server_admin,
        "DOCUMENT_ROOT": state.document_root,
        "CONTEXT_PREFIX": state.context_prefix,
        "CONTEXT_DOCUMENT_ROOT": state.context_document_root or state.document_root,
        "HTTPS": None if state.https is None else "on" if state.https else "off",
        "IS_SUBREQ": "true" if state.subrequest else "false",
        "HANDLER": handler,
        "DOCUMENT_URI": state.uri,
    }
    return values.get(name)


_OF_SYSTEM = frozenset(
    {"PATH", "HOME", "LANG", "LANGUAGE", "USER", "LOGNAME", "SHELL", "PWD", "TERM", "TZ", "TMPDIR"}
    | {"INVOCATION_ID", "JOURNAL_STREAM", "MAIL", "HOSTNAME", "NOTIFY_SOCKET"}
)


def request_line(state: RequestState) -> str:
    """The first line of the request, its path escaped as browsers do."""
    query = f"?{state.query}" if state.query is not None and not state.requested else ""
    return f"{state.method} {escape(state.requested or state.uri)}{query} HTTP/1.1"


def environment_of(environment: Mapping[str, Text | str], name: str) -> Text:
    """A variable. The server's own environment is looked at too: of names that systems put there it is not known whether they are set."""
    for set_name, value in environment.items():
        if set_name.lower() == name.lower():
            return value if isinstance(value, Text) else Text(value)
    if name.upper() not in _OF_SYSTEM and not name.upper().startswith(("APACHE_", "LC_", "XDG_", "SYSTEMD_")):
        return Text("")
    return Text("", unknown=f"whether the environment has {name}, and its value, is not known")
