"""A virtual host as requests meet it: its configuration compiled once, for many requests."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hardaudit_plugins.web.apache.handlers import MODULE_HANDLERS
from hardaudit_plugins.web.apache.sections import without_lines
from hardaudit_plugins.web.apache.walk import Walker
from hardaudit_plugins.web.php.ini_files import is_on

_COMPILED_ROOTS = {"/etc/apache2": "/var/www/html", "/etc/httpd": "/var/www/html"}
"""Document roots compiled into the packages of Debian and Red Hat, by their ServerRoot."""

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hardaudit_plugins.web.apache.directive import Configuration, Directive
    from hardaudit_plugins.web.apache.hosts import Host
    from hardaudit_plugins.web.apache.sections import Scope
    from hardaudit_plugins.web.evidence import Evidence
    from hardaudit_plugins.web.php.fpm import Fpm
    from hardaudit_plugins.web.php.ini_files import IniConfiguration
    from hardaudit_plugins.web.verdict import Place


@dataclass(frozen=True, slots=True)
class HostServer:
    """What a request to a host is evaluated with. `types`: the mime.types file. `php_module`: mod_php's
    version and ini files. `left_out`: lines of .htaccess files that are
    taken away, to see what they do; `without` takes them from the configuration too.
    """

    configuration: Configuration
    host: Host
    types: Mapping[str, str]
    fpm: Fpm
    evidence: Evidence
    php_module: tuple[str, IniConfiguration] | None
    left_out: frozenset[Place] = frozenset()

    def without(self, places: frozenset[Place]) -> HostServer:
        """The same host as if some lines were not there."""
        scopes = tuple(without_lines(scope, places) for scope in self.host.scopes)
        return replace(self, host=replace(self.host, scopes=scopes), left_out=places)

    @property
    def scopes(self) -> Sequence[Scope]:
        """The main server's, and the virtual host's."""
        return self.host.scopes

    @property
    def walker(self) -> Walker:
        """Finds the sections that speak about a request."""
        names = self.last_words("accessfilename") or [".htaccess"]
        return Walker(self.configuration, self.scopes, tuple(names), self.left_out)

    @property
    def document_root(self) -> str:
        """Document root, without a slash at its end."""
        words = self.last_words("documentroot")
        compiled = _COMPILED_ROOTS.get(self.configuration.server_root.rstrip("/"), "htdocs")
        return self.absolute(words[0] if words else compiled).rstrip("/")

    def absolute(self, path: str) -> str:
        """A path of the configuration, from ServerRoot where it is relative, without `.` and `..` (apr_filepath_merge)."""
        merged = posixpath.normpath(posixpath.join(self.configuration.server_root, path))
        return merged + "/" if path.endswith("/") and merged != "/" else merged

    def last(self, name: str) -> Directive | None:
        """The line of a server-wide directive that holds: the virtual host's last one, or else the main server's."""
        for scope in reversed(self.scopes):
            for directive in reversed(scope.layer.directives):
                if directive.name == name:
                    return directive
        return None

    def last_words(self, name: str) -> list[str]:
        """Its arguments; none where there is no such line."""
        directive = self.last(name)
        return [] if directive is None else directive.words()

    def every(self, *names: str) -> list[Directive]:
        """All lines of server-wide directives, the main server's first."""
        return [directive for scope in self.scopes for directive in scope.layer.directives if directive.name in names]

    @property
    def speaks_tls(self) -> bool:
        """Whether requests come over TLS: SSLEngine, or a Listen line that says https."""
        words = [word.lower() for word in self.last_words("sslengine")]
        return words[:1] in (["on"], ["optional"])

    @property
    def port(self) -> int:
        """The port of its first address."""
        return self.host.listen[0].port if self.host.listen else 80

    @property
    def named_port(self) -> int:
        """The port in its ServerName; 0 without one."""
        words = self.last_words("servername")
        port = words[0].rpartition("//")[2].partition(":")[2] if words else ""
        return int(port) if port.isdecimal() else 0

    @property
    def php_engine(self) -> tuple[bool, Place | None]:
        """Whether PHP's own configuration leaves mod_php's engine on, as it does by default, and the line that decides."""
        engine = self.php_module[1].values.get("engine") if self.php_module else None
        return (True, None) if engine is None else (is_on(engine.value), engine.place)

    @property
    def worker_user(self) -> str:
        """The user that requests are served as: User, or the distribution's."""
        words = self.last_words("user")
        return words[0] if words else ""

    @property
    def runs_php(self) -> bool:
        """Whether mod_php is loaded."""
        return any(map(self.has, MODULE_HANDLERS))

    @property
    def knows_providers(self) -> bool:
        """Whether every authorization provider is known: no unknown module is loaded, and none is made by AuthzProviderAlias."""
        aliases = any(directive.name == "authzprovideralias" for directive in self.configuration.directives)
        return self.configuration.all_modules_known and not aliases

    def has(self, module: str) -> bool:
        """Whether a module is loaded."""
        return self.configuration.has_module(module)
