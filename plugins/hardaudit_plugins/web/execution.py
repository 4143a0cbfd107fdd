"""Whether PHP runs a file in a directory: every URL of every site that reaches it is tried."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit.target.errors import gap_reason
from hardaudit.target.walk import canonical
from hardaudit_plugins.web.choices import explore
from hardaudit_plugins.web.files import Files
from hardaudit_plugins.web.handing_on import followed
from hardaudit_plugins.web.site import Request
from hardaudit_plugins.web.takeover import crafted_texts, plain_texts
from hardaudit_plugins.web.verdict import Verdict, best

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from hardaudit.target.table import TableContext
    from hardaudit.target.target import Target
    from hardaudit_plugins.web.docroots import Docroots
    from hardaudit_plugins.web.php.fpm import Fpm
    from hardaudit_plugins.web.site import Site

STANDARD_NAMES = (
    "x.php", "x.PHP", "x.phtml", "x.phar", "x.php5", "x.inc", "x.php.jpg", "x.php.bak", "x.jpg", "x.jpg/a.php", "sub/x.php", ".htaccess",
)  # fmt: skip
"""What is asked about every upload directory."""

CODE = "<?php"
_CRAFTED_METHODS = ("GET", "POST", "PUT", "PROPFIND", "X")
_NO_NAME = "198.51.100.1"
"""What a request names as host that has only the server's address."""

_CRAFTED_SUFFIXES = ("", "/", "/x.jpg")


