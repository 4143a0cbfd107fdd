"""What answers a request once it is let through: the handlers in their order.

Source: ap_invoke_handler in server/config.c, modules/mappers/mod_actions.c, modules/generators/mod_cgi.c, mod_proxy of httpd 2.4;
sapi/apache2handler of PHP; mod_fcgid.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardaudit_plugins.web.apache.backends import balancer_members, by_fpm, by_module, fcgi_url
from hardaudit_plugins.web.apache.directive_table import known_modules
from hardaudit_plugins.web.apache.expr import evaluate, evaluate_string
from hardaudit_plugins.web.apache.handlers import MODULE_HANDLERS, PHP_HANDLERS, Handler, handler_of
from hardaudit_plugins.web.apache.mime import MimeTypes
from hardaudit_plugins.web.apache.modules import MODULES_WITHOUT_DIRECTIVES
from hardaudit_plugins.web.apache.options import folded_options
from hardaudit_plugins.web.apache.php_flags import php_values
from hardaudit_plugins.web.apache.urls import aliased
from hardaudit_plugins.web.php.cgi import load_cgi
from hardaudit_plugins.web.php.ini_files import is_on
from hardaudit_plugins.web.verdict import HandedOn, Verdict

if TYPE_CHECKING:
    from hardaudit_plugins.web.apache.directive import Directive
    from hardaudit_plugins.web.apache.host_server import HostServer
    from hardaudit_plugins.web.apache.request_state import RequestEnvironment
    from hardaudit_plugins.web.apache.state import State
    from hardaudit_plugins.web.apache.urls import Mapped
    from hardaudit_plugins.web.apache.walk import Walked
    from hardaudit_plugins.web.choices import Choices
    from hardaudit_plugins.web.files import Files
    from hardaudit_plugins.web.site import Request
    from hardaudit_plugins.web.verdict import Place

_PHP_PROGRAM = re.compile(r"php[0-9.]*(-?f?cgi)?[0-9.]*")


@dataclass(frozen=True, slots=True)
class Handling:
    """The end of a pass."""

    server: HostServer
    request: Request
    files: Files
    choices: Choices
    state: State
    walked: Walked

    def outcome(self, mapped: Mapped) -> Verdict | State:
        """What answers: a verdict, or the state after an internal redirect by an Action line."""
        if mapped.kind == "proxy":
            return self._proxied(mapped.target, mapped.place)
        handler = self._handler()
        if handler.name.startswith("proxy:") and self.server.has("proxy_module"):
            return self._proxied(handler.name + self.state.filename, handler.place, self.state.filename)
        if any(handler.name in names and self.server.has(module) for module, names in MODULE_HANDLERS.items()):
            verdict = self._by_module(handler)
            if verdict is not None:
                return verdict
        if handler.name == "fcgid-script" and self.server.has("fcgid_module"):
            return self._by_wrapper(handler)
        if handler.name == "cgi-script" and (self.server.has("cgi_module") or self.server.has("cgid_module")):
            return self._by_program(handler)
        action = self._action(handler)
        return action if action is not None else self._by_default(handler)

    @property
    def environment(self) -> RequestEnvironment:
        """For expressions."""
        return self.state.environment(self.files)

    def _handler(self) -> Handler:
        types = MimeTypes.of(self.walked.layers if self.server.has("mime_module") else (), self.server.types)
        named = types.of_name(self.state.filename.rpartition("/")[2], self.state.path_info)
        handler = handler_of(self.walked.layers, named, self.environment, self.choices)
        if not handler.explicit and self.state.is_script_alias:
            handler = Handler("cgi-script", None, explicit=True)
        if self.state.forced_handler is not None:
            name, place = self.state.forced_handler
            handler = Handler(name, place, explicit=True)
        elif self.state.forced_type is not None and not handler.explicit:
            name, place = self.state.forced_type
            handler = Handler(name, place, explicit=False)
        return handler

    def _by_module(self, handler: Handler) -> Verdict | None:
        """What mod_php does; None when its engine is off, so that the next handler is asked."""
        engine = php_values(self.walked.layers).get("engine")
        on, place = self.server.php_engine
        if engine is not None:
            on, place = is_on(engine.value), engine.place
        if not on:
            return None if self._actions() else Verdict(False, "mod_php is switched off there (engine)", None, place)
        if self.state.path_info and self._accepts_path_info() is False:
            return Verdict(False, "AcceptPathInfo refuses what follows the file's name", "mod_php", handler.place)
        return by_module(self.state.filename, self.request.script, handler.place, self.files)

    def _accepts_path_info(self) -> bool | None:
        """AcceptPathInfo; None where the handler's own habit holds."""
        found = None
        for layer in self.walked.layers:
            for directive in layer.directives:
                if directive.name == "acceptpathinfo":
                    found = {"on": True, "off": False}.get(directive.arguments.strip().lower())
        return found

    def _proxied(self, url: str, place: Place | None, filename: str | None = None) -> Verdict:
        """What a proxied request comes to. `filename`: the file of a SetHandler line; without it the URL says what is asked for."""
        url = url.removeprefix("proxy:")
        if url.lower().startswith("balancer://"):
            return self._balanced(url, place, filename)
        fcgi = fcgi_url(url)
        if fcgi is None:
            return self._elsewhere(url, place)
        if not self.server.has("proxy_fcgi_module"):
            return Verdict(False, "the server answers 500: mod_proxy_fcgi is not loaded", None, place)
        parameters = self.parameters("proxy:fcgi://localhost" + (filename or fcgi.path))
        if filename is None:
            parameters.pop("PATH_INFO", None)
        return by_fpm(self.server.fpm, fcgi, parameters, self.request.script, place, self.files)

    def _balanced(self, url: str, place: Place | None, filename: str | None) -> Verdict:
        name, slash, path = url.partition("://")[2].partition("/")
        members = balancer_members(name, self.server.scopes)
        if not members:
            return Verdict(None, f"no members of balancer://{name} are written down", None, place)
        verdicts = [self._proxied(member.rstrip("/") + slash + path, place, filename) for member in members]
        return max(verdicts, key=lambda verdict: {True: 2, None: 1, False: 0}[verdict.executes])

    def _elsewhere(self, url: str, place: Place | None) -> Verdict:
        """Another HTTP server, perhaps one of this host."""
        reason = f"the request is handed on to {url[:100]}, and what that does with it is not known"
        scheme, _, rest = url.partition("://")
        authority, slash, path = rest.partition("/")
        host, _, port = authority.rpartition(":") if ":" in authority.rpartition("]")[2] else (authority, "", "80")
        given = [directive for layer in self.walked.layers for directive in layer.directives if directive.name == "proxypreservehost"]
        preserves = bool(given) and given[-1].arguments.strip().lower() == "on"
        on = HandedOn(f"{host}:{port}", self.request.host if preserves else host, slash + path) if scheme.lower() == "http" else None
        return Verdict(None, reason, f"proxy {url[:100]}", place, on)

    def parameters(self, script_filename: str) -> dict[str, str]:
        """The CGI environment of the request, after ProxyFCGISetEnvIf."""
        parameters = {
            **{name: value if isinstance(value, str) else value.value for name, value in self.state.variables.items()},
            "SCRIPT_FILENAME": script_filename,
            "DOCUMENT_ROOT": self.server.document_root,
            "SCRIPT_NAME": self.state.uri.removesuffix(self.state.path_info) if self.state.path_info else self.state.uri,
            "REQUEST_URI": self.request.path,
            "REQUEST_METHOD": self.request.method,
            "QUERY_STRING": self.state.seen.query or "",
            "SERVER_NAME": self.request.host,
            "REDIRECT_STATUS": "200",
        }
        if self.state.path_info:
            parameters["PATH_INFO"] = self.state.path_info
            parameters["PATH_TRANSLATED"] = self._translated(self.state.path_info)
        if self.state.seen.requested:
            parameters["REDIRECT_URL"] = self.state.seen.requested
        self._set_if(parameters)
        return parameters

    def _translated(self, uri: str) -> str:
        found = aliased(uri, self.server.scopes) if self.server.has("alias_module") else None
        return found[0] if found is not None else self.server.document_root + uri

    def _set_if(self, parameters: dict[str, str]) -> None:
        for layer in self.walked.layers:
            for directive in layer.directives:
                words = directive.words() if directive.name == "proxyfcgisetenvif" else []
                if len(words) < 2 or not evaluate(words[0], self.environment, self.choices):
                    continue
                if words[1].startswith("!"):
                    parameters.pop(words[1][1:], None)
                else:
                    parameters[words[1]] = evaluate_string(words[2], self.environment, self.choices) if len(words) > 2 else ""

    def _by_wrapper(self, handler: Handler) -> Verdict:
        """mod_fcgid: the program that FcgidWrapper names for the file's extension."""
        if "execcgi" not in folded_options(self.walked.layers):
            return Verdict(False, "Options do not let programs run there (ExecCGI)", None, handler.place)
        name = self.state.filename.rpartition("/")[2]
        extension = name[name.rfind(".") :] if "." in name else ""
        wrapper: Directive | None = None
        for layer in self.walked.layers:
            for directive in layer.directives:
                words = directive.words() if directive.name == "fcgidwrapper" else []
                if words and (words[1:2] == [extension] or not words[1:] or words[1:] == ["virtual"]):
                    wrapper = directive
        if wrapper is None and self.files.uploaded(self.state.filename) is not None:
            return Verdict(False, "no FcgidWrapper is for its extension, and it is no program itself", None, handler.place)
        if wrapper is None:
            return self._by_cgi(self.state.filename, self.parameters(self.state.filename), handler.place, fastcgi=True)
        program = wrapper.words()[0].split()[0]
        return self._by_cgi(program, self.parameters(self.state.filename), wrapper.place, fastcgi=True)

    def _by_program(self, handler: Handler) -> Verdict:
        """A CGI program: php-cgi by an Action line, or the uploaded file itself, which would need to be executable."""
        if self.files.uploaded(self.state.filename) is not None:
            return Verdict(False, "it is taken for a CGI program, which an upload, not being executable, is not", None, handler.place)
        if "execcgi" not in folded_options(self.walked.layers) and not self.state.is_script_alias:
            return Verdict(False, "Options do not let programs run there (ExecCGI)", None, handler.place)
        return self._by_cgi(self.state.filename, self.parameters(self.state.filename), handler.place, fastcgi=False)

    def _by_cgi(self, program: str, parameters: dict[str, str], place: Place | None, *, fastcgi: bool) -> Verdict:
        shown = f"cgi {program}"
        if not self.files.is_file(program) and self.files.is_directory(program.rpartition("/")[0] or "/"):
            return Verdict(False, f"{program} does not exist", shown, place)
        # Where not even its directory exists, this is the configuration alone, and the program is taken to be there.
        if not _PHP_PROGRAM.fullmatch(self.files.real(program).rpartition("/")[2]):
            return Verdict(None, f"{program} is not known to be PHP, nor known not to be", shown, place)
        answer = load_cgi(self.server.evidence, program).answer(parameters, self.files, fastcgi=fastcgi)
        if answer.undecided:
            return Verdict(None, answer.reason, shown, answer.place or place)
        if answer.script is None:
            return Verdict(False, answer.reason, shown, answer.place or place)
        if self.files.real(answer.script) != self.files.real(self.request.script):
            return Verdict(False, f"PHP runs {answer.script} instead", shown, place)
        return Verdict(True, f"{program} runs it", shown, place)

    def _actions(self) -> dict[str, Directive]:
        """Action lines in effect, by the handler or media type they are for."""
        actions: dict[str, Directive] = {}
        if self.server.has("actions_module"):
            for layer in self.walked.layers:
                for directive in layer.directives:
                    words = directive.words() if directive.name == "action" else []
                    if len(words) > 1:
                        actions[words[0].lower()] = directive
        return actions

    def _action(self, handler: Handler) -> State | None:
        directive = self._actions().get(handler.name)
        if directive is None:
            return None
        return self.state.redirected(directive.words()[1] + self.state.uri, self.state.seen.query)

    def _by_default(self, handler: Handler) -> Verdict:
        unknown = sorted(self.server.configuration.modules - known_modules() - MODULES_WITHOUT_DIRECTIVES)
        if handler.explicit and handler.name and unknown and handler.name not in ("default-handler", "none"):
            reason = f"whether the handler {handler.name} belongs to {', '.join(unknown)} is not known"
            return Verdict(None, reason, handler.name, handler.place)
        if handler.name in PHP_HANDLERS:
            return Verdict(False, "no PHP module is loaded that answers to the handler", None, handler.place)
        return Verdict(False, "no handler makes PHP run it", None, handler.place)
