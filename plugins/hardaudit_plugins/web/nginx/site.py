"""One server block of nginx, as the tables ask about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hardaudit_plugins.web.nginx import ways
from hardaudit_plugins.web.nginx.host_names import literal_names
from hardaudit_plugins.web.nginx.judge import Block, judge
from hardaudit_plugins.web.nginx.listen import listens, names_of
from hardaudit_plugins.web.nginx.php_values import php_values
from hardaudit_plugins.web.nginx.protections import protections_of
from hardaudit_plugins.web.nginx.settings import settings_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hardaudit_plugins.web.choices import Choices
    from hardaudit_plugins.web.evidence import Evidence
    from hardaudit_plugins.web.files import Files
    from hardaudit_plugins.web.site import Mapping, Protection, Request, Setting
    from hardaudit_plugins.web.verdict import Place, Verdict


@dataclass(frozen=True, slots=True, eq=False)
class NginxSite:
    """A server block in effect."""

    block: Block
    evidence: Evidence = field(repr=False)
    _mappings: list[Mapping] = field(default_factory=list, repr=False)

    server = "nginx"

    @property
    def name(self) -> str:
        """The first of its names, as it is written."""
        return names_of(self.block.server)[0]

    @property
    def names(self) -> tuple[str, ...]:
        """Every host name that requests may give for it; of patterns one that fits, and none for a default server."""
        found = dict.fromkeys(literal_names(self.block.server, self.evidence))
        if any(address.default is self.block.server for address in self.block.http.addresses.values()):
            found.setdefault("")
        return tuple(found) or ("",)

    @property
    def takes_any_name(self) -> bool:
        """Perhaps: a request to a name that is another's is decided by the verdict."""
        return True

    @property
    def listen(self) -> tuple[str, ...]:
        """Its addresses and ports."""
        return tuple(dict.fromkeys(listen.address for listen in listens(self.block.server)))

    @property
    def docroot(self) -> str | None:
        """The root of the server block, where it can be told."""
        return ways.docroot(self.block.http, self.block.server, self.evidence)

    @property
    def place(self) -> Place:
        """Where its block begins."""
        return self.block.server.directive.place

    def mappings(self) -> Sequence[Mapping]:
        """The root and every alias, root and rewrite of its locations."""
        if not self._mappings:
            self._mappings.extend(ways.mappings(self.block.http, self.block.server, self.evidence))
        return self._mappings

    def php_users(self) -> Sequence[str]:
        """The users of the pools that it hands requests to."""
        pools = [self.block.fpm.pool_at(address) for address, _ in self.fpm_addresses()]
        return list(dict.fromkeys(pool.user for pool in pools if pool is not None))

    def fpm_addresses(self) -> Sequence[tuple[str, Place]]:
        """The addresses of its `fastcgi_pass` lines, upstreams and variables resolved as far as they can be."""
        return ways.fpm_addresses(self.block.http, self.block.server, self.evidence)

    def access_texts(self, directory: str, texts: Sequence[str]) -> Sequence[str]:
        """None: nginx reads no such files."""
        del directory, texts
        return ()

    def asks_method(self, directory: str) -> bool:
        """Always taken to matter: it costs little to try."""
        del directory
        return True

    def php_module(self) -> None:
        """None: nginx runs no PHP itself."""

    def php_values(self, directory: str) -> Sequence[tuple[str, str, bool, Place]]:
        """What `fastcgi_param PHP_VALUE` and `PHP_ADMIN_VALUE` set, for the whole site."""
        del directory
        return php_values(self.block.server, self.docroot, self.evidence)

    def verdict(self, request: Request, files: Files, choices: Choices) -> Verdict:
        """What nginx does with a request."""
        return judge(self.block, request, files, choices)

    def settings(self, directories: Sequence[Mapping]) -> Iterator[Setting]:
        """See the table `web_settings`."""
        return settings_of(self.block, self.evidence, directories)

    def protections(self, directory: str) -> Iterator[Protection]:
        """See the table `php_protections`."""
        return protections_of(self.block, self.evidence, directory)
