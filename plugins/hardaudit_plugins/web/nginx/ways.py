"""From a site's URLs to directories and to PHP-FPM, as its configuration spells them."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit_plugins.web.choices import Choices
from hardaudit_plugins.web.files import Files
from hardaudit_plugins.web.inversion import inverted
from hardaudit_plugins.web.nginx.exchange import Exchange, Fixed, Visitor
from hardaudit_plugins.web.nginx.host_names import literal_names
from hardaudit_plugins.web.nginx.listen import listens
from hardaudit_plugins.web.nginx.values import EMPTY, UndecidedRequestError, Value, expand, names
from hardaudit_plugins.web.php.fpm import Fpm
from hardaudit_plugins.web.site import Mapping, Request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit_plugins.web.evidence import Evidence
    from hardaudit_plugins.web.nginx.http import Http
    from hardaudit_plugins.web.nginx.scope import Match, Scope
    from hardaudit_plugins.web.nginx.tree import Directive
    from hardaudit_plugins.web.verdict import Place

_CAPTURE = re.compile(r"(?<!\\)\((?:\?P?<([A-Za-z_]\w*)>|\?'(\w+)'|(?!\?))")
_FILE_VARIABLES = frozenset(
    {"document_root", "realpath_root", "fastcgi_script_name", "uri", "document_uri", "request_uri", "request_filename"}
)
_ROOT_VARIABLE = re.compile(r"\$(?:document_root|realpath_root|\{document_root\}|\{realpath_root\})")
_URI_VARIABLE = re.compile(r"\$(?:fastcgi_script_name|document_uri|request_uri|uri|\{fastcgi_script_name\}|\{document_uri\}|\{uri\})")
_MOST_MAPPINGS = 2_000
_MOST_TEXTS = 16
_OF_URI = frozenset({"uri", "document_uri", "request_uri", "request_filename", "fastcgi_script_name", "fastcgi_path_info"})


def docroot(http: Http, server: Scope, evidence: Evidence) -> str | None:
    """The server's own root, for its first name; None where it cannot be told."""
    roots = _roots(http, server, server, evidence)
    return roots[0][0].rstrip("/") or "/" if roots else None


def mappings(http: Http, server: Scope, evidence: Evidence) -> list[Mapping]:
    """Every way from its URLs to files that can be read from its configuration; a gap for each that cannot."""
    found: dict[tuple[str, str], Mapping] = {}
    for mapping in _all_mappings(http, server, evidence):
        evidence.check_deadline()
        if len(found) >= _MOST_MAPPINGS:
            evidence.gap(GapReason.TRUNCATED, f"{server.directive.place}: more than {_MOST_MAPPINGS} ways from URLs to directories")
            break
        found.setdefault((mapping.url, mapping.directory), mapping)
    return list(found.values())


def _all_mappings(http: Http, server: Scope, evidence: Evidence) -> Iterator[Mapping]:
    roots: dict[str, Place] = {}
    aliases: list[Mapping] = []
    for scope in server.everything():
        if "root" in scope.own or scope is server:
            known = _roots(http, server, scope, evidence)
            for directory, place in known:
                roots.setdefault(_slashed(directory), place)
            if not known:
                evidence.gap(GapReason.UNDECIDABLE, f"{_line(scope, 'root')}: the directory depends on what is not known")
        for directive in scope.own.get("alias", ()):
            made = list(_aliased(http, server, scope, directive, evidence))
            if not made:
                evidence.gap(
                    GapReason.UNDECIDABLE, f"{directive.place}: which URLs lead to which directories by {directive} cannot be told"
                )
            aliases += made
    direct = [Mapping("/", directory, place) for directory, place in roots.items()] + aliases
    yield from direct
    for scope in server.everything():
        for directive in scope.own.get("fastcgi_param", ()):
            if directive.args[:1] == ("SCRIPT_FILENAME",) and len(directive.args) >= 2:
                yield from _by_parameter(http, server, scope, directive, evidence)
    yield from _rewritten(server, direct)


def _line(scope: Scope, name: str) -> str:
    directives = scope.own.get(name)
    return str(directives[0].place if directives else scope.directive.place)


def _slashed(directory: str) -> str:
    return directory if directory.endswith("/") else directory + "/"


def _roots(http: Http, server: Scope, scope: Scope, evidence: Evidence) -> list[tuple[str, Place]]:
    """The directories that `root` names for a block, for each host name of the site and each text that `set` gives a variable."""
    directive = scope.value("root")
    place = directive.place if directive else server.directive.place
    text = directive.args[0] if directive and directive.args else "html"
    found = []
    for value in _known(http, server, text, evidence):
        full = value if value.text.startswith("/") else http.prefixed(value)
        if full.unknown is None:
            found.append((full.text, place))
    return list(dict.fromkeys(found))


