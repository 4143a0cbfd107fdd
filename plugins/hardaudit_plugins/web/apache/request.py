"""What Apache does with one request: the phases of ap_process_request_internal, and the internal redirects between passes.

Source: server/request.c, modules/http/http_request.c of httpd 2.4.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hardaudit_plugins.web.apache.access import Authorization, Client
from hardaudit_plugins.web.apache.envif import set_by_request, set_for_handlers
from hardaudit_plugins.web.apache.expr import ExprError, ExprSyntaxError
from hardaudit_plugins.web.apache.handling import Handling
from hardaudit_plugins.web.apache.known_text import is_set
from hardaudit_plugins.web.apache.pcre import BadPatternError, UndecidedError
from hardaudit_plugins.web.apache.refused import RefusedError
from hardaudit_plugins.web.apache.request_state import FIXED_VERSION, RequestState
from hardaudit_plugins.web.apache.rewrite_urls import normalized
from hardaudit_plugins.web.apache.rewriting import Rewriting
from hardaudit_plugins.web.apache.state import State
from hardaudit_plugins.web.apache.urls import Mapped, aliased, proxied, redirected, user_directories
from hardaudit_plugins.web.apache.virtual_root import virtual_path
from hardaudit_plugins.web.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hardaudit_plugins.web.apache.host_server import HostServer
    from hardaudit_plugins.web.apache.sections import Layer
    from hardaudit_plugins.web.apache.urls import Alias
    from hardaudit_plugins.web.apache.walk import Walked
    from hardaudit_plugins.web.choices import Choices
    from hardaudit_plugins.web.files import Files
    from hardaudit_plugins.web.site import Request

_MOST_REDIRECTS = 10  # LimitInternalRecursion
ANYONE = Client("198.51.100.7")
ITSELF = Client("127.0.0.1", "localhost")
"""Two clients stand for all: one from anywhere, whom no rule about addresses names, and the host itself."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One request of one client to one host, for one outcome of the open conditions."""

    server: HostServer
    request: Request
    files: Files
    choices: Choices
    client: Client

    def verdict(self) -> Verdict:  # noqa: PLR0911 one return an ending
        """Whether PHP runs the uploaded file."""
        state = self._first_state()
        try:
            for _ in range(_MOST_REDIRECTS + 1):
                outcome = self._pass(state)
                if isinstance(outcome, Verdict):
                    return outcome
                state = outcome
        except RefusedError as error:
            return Verdict(False, error.reason, place=error.place)
        except BadPatternError as error:
            return Verdict(False, f"the server answers 500, or does not start: {error.reason}")
        except UndecidedError as error:
            return Verdict(None, error.reason)
        except (ExprError, ExprSyntaxError) as error:
            return Verdict(False, f"the server answers 500: an expression of its configuration fails: {error}")
        except TimeoutError:
            return Verdict(None, "a wildcard takes longer than a second to match")
        except OSError as error:
            return Verdict(None, f"{error.filename}: {error.strerror}: what lies there decides")
        return Verdict(False, f"the server answers 500 after {_MOST_REDIRECTS} internal redirects")

    def _first_state(self) -> State:
        server, request = self.server, self.request
        return State.of(
            RequestState(
                normalized(request.path, clip=True) or "/",
                server.document_root,
                request.host,
                method=request.method,
                server_name=server.host.names[0] if server.host.names else request.host,
                port=server.port,
                https=server.speaks_tls,
                host_names=frozenset((*server.host.names, request.host)),
                address=self.client.address,
                named_port=server.named_port,
                version=server.configuration.version if server.configuration.version_known else FIXED_VERSION,
            )
        )

    def _pass(self, state: State) -> Verdict | State:
        """One pass: a verdict, or the state with which an internal redirect begins the next."""
        start = self.server.walker.start()
        self._set_variables(start.layers, state)
        mapped = self._translate(state)
        if isinstance(mapped, Verdict):
            return mapped
        if mapped.kind == "answer":
            return Verdict(False, mapped.target, place=mapped.place)
        if mapped.kind == "file":
            self._split_path_info(state, mapped.target)
        else:
            state.map_to(f"proxy:{mapped.target.removeprefix('proxy:')}", "")
        url = mapped.target.removeprefix("proxy:") if mapped.kind == "proxy" else None
        walked = self.server.walker.walk(state, self.files, self.choices, proxied=url)
        self._set_variables(walked.layers[len(start.layers) :], state)
        access = Authorization(walked.layers, state, self.files, self.client, self.choices, all_known=self.server.knows_providers).access()
        if not access.granted:
            return Verdict(False, f"the server refuses the request: {access.reason}", place=access.place)
        return self._fixups(state, mapped, walked)

    def _set_variables(self, layers: Sequence[Layer], state: State) -> None:
        if self.server.has("setenvif_module"):
            set_by_request(layers, state, self.files, self.choices)

    def _translate(self, state: State) -> Mapped | Verdict:  # noqa: PLR0911 one return a module
        if self.server.has("rewrite_module"):
            rewritten = Rewriting(self.server, self.files, self.choices).in_server(state)
            if rewritten is not None:
                return rewritten
        may_proxy = self.server.has("proxy_module") and not is_set(state.variables, "no-proxy", self.choices)
        if may_proxy and (found := proxied(state.uri, self.server.scopes)) is not None:
            return found
        if self.server.has("alias_module"):
            if (
                answer := redirected(state.uri, self.server.every("redirect", "redirectmatch", "redirectpermanent", "redirecttemp"))
            ) is not None:
                return answer
            if (found_alias := aliased(state.uri, self.server.scopes)) is not None:
                return self._by_alias(state, *found_alias)
        if self.server.has("userdir_module") and state.uri.startswith("/~") and (home := self._in_home(state.uri)) is not None:
            return home
        if self.server.has("vhost_alias_module") and (line := self.server.last("virtualdocumentroot")) is not None:
            root = virtual_path(line.words()[0], self.request.host, self.server.port)
            return Mapped("file", root.rstrip("/") + state.uri, line.place)
        return Mapped("file", self.server.document_root + state.uri, None)

    def _by_alias(self, state: State, path: str, alias: Alias) -> Mapped:
        state.is_script_alias = alias.is_script
        if not alias.is_pattern and path.startswith(directory := alias.target.rstrip("/") + "/"):
            state.alias_directory = directory
        if not alias.is_pattern:
            state.seen = replace(state.seen, context_prefix=alias.url, context_document_root=alias.target)
        return Mapped("file", self.server.absolute(path), alias.place)

    def _in_home(self, uri: str) -> Mapped | None:
        """Where `/~user/…` leads; None when UserDir has no place for it."""
        directories = user_directories(self.server.scopes)
        user, slash, rest = uri[2:].partition("/")
        if not directories.is_served(user):
            return None
        for place in directories.places:
            if place.startswith("/"):
                base = place.replace("*", user) if "*" in place else f"{place.rstrip('/')}/{user}"
            elif "://" in place:
                return Mapped("answer", "UserDir answers 302", directories.place)
            else:
                home = home_directory(self.files, user)
                if home is None:
                    continue
                base = f"{home}/{place}"
            if self.files.is_directory(base) or place == directories.places[-1]:
                return Mapped("file", base + slash + rest, directories.place)
        return None

    def _split_path_info(self, state: State, path: str) -> None:
        """The first file on the way is the file; what follows it is path info."""
        if self.files.is_file(path):
            state.map_to(path, "")
            return
        parts = path.split("/")
        for count in range(2, len(parts)):
            prefix = "/".join(parts[:count])
            if self.files.is_file(prefix):
                state.map_to(prefix, "/" + "/".join(parts[count:]))
                return
        if state.alias_directory and not self.files.is_directory(state.alias_directory):
            # The root under audit has no programs: the first name in their directory is taken for one.
            name, slash, rest = path[len(state.alias_directory) :].partition("/")
            state.map_to(state.alias_directory + name, slash + rest)
        else:
            state.map_to(path, "")

    def _fixups(self, state: State, mapped: Mapped, walked: Walked) -> Verdict | State:
        if self.server.has("rewrite_module") and mapped.kind == "file":
            rewritten = Rewriting(self.server, self.files, self.choices).in_directory(state, walked)
            if isinstance(rewritten, (Verdict, State)):
                return rewritten
            mapped = rewritten or mapped
        if self.server.has("alias_module"):
            inner = [directive for layer in walked.layers if layer.directory is not None for directive in layer.directives]
            if (answer := redirected(state.uri, inner)) is not None:
                return Verdict(False, answer.target, place=answer.place)
        if self.server.has("env_module"):
            set_for_handlers(walked.layers, state.variables)
        return Handling(self.server, self.request, self.files, self.choices, state, walked).outcome(mapped)


def home_directory(files: Files, user: str) -> str | None:
    """A user's home directory by /etc/passwd; None without such a user. Raises OSError of the target."""
    for line in files.target.read_text("/etc/passwd").split("\n"):
        fields = line.split(":")
        if len(fields) > 5 and fields[0] == user:
            return fields[5]
    return None
