"""From a URL's path to a file: proxies, redirects, aliases, user directories, and the document root last.

Source: modules/proxy/mod_proxy.c (proxy_translate, ap_proxy_trans_match), modules/mappers/mod_alias.c, mod_userdir.c, server/core.c.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardaudit_plugins.web.apache.patterns import UndecidedError, matches
from hardaudit_plugins.web.apache.walk import is_located

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hardaudit_plugins.web.apache.directive import Directive
    from hardaudit_plugins.web.apache.patterns import Match
    from hardaudit_plugins.web.apache.sections import Scope
    from hardaudit_plugins.web.verdict import Place

_STATUS = {"permanent": "301", "temp": "302", "seeother": "303", "gone": "410"}


@dataclass(frozen=True, slots=True)
class Mapped:
    """What a URL comes to. `kind`: file (`target` is its path, which need not exist), proxy (`target` is the proxied URL), or answer.

    An answer is given by the server itself, `target` saying what: a redirect, 410.
    """

    kind: str
    target: str
    place: Place | None


@dataclass(frozen=True, slots=True)
class Alias:
    """An Alias, AliasMatch, ScriptAlias or ScriptAliasMatch line, or one of a Location section (whose path is then the URL).

    `keeps_path`: what follows the URL follows the target too; in a Location section only with AliasPreservePath.
    """

    url: str
    target: str
    is_pattern: bool
    is_script: bool
    place: Place
    keeps_path: bool = True


def substituted(text: str, match: Match) -> str:
    """ap_pregsub(): `$0` to `$9` and `&` by groups; a backslash takes the next character's meaning away."""
    parts: list[str] = []
    position = 0
    while position < len(text):
        character = text[position]
        following = text[position + 1 : position + 2]
        if character == "&":
            parts.append(match.group(0))
        elif character == "$" and following.isdecimal() and following.isascii():
            parts.append(match.group(int(following)))
            position += 1
        elif character == "\\" and following:
            parts.append(following)
            position += 1
        else:
            parts.append(character)
        position += 1
    return "".join(parts)


def prefix_length(uri: str, prefix: str) -> int:
    """alias_matches() of mod_alias: how much of a URL path a prefix takes up, in whole components, slashes taken as one; 0 for none."""
    position = 0
    index = 0
    while index < len(prefix):
        if prefix[index] == "/":
            if position >= len(uri) or uri[position] != "/":
                return 0
            while index < len(prefix) and prefix[index] == "/":
                index += 1
            while position < len(uri) and uri[position] == "/":
                position += 1
        else:
            if position >= len(uri) or uri[position] != prefix[index]:
                return 0
            position += 1
            index += 1
    if not prefix.endswith("/") and position < len(uri) and uri[position] != "/":
        return 0
    return position


def aliases_of(scopes: Sequence[Scope]) -> list[Alias]:
    """The aliases outside of sections, in the order in which they are tried: the virtual host's before the main server's."""
    return [alias for scope in reversed(scopes) for directive in scope.layer.directives if (alias := _alias(directive)) is not None]


def _alias(directive: Directive) -> Alias | None:
    if directive.name not in ("alias", "aliasmatch", "scriptalias", "scriptaliasmatch"):
        return None
    words = directive.words()
    if len(words) < 2:
        return None  # with one argument it belongs to a Location section
    return Alias(words[0], words[1], directive.name.endswith("match"), directive.name.startswith("script"), directive.place)


def located_aliases(scopes: Sequence[Scope], uri: str | None) -> Iterator[Alias]:
    """Aliases of Location sections; of those about `uri`, where one is given. The last one that is about it holds."""
    for scope in scopes:
        for section in scope.locations:
            if uri is not None and not is_located(section, uri):
                continue
            keeps = any(d.name == "aliaspreservepath" and d.arguments.lower() == "on" for d in section.layer.directives)
            for directive in section.layer.directives:
                words = directive.words() if directive.name in ("alias", "scriptalias") else []
                if len(words) == 1:
                    is_script = directive.name == "scriptalias"
                    target = _with_references(words[0], section.pattern) if section.is_regex else words[0]
                    yield Alias(section.pattern, target, section.is_regex, is_script, directive.place, keeps_path=keeps)


_NAMED = re.compile(r"\((?:\?P?<([A-Za-z_]\w*)>|(?!\?))")


def _with_references(target: str, pattern: str) -> str:
    """`%{env:MATCH_NAME}`, which a LocationMatch sets of its named groups, as `$1` to `$9`."""
    for number, name in enumerate(_NAMED.findall(pattern.replace("\\(", "")), 1):
        if name and number < 10:
            target = target.replace(f"%{{env:MATCH_{name.upper()}}}", f"${number}")
    return target