def _known(http: Http, server: Scope, text: str, evidence: Evidence) -> Iterator[Value]:
    """What a text may come to before a request was rewritten, for each host name of the site."""
    used = names(text)
    if not used:
        yield Value(text)
        return
    given = {name: _constants(server, name) for name in used}
    for host in literal_names(server, evidence):
        request = Request("/", "/", host)
        fixed = Fixed(
            http,
            server,
            request,
            Files(evidence.target, {}),
            Choices((), crafted=False),
            Fpm((), complete=False),
            listens(server)[0],
            Visitor(None),
        )
        choices: list[list[str | None]] = [[*given[name]] or [None] for name in used]
        for constants in itertools.islice(itertools.product(*choices), _MOST_TEXTS):
            exchange = Exchange(fixed, "/", EMPTY, "GET", server)
            try:
                exchange.name_server()
                exchange.assigned.update(
                    {name: Value(constant) for name, constant in zip(used, constants, strict=True) if constant is not None}
                )
                is_early = all(_is_early(exchange, name) for name in used)
                value = exchange.expand(text) if is_early else Value("", unknown=text)
            except UndecidedRequestError:
                continue
            yield value if not fixed.choices.made else Value("", unknown="a condition")


def _is_early(exchange: Exchange, name: str) -> bool:
    """Whether a variable has its value before a URI is known: not one of the URI, nor what a location's regex captures."""
    if name.isdigit():
        return exchange.captures is not None
    return name not in _OF_URI and (name in exchange.assigned or name not in exchange.fixed.http.assigned)


def _given(http: Http, server: Scope, name: str) -> list[str]:
    """The texts without variables that `set` or a map gives a variable."""
    mapped = http.tables.maps[name].values() if name in http.tables.maps else []
    return list(dict.fromkeys([*_constants(server, name), *(text for text in mapped if not names(text))]))


def _constants(server: Scope, name: str) -> list[str]:
    """The texts without variables that `set` gives a variable."""
    return [
        directive.args[1]
        for scope in server.everything()
        for directive, _ in scope.codes
        if directive.name == "set" and directive.args[:1] == (f"${name}",) and len(directive.args) == 2 and not names(directive.args[1])
    ]


def _aliased(http: Http, server: Scope, scope: Scope, directive: Directive, evidence: Evidence) -> Iterator[Mapping]:
    location = scope
    while location.match is None and location.parent is not None:
        location = location.parent
    match, target = location.match, directive.args[0] if directive.args else ""
    if match is None or not target:
        return
    if match.kind in ("~", "~*"):
        pattern, target = _numbered(match.text, target)
        if "(?" in pattern:
            return
        for url, directory in inverted(pattern, target):
            if url.endswith("/") and directory.endswith("/") and not names(directory):
                yield Mapping(url, directory, directive.place)
        return
    for value in _known(http, server, target, evidence):
        if value.unknown is None:
            full = value if value.text.startswith("/") else http.prefixed(value)
            yield from _by_prefix(match.text, full.text, directive.place, evidence)


def _numbered(pattern: str, replacement: str) -> tuple[str, str]:
    """Both with numbers in place of the names of groups."""
    for number, group in enumerate(_CAPTURE.finditer(pattern), 1):
        name = group[1] or group[2]
        if name:
            replacement = re.sub(rf"\$(?:{name}\b|\{{{name}\}})", f"${number}", replacement)
    return _CAPTURE.sub("(", pattern), replacement


def _by_parameter(http: Http, server: Scope, scope: Scope, directive: Directive, evidence: Evidence) -> Iterator[Mapping]:
    """What a SCRIPT_FILENAME reaches that is not the file of the URI."""
    match = next((around.match for around in scope.chain() if around.match is not None), None)
    pattern = match.text if match is not None and match.kind in ("~", "~*") else ""
    pattern, text = _numbered(pattern, directive.args[1])
    others = sorted({name for name in names(text) if not name.isdigit()} - _FILE_VARIABLES)
    given = [_given(http, server, name) for name in others]
    if not all(given):
        evidence.gap(GapReason.UNDECIDABLE, f"{directive.place}: which files {directive} leads to cannot be told")
        return
    texts = [text]
    for name, constants in zip(others, given, strict=True):
        variable = re.compile(rf"\$(?:{name}\b|\{{{name}\}})")
        texts = [variable.sub(lambda _, constant=constant: constant, text) for text in texts for constant in constants][:_MOST_TEXTS]  # type: ignore[misc]
    nearest = next((around for around in scope.chain() if "alias" in around.own or "root" in around.own), server)
    aliases = [alias.args[0] for alias in nearest.own.get("alias", ()) if alias.args and not names(alias.args[0])]
    for root in aliases or [root for root, _ in _roots(http, server, scope, evidence)]:
        for text in texts:
            name = _ROOT_VARIABLE.sub(lambda _, root=root: root.rstrip("/"), text)  # type: ignore[misc]
            yield from _by_file_name(match, pattern, name, directive.place)


