"""Apache's sites: the main server and the virtual hosts, as the tables ask about them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit_plugins.web.apache.access_file import is_accepted
from hardaudit_plugins.web.apache.fastcgi_targets import fastcgi_targets
from hardaudit_plugins.web.apache.handlers import MODULE_HANDLERS
from hardaudit_plugins.web.apache.host_server import HostServer
from hardaudit_plugins.web.apache.hosts import hosts_of
from hardaudit_plugins.web.apache.mime import parse_types
from hardaudit_plugins.web.apache.pcre import UndecidedError
from hardaudit_plugins.web.apache.php_flags import php_values
from hardaudit_plugins.web.apache.protections import protections_of
from hardaudit_plugins.web.apache.reader import load_configuration
from hardaudit_plugins.web.apache.request import ANYONE, ITSELF, Evaluation
from hardaudit_plugins.web.apache.reverse import url_mappings
from hardaudit_plugins.web.apache.sensitivity import asks_client, asks_method
from hardaudit_plugins.web.apache.site_settings import settings_of
from hardaudit_plugins.web.php.module_ini import module_ini
from hardaudit_plugins.web.verdict import best

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hardaudit_plugins.web.apache.access import Client
    from hardaudit_plugins.web.apache.directive import Configuration
    from hardaudit_plugins.web.choices import Choices
    from hardaudit_plugins.web.evidence import Evidence
    from hardaudit_plugins.web.files import Files
    from hardaudit_plugins.web.php.fpm import Fpm
    from hardaudit_plugins.web.php.ini_files import IniConfiguration
    from hardaudit_plugins.web.site import Mapping, Protection, Request, Setting, Site
    from hardaudit_plugins.web.verdict import Place, Verdict

_DEFAULT_TYPES = "/etc/mime.types"


def load_apache(evidence: Evidence, fpm: Fpm) -> tuple[Site, ...]:
    """The main server and the virtual hosts that are in effect; none where Apache is not installed."""
    configuration = load_configuration(evidence)
    if configuration is None:
        return ()
    types = _types(configuration, evidence)
    path = configuration.files[0] if configuration.files else configuration.server_root
    hosts = hosts_of(configuration.directives, path)
    module = _php_module(configuration, evidence)
    servers = [HostServer(configuration, host, types, fpm, evidence, module) for host in hosts]
    return tuple(ApacheSite(server, url_mappings(server), asks_client(server), asks_method(server)) for server in servers)


def _php_module(configuration: Configuration, evidence: Evidence) -> tuple[str, IniConfiguration] | None:
    """The version and the ini files of mod_php; None where it is not loaded."""
    library = next((configuration.libraries[name] for name in MODULE_HANDLERS if name in configuration.libraries), None)
    if library is None:
        return None
    directories = [directive.words()[0] for directive in configuration.directives if directive.name == "phpinidir" and directive.words()]
    return module_ini(evidence, library, directories[-1] if directories else None)


def _types(configuration: Configuration, evidence: Evidence) -> dict[str, str]:
    """The mime.types file that TypesConfig names."""
    if not configuration.has_module("mime_module"):
        return {}
    paths = [directive.words()[0] for directive in configuration.directives if directive.name == "typesconfig" and directive.words()]
    path = paths[-1] if paths else _DEFAULT_TYPES
    text = evidence.read_text(path if path.startswith("/") else f"{configuration.server_root}/{path}")
    return {} if text is None else parse_types(text)


@dataclass(frozen=True, slots=True)
class ApacheSite:
    """See `site.Site`, which this implements."""

    host_server: HostServer
    _mappings: tuple[Mapping, ...]
    _asks_client: bool
    _asks_method: bool

    @property
    def server(self) -> str:
        """The server's name."""
        return "apache"

    @property
    def name(self) -> str:
        """Its ServerName."""
        return self.host_server.host.names[0] if self.host_server.host.names else ""

    @property
    def names(self) -> tuple[str, ...]:
        """ServerName and the aliases without wildcards."""
        return tuple(name for name in self.host_server.host.names if "*" not in name and "?" not in name)

    @property
    def takes_any_name(self) -> bool:
        """Whether it is the first of an address, which requests for names that nobody has come to."""
        return self.host_server.host.is_default

    @property
    def listen(self) -> tuple[str, ...]:
        """The addresses that reach it."""
        return tuple(str(address) for address in self.host_server.host.listen)

    @property
    def docroot(self) -> str | None:
        """Document root."""
        return self.host_server.document_root or "/"

    @property
    def place(self) -> Place:
        """Where its section begins."""
        return self.host_server.host.place

    def mappings(self) -> Sequence[Mapping]:
        """Every way from its URLs to files."""
        return self._mappings

    def php_users(self) -> Sequence[str]:
        """The user of mod_php, and those of the FPM pools that it hands requests to."""
        users = [pool.user for address, _ in self.fpm_addresses() if (pool := self.host_server.fpm.pool_at(address)) is not None]
        if self.host_server.runs_php:
            users.append(self.host_server.worker_user)
        return tuple(dict.fromkeys(users))

    def fpm_addresses(self) -> Sequence[tuple[str, Place]]:
        """The FastCGI addresses in SetHandler and ProxyPass lines, of the server's and of any section that may speak about it."""
        return fastcgi_targets(self.host_server)

    def access_texts(self, directory: str, texts: Sequence[str]) -> Sequence[str]:
        """Those that AllowOverride permits in a .htaccess file; all where a pattern leaves open which sections speak about it."""
        server = self.host_server
        if ".htaccess" not in server.walker.access_files:
            return ()
        try:
            override = server.walker.in_directory(directory, server.evidence.target).override
        except UndecidedError:
            return texts  # perhaps
        path = f"{directory}/.htaccess"
        return [text for text in texts if override.reads_files and is_accepted(text, path, server.configuration, override)]

    def _reads_access_files(self, directory: str) -> bool:
        server = self.host_server
        try:
            return server.walker.in_directory(directory, server.evidence.target).override.reads_files
        except UndecidedError:
            return True

    def asks_method(self, directory: str) -> bool:
        """Whether a request's method may matter."""
        return self._asks_method or self._reads_access_files(directory)

    def php_module(self) -> tuple[str, IniConfiguration] | None:
        """mod_php's version and ini files."""
        return self.host_server.php_module

    def php_values(self, directory: str) -> Sequence[tuple[str, str, bool, Place]]:
        """What php_value lines set for a directory: name, value, whether nothing overrides it, and the line."""
        try:
            layers = self.host_server.walker.in_directory(directory, self.host_server.evidence.target).layers
        except UndecidedError as error:
            self.host_server.evidence.gap(GapReason.UNDECIDABLE, f"{directory}: {error.reason}")
            return ()
        except OSError as error:
            self.host_server.evidence.gap_for(error, directory)
            return ()
        return [(value.name, value.value, value.admin, value.place) for value in php_values(layers).values()]

    def verdict(self, request: Request, files: Files, choices: Choices) -> Verdict:
        """What happens to a request, of the host itself and of anyone."""
        by_client = self._asks_client or self._reads_access_files(request.script.rpartition("/")[0])
        clients: list[Client] = [ANYONE, ITSELF] if by_client else [ANYONE]
        if self.host_server.has("remoteip_module") and self.host_server.every("remoteipheader", "remoteipproxyprotocol"):
            clients = [replace(client, may_lie=True) for client in clients]
        return best(Evaluation(self.host_server, request, files, choices, client).verdict() for client in clients)

    def settings(self, directories: Sequence[Mapping]) -> Iterator[Setting]:
        """What the checks ask."""
        return settings_of(self.host_server, directories)

    def protections(self, directory: str) -> Iterator[Protection]:
        """The lines that are there to keep PHP from running in a directory."""
        return protections_of(self, directory)