@dataclass(frozen=True, slots=True)
class Way:
    """How URLs that begin with `url` get to a directory, as `path`, through a site; with `file`, the URL itself to that file in it."""

    site: Site
    url: str
    path: str
    file: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The verdict on the request for `url`, a path."""

    url: str
    verdict: Verdict


def ways_to(context: TableContext, docroots: Docroots, directory: str) -> list[Way]:
    """Every site and URL that reaches a directory: as it is spelled, and where that leads without links; it need not exist."""
    directory = directory.rstrip("/") or "/"
    paths = {(number, directory): None for number in range(len(docroots.sites))}
    try:
        real = canonical(context.target, directory)
    except (FileNotFoundError, NotADirectoryError):
        pass  # to be made by whoever uploads; links to it cannot be known
    except OSError as error:
        context.gap(gap_reason(error), f"{directory}: {error.strerror}")
    else:
        paths.update({(number, real): None for number in range(len(docroots.sites))})
        paths.update({(reach.site, reach.path_of(real)): None for reach in docroots.reaches.of(real)})
    found: dict[tuple[int, str, str, str | None], Way] = {}
    for number, path in paths:
        for way in ways_of(docroots.sites[number], path):
            found.setdefault((number, way.url, way.path, way.file), way)
    return list(found.values())


def ways_of(site: Site, path: str) -> Iterator[Way]:
    """The URLs of a site that its configuration leads to a path, spelled as given."""
    inside = f"{path.rstrip('/')}/"
    for mapping in site.mappings():
        if inside.startswith(mapping.directory):
            yield Way(site, mapping.url + inside[len(mapping.directory) :], path)
        elif mapping.directory.startswith(inside) and "/" not in (name := mapping.directory[len(inside) :].rstrip("/")):
            yield Way(site, mapping.url.rstrip("/"), path, name)


def named_or_uploads(context: TableContext) -> list[str]:
    """The directories that a query names in the column `directory`, or every upload directory."""
    named = context.constraints.texts("directory")
    if named is not None:
        return [directory for directory in named if directory.startswith("/")]
    return sorted({str(row["path"]) for row in context.rows("upload_directories", only=("path",))})


def parts_of(file_name: str) -> tuple[str, str]:
    """The file that is stored, and what the request appends to it: a name with a dot, before a slash, is the file that holds the code."""
    parts = file_name.split("/")
    for count in range(1, len(parts)):
        if "." in parts[count - 1].lstrip("."):
            return "/".join(parts[:count]), "/" + "/".join(parts[count:])
    return file_name, ""


def _no_deadline() -> None:
    """For callers that ask little."""


@dataclass(frozen=True, slots=True)
class Execution:
    """Asks sites about uploads. `sites`: all of the host. `check_deadline` is called between requests where there are many."""

    target: Target
    fpm: Fpm
    sites: Sequence[Site] = ()
    crafted: bool = False
    check_deadline: Callable[[], None] = _no_deadline

    def answer(self, way: Way, file_name: str) -> Answer | None:
        """Whether a request runs a file of this name; None where the way does not lead to it."""
        if way.file is not None:
            stored, suffix = parts_of(file_name)
            return Answer(way.url + suffix, self.verdict(way, stored, suffix, {})) if stored == way.file else None
        if file_name.rpartition("/")[2] == ".htaccess":
            return Answer(way.url + file_name, self.takeover(way))
        stored, suffix = parts_of(file_name)
        url = way.url + stored + suffix
        return Answer(url, self.verdict(way, stored, suffix, {}))

    def verdict(self, way: Way, stored: str, suffix: str, others: dict[str, str]) -> Verdict:
        """The same for a file and what the request appends; `others`: further files that are uploaded, content by name."""
        directory = Files(self.target, {}).real(way.path).rstrip("/")
        script = f"{directory}/{stored}"
        files = Files(self.target, {script: CODE, **{f"{directory}/{name}": text for name, text in others.items()}})
        url = way.url if way.file is not None else way.url + stored
        return best(self._asked(way, url + suffix, script, files, suffix))

    def _asked(self, way: Way, url: str, script: str, files: Files, suffix: str) -> Iterator[Verdict]:
        methods = _CRAFTED_METHODS if self.crafted and way.site.asks_method(way.path) else ("GET",)
        suffixes = _CRAFTED_SUFFIXES if self.crafted and not suffix else ("",)
        hosts = [*way.site.names] or [_NO_NAME]
        if self.crafted and way.site.takes_any_name:
            hosts.append(_NO_NAME)
        for host in dict.fromkeys(hosts):
            for method in methods:
                for more in suffixes:
                    request = Request(url + more, script, host, method)
                    yield self._explored(way.site, request, files)

    def _explored(self, site: Site, request: Request, files: Files) -> Verdict:
        return explore(lambda choices: followed(site, request, files, choices, self.sites), crafted=self.crafted)

    def takeover(self, way: Way) -> Verdict:
        """Whether an uploaded .htaccess makes PHP run for a name that does not run without it, in a directory `sub` of the upload's own."""
        try:
            texts = list((crafted_texts if self.crafted else plain_texts)(way.site, f"{way.path}/sub", self.fpm))
        except OSError as error:
            return Verdict(None, f"{way.path}: {error.strerror}: whether .htaccess files are read there is not known")
        if not texts:
            return Verdict(False, "no .htaccess file has an effect there")
        tried: list[Verdict] = []
        plain = replace(self, crafted=False)  # who writes the file needs no other request
        for name in ("sub/x.jpg", "sub/x.php"):
            without = plain.verdict(way, name, "", {})
            if without.executes is True:
                continue
            for text in texts:
                self.check_deadline()
                verdict = plain.verdict(way, name, "", {"sub/.htaccess": text})
                if verdict.executes is True:
                    reason = f"a .htaccess with `{text.replace(chr(10), '; ')}` makes {name.removeprefix('sub/')} run"
                    return Verdict(True, reason, verdict.handler, verdict.place)
                tried.append(verdict if without.executes is False else without)
        undecided = best(tried)
        if tried and undecided.executes is None:
            return undecided
        return Verdict(False, "no .htaccess changes what runs", None, undecided.place)


def undecided_gap(context: TableContext, answer: Answer, site: Site) -> None:
    """Tell the table that a request could not be decided."""
    if answer.verdict.executes is None:
        context.gap(GapReason.UNDECIDABLE, f"{site.name or site.server} {answer.url}: {answer.verdict.reason}")