def aliased(uri: str, scopes: Sequence[Scope]) -> tuple[str, Alias] | None:
    """The file that an alias gives a URL, and the alias."""
    located = list(located_aliases(scopes, uri))
    if located:
        alias = located[-1]
        match = matches(alias.url, uri) if alias.is_pattern else None
        if match is not None and "$" in alias.target:
            return substituted(alias.target, match), alias
        if "%{" in alias.target:
            raise UndecidedError(f"{alias.place}: an Alias by an expression is not understood")
        return alias.target + (uri[len(alias.url.rstrip("/")) :] if alias.keeps_path else ""), alias
    for alias in aliases_of(scopes):
        if alias.is_pattern:
            match = matches(alias.url, uri)
            if match is not None:
                return substituted(alias.target, match), alias
        elif length := prefix_length(uri, alias.url):
            return alias.target + uri[length:], alias
    return None


def redirected(uri: str, directives: Sequence[Directive]) -> Mapped | None:
    """The answer that a Redirect or RedirectMatch line gives, the first that is about the URL."""
    for directive in directives:
        if directive.name not in ("redirect", "redirectmatch", "redirectpermanent", "redirecttemp"):
            continue
        words = directive.words()
        status = {"redirectpermanent": "301", "redirecttemp": "302"}.get(directive.name, "302")
        if words and (words[0].lower() in _STATUS or words[0].isdecimal()) and directive.name in ("redirect", "redirectmatch"):
            status, words = _STATUS.get(words[0].lower(), words[0]), words[1:]
        refuses = status.startswith(("4", "5"))
        if not words:
            concerned = refuses  # in a Location section: the URL is the section's
        elif directive.name == "redirectmatch":
            concerned = matches(words[0], uri) is not None
        elif len(words) == 1 and not refuses:
            concerned = True  # in a Location section too
        else:
            concerned = prefix_length(uri, words[0]) > 0
        if concerned:
            return Mapped("answer", f"{directive.spelled} answers {status}", directive.place)
    return None


_PROXY_LINES = ("proxypass", "proxypassmatch")


def proxied(uri: str, scopes: Sequence[Scope]) -> Mapped | None:
    """The proxied URL that a ProxyPass or ProxyPassMatch line gives; a target of `!` ends the search with none."""
    for found in (*_located_proxies(uri, scopes), *_server_proxies(uri, scopes)):
        if found is not None:
            return found if found.kind == "proxy" else None
    return None


def _located_proxies(uri: str, scopes: Sequence[Scope]) -> Iterator[Mapped | None]:
    """Lines of Location sections, whose URL is the section's."""
    for scope in scopes:
        for section in scope.locations:
            for directive in section.layer.directives:
                if directive.name in _PROXY_LINES and is_located(section, uri):
                    words = [word for word in directive.words() if "=" not in word or "://" in word]
                    yield _proxied_by(section.pattern, words[0] if words else "!", uri, directive, is_pattern=section.is_regex)


def _server_proxies(uri: str, scopes: Sequence[Scope]) -> Iterator[Mapped | None]:
    for scope in scopes:
        for directive in scope.layer.directives:
            words = directive.words() if directive.name in _PROXY_LINES else []
            if len(words) > 1:
                yield _proxied_by(words[0], words[1], uri, directive, is_pattern=directive.name == "proxypassmatch")


def _proxied_by(url: str, target: str, uri: str, directive: Directive, *, is_pattern: bool) -> Mapped | None:
    """The proxied URL, `Mapped("none", …)` for an exclusion, None when the line is about other URLs."""
    if is_pattern:
        match = matches(url, uri)
        if match is None:
            return None
        if target == "!":
            return Mapped("none", "", directive.place)
        found = substituted(target, match)
        return Mapped("proxy", found + uri if found == target else found, directive.place)
    length = prefix_length(uri, url)
    if not length:
        return None
    return Mapped("none", "", directive.place) if target == "!" else Mapped("proxy", target + uri[length:], directive.place)


@dataclass(frozen=True, slots=True)
class UserDirectories:
    """`UserDir`: the places it names, and for whom it is switched on."""

    places: tuple[str, ...]
    place: Place | None
    enabled: frozenset[str]
    disabled: frozenset[str]
    is_disabled: bool

    def is_served(self, user: str) -> bool:
        """Whether `/~user/` is mapped."""
        if user in ("", ".", "..") or user in self.disabled:
            return False
        return not self.is_disabled or user in self.enabled


def user_directories(scopes: Sequence[Scope]) -> UserDirectories:
    """UserDir of the server: the virtual host's lines after the main server's."""
    places: tuple[str, ...] = ()
    where: Place | None = None
    enabled: set[str] = set()
    disabled: set[str] = set()
    is_disabled = False
    for scope in scopes:
        for directive in scope.layer.directives:
            if directive.name != "userdir":
                continue
            words = directive.words()
            keyword = words[0].lower() if words else ""
            if keyword in ("disabled", "disable"):
                disabled.update(words[1:])
                is_disabled = is_disabled or len(words) == 1
            elif keyword in ("enabled", "enable"):
                enabled.update(words[1:])
            else:
                places, where = tuple(words), directive.place
    return UserDirectories(places, where, frozenset(enabled), frozenset(disabled), is_disabled)