def _by_file_name(match: Match | None, pattern: str, name: str, place: Place) -> Iterator[Mapping]:
    if match is not None and match.kind in ("", "^~", "=") and name.startswith("/") and "$" not in name:
        yield Mapping(_slashed(match.text), _slashed(name), place)
    before, uri, _ = _URI_VARIABLE.sub("\0", name).partition("\0")
    if uri and before.startswith("/") and not names(before):
        yield Mapping("/", _slashed(before), place)
    for url, led_to in inverted(pattern, name):
        if url.endswith("/") and led_to.startswith("/") and led_to.endswith("/"):
            yield Mapping(url, led_to, place)


def _by_prefix(url: str, directory: str, place: Place, evidence: Evidence) -> Iterator[Mapping]:
    """An alias of a prefix location: with the slashes that it should have, and what it opens where one is missing."""
    if url.endswith("/") == directory.endswith("/"):
        yield Mapping(_slashed(url), _slashed(directory), place)
    elif not url.endswith("/"):  # /x is /srv/up/: /x/y is /srv/up//y, and /x../y is /srv/up/../y
        yield Mapping(url + "/", directory, place)
        yield Mapping(url + "../", _slashed(directory.rstrip("/").rpartition("/")[0]), place)
    else:  # /x/ is /srv/up: /x/loads/y is /srv/uploads/y
        above, _, beginning = directory.rpartition("/")
        for name in evidence.list_directory(above or "/", optional=True):
            if name.startswith(beginning) and name != beginning:
                yield Mapping(f"{url}{name[len(beginning) :]}/", f"{above}/{name}/", place)


def _rewritten(server: Scope, direct: list[Mapping]) -> Iterator[Mapping]:
    """URLs that `rewrite` and `try_files` turn into others."""
    for scope in server.everything():
        for directive, inner in scope.codes:
            if inner is None and directive.name == "rewrite" and len(directive.args) >= 2:
                for url, led_to in inverted(*_numbered(directive.args[0], directive.args[1])):
                    yield from _through(url, led_to, direct, directive.place)
        for directive in scope.own.get("try_files", ()):
            for text in directive.args:
                before, uri, _ = text.partition("$uri")
                if uri and before and not names(before):
                    yield from _through("/", _slashed(before), direct, directive.place)


def _through(url: str, led_to: str, direct: list[Mapping], place: Place) -> Iterator[Mapping]:
    if not (url.endswith("/") and led_to.endswith("/") and led_to.startswith("/")) or names(led_to):
        return
    for mapping in direct:
        if led_to.startswith(mapping.url):
            yield Mapping(url, mapping.directory + led_to[len(mapping.url) :], place)


def fpm_addresses(http: Http, server: Scope, evidence: Evidence) -> list[tuple[str, Place]]:
    """The addresses of every `fastcgi_pass`; a gap for one with a variable that neither `set` nor `map` explains."""
    found: dict[tuple[str, Place], None] = {}
    for scope in server.everything():
        for directive in scope.own.get("fastcgi_pass", ()):
            if not directive.args:
                continue
            targets = _possible(http, server, directive.args[0])
            if not targets:
                evidence.gap(GapReason.UNDECIDABLE, f"{directive.place}: the address depends on what is not known")
            for target in targets:
                members = http.tables.servers_of(target)
                for address in [target] if members is None else members:
                    found[address, directive.place] = None
    return list(found)


def _possible(http: Http, server: Scope, text: str) -> list[str]:
    """What a text with at most one variable may come to."""
    used = names(text)
    if not used:
        return [text]
    if len(used) > 1:
        return []
    values = list(http.tables.maps[used[0]].values()) if used[0] in http.tables.maps else []
    for scope in server.everything():
        values += [
            directive.args[1]
            for directive, _ in scope.codes
            if directive.name == "set" and directive.args[:1] == (f"${used[0]}",) and len(directive.args) == 2
        ]
    known = [value for value in values if value and not names(value)]
    return [expand(text, lambda _, value=value: Value(value)).text for value in dict.fromkeys(known)]  # type: ignore[misc]
