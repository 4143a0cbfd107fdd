"""A site: one Apache virtual host or main server, or one nginx server block, as a request meets it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hardaudit_plugins.web.choices import Choices
    from hardaudit_plugins.web.files import Files
    from hardaudit_plugins.web.php.ini_files import IniConfiguration
    from hardaudit_plugins.web.verdict import Place, Verdict


@dataclass(frozen=True, slots=True)
class Request:
    """A request as a client sends it: the decoded path from `/`, the method, and the name it gives as host.

    `script`: the uploaded file, an absolute path, that must be what PHP runs; another script that runs instead is no execution of it.
    """

    path: str
    script: str
    host: str
    method: str = "GET"


@dataclass(frozen=True, slots=True)
class Mapping:
    """A way from URLs to files: URLs that begin with `url` reach what is at and below `directory`; both end with a slash."""

    url: str
    directory: str
    place: Place | None


@dataclass(frozen=True, slots=True)
class Setting:
    """An effective setting of a site, for the checks: see the table `web_settings`. `url` and `directory` are empty for the whole site."""

    name: str
    value: str | None
    place: Place | None
    url: str = ""
    directory: str = ""


@dataclass(frozen=True, slots=True)
class Protection:
    """A line of configuration, in effect or not, that is there to keep PHP from running: see the table `php_protections`.

    `overridable`: an uploaded .htaccess file could undo it.
    """

    directory: str
    kind: str
    effective: bool | None
    reason: str
    place: Place
    overridable: bool = False


class Site(Protocol):
    """What the tables ask of a site of either server."""

    @property
    def server(self) -> str:
        """`apache` or `nginx`."""

    @property
    def name(self) -> str:
        """First name of the site; empty for one without a name."""

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that requests may give for it, as literal host names, the first one first; empty for a site without a name."""

    @property
    def takes_any_name(self) -> bool:
        """Whether requests for a name that no site has may come to it; whether one does, `verdict` says."""

    @property
    def listen(self) -> tuple[str, ...]:
        """Addresses and ports as configured: `*:80`, `[::]:443`, `unix:/run/shop.sock`."""

    @property
    def docroot(self) -> str | None:
        """Document root; None where there is none."""

    @property
    def place(self) -> Place:
        """Where its section begins."""

    def mappings(self) -> Sequence[Mapping]:
        """Every way from its URLs to files, the document root's first, that can be read from its configuration."""

    def php_users(self) -> Sequence[str]:
        """The users that its PHP runs as: mod_php's, or those of the FPM pools its configuration hands requests to."""

    def fpm_addresses(self) -> Sequence[tuple[str, Place]]:
        """The FastCGI addresses that its configuration hands requests to, as `unix:/path` or `host:port`, each with its line."""

    def access_texts(self, directory: str, texts: Sequence[str]) -> Sequence[str]:
        """Of some texts those that take effect as a .htaccess file in a directory, rather than being refused; none where none is read.

        Raises OSError of the target.
        """

    def asks_method(self, directory: str) -> bool:
        """Whether the method of a request for a directory's files may decide what happens to it. Raises OSError of the target."""

    def php_module(self) -> tuple[str, IniConfiguration] | None:
        """The PHP that the server runs inside itself (mod_php): its version, empty where it is not known, and ini files; None without."""

    def php_values(self, directory: str) -> Sequence[tuple[str, str, bool, Place]]:
        """The ini settings that its configuration gives PHP for a directory: name, value, whether it is an admin value, line.

        Apache's php_value lines in effect there; nginx's `fastcgi_param PHP_VALUE` and `PHP_ADMIN_VALUE`, in the order PHP takes them.
        """

    def verdict(self, request: Request, files: Files, choices: Choices) -> Verdict:
        """What happens to a request, for one outcome of every condition that is left open (`choices.explore` tries them all)."""

    def settings(self, directories: Sequence[Mapping]) -> Iterator[Setting]:
        """What the checks ask about the site, and about each of `directories`."""

    def protections(self, directory: str) -> Iterator[Protection]:
        """The lines that are there to keep PHP from running in a directory."""
