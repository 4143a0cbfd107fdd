"""Which sections and .htaccess files speak about a file and a URL, in the order in which Apache merges them.

Source: ap_directory_walk, ap_file_walk, ap_location_walk and ap_if_walk in server/request.c of httpd 2.4.
"""

from __future__ import annotations

import stat
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from hardaudit_plugins.web.apache.access_file import AccessFileError, read_access_file
from hardaudit_plugins.web.apache.expr import ExprError, evaluate
from hardaudit_plugins.web.apache.fnmatch import matches_wildcard
from hardaudit_plugins.web.apache.options import Override, folded_options, folded_override
from hardaudit_plugins.web.apache.patterns import matches
from hardaudit_plugins.web.apache.refused import RefusedError
from hardaudit_plugins.web.apache.sections import ordered_directories, scope_of, without_lines
from hardaudit_plugins.web.files import Files

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hardaudit.target.target import Target
    from hardaudit_plugins.web.apache.directive import Configuration
    from hardaudit_plugins.web.apache.expr import Environment
    from hardaudit_plugins.web.apache.sections import Layer, Scope, Section
    from hardaudit_plugins.web.apache.state import State
    from hardaudit_plugins.web.choices import Choices
    from hardaudit_plugins.web.verdict import Place


@dataclass(slots=True)
class Walked:
    """Layers in merge order, and the sections in them that are to be applied later."""

    layers: list[Layer] = field(default_factory=list)
    files: list[Section] = field(default_factory=list)
    conditions: list[Section] = field(default_factory=list)
    override: Override = field(default_factory=Override)

    def add(self, section: Section) -> None:
        """Merge a section."""
        self.add_parts(section.layer, section.files, section.conditions)

    def add_parts(self, layer: Layer, files: Iterable[Section], conditions: Iterable[Section]) -> None:
        """Merge what a section, a server or a .htaccess file holds."""
        self.layers.append(layer)
        self.files.extend(files)
        self.conditions.extend(conditions)


@dataclass(frozen=True, slots=True)
class Walker:
    """Walks for requests to one virtual host. `scopes`: the main server's, then the virtual host's.

    `left_out`: lines of .htaccess files that are taken away, to see what they do.
    """

    configuration: Configuration
    scopes: Sequence[Scope]
    access_files: tuple[str, ...]
    left_out: frozenset[Place] = frozenset()

    def start(self) -> Walked:
        """What stands outside of Directory, Location and the like."""
        walked = Walked()
        for scope in self.scopes:
            walked.add_parts(scope.layer, scope.files, scope.conditions)
        return walked

    def walk(self, state: State, files: Files, choices: Choices, *, proxied: str | None = None) -> Walked:
        """Everything that speaks about a request, whose file is known unless it is proxied to a URL.

        Raises RefusedError, UndecidedError of patterns, and OSError of the target.
        """
        environment = state.environment(files)
        walked = self.start()
        if proxied is not None:
            self._proxies(walked, proxied)
        else:
            self._directories(walked, state.filename, files, is_whole=not state.path_info)
            self._files(walked, state.filename.rpartition("/")[2])
        self._locations(walked, state.uri)
        self._conditions(walked, environment, choices)
        return walked

    def in_directory(self, directory: str, target: Target) -> Walked:
        """What speaks about the files of a directory whatever their names and URLs. Raises OSError of the target, and UndecidedError."""
        walked = self.start()
        try:
            self._directories(walked, directory.rstrip("/") + "/", Files(target, {}), is_whole=False)
        except RefusedError:
            return walked  # no request gets there, and none has other settings
        return walked

    def _directories(self, walked: Walked, filename: str, files: Files, *, is_whole: bool) -> None:
        """Directory sections and .htaccess files, then sections with regular expressions.

        Where links are followed unseen and no path info comes after the file (`is_whole`), its own path is a "directory" too.
        """
        plain, patterns = ordered_directories(section for scope in self.scopes for section in scope.directories)
        parts = [part for part in filename.split("/") if part]
        inside = filename.endswith("/")  # a directory is asked about, no file in it
        for depth in range(len(parts) + 1):
            directory = "/" + "".join(f"{part}/" for part in parts[:depth])
            if depth == len(parts) and not inside and not (is_whole and _follows_unseen(folded_options(walked.layers))):
                break
            for section in plain:
                if section.components == depth and _is_path(section, directory):
                    walked.add(section)
                    walked.override = folded_override([section.layer], walked.override)
            if depth < len(parts) or inside:
                self._access_file(walked, directory, files)
            if depth < len(parts):
                _check_link(directory + parts[depth], folded_options(walked.layers), files)
        for section in patterns:
            if matches(section.pattern, filename):
                walked.add(section)

    def _proxies(self, walked: Walked, url: str) -> None:
        for scope in self.scopes:
            for section in scope.proxies:
                if matches(section.pattern, url) if section.is_regex else _is_proxied(section, url):
                    walked.add(section)

    def _access_file(self, walked: Walked, directory: str, files: Files) -> None:
        if not walked.override.reads_files:
            return
        for name in self.access_files:
            path = directory + name
            if not files.is_file(path):
                if files.exists(path):
                    raise RefusedError(f"the server answers 403: {path} is no file", None)
                continue
            try:
                directives = read_access_file(files.read_text(path), path, self.configuration, walked.override)
            except AccessFileError as error:
                raise RefusedError(f"the server answers 500: {error.message}", error.place) from error
            scope = without_lines(scope_of(directives, path), self.left_out)
            walked.add_parts(replace(scope.layer, htaccess=path, directory=directory), scope.files, scope.conditions)
            return

    def _files(self, walked: Walked, name: str) -> None:
        for section in tuple(walked.files):
            if _is_named(section, name):
                walked.layers.append(section.layer)
                walked.conditions.extend(section.conditions)

    def _locations(self, walked: Walked, uri: str) -> None:
        for scope in self.scopes:
            for section in scope.locations:
                if is_located(section, uri):
                    walked.layers.append(section.layer)
                    walked.conditions.extend(section.conditions)

    def _conditions(self, walked: Walked, environment: Environment, choices: Choices) -> None:
        pending = list(walked.conditions)
        chain_taken = False
        while pending:
            section = pending.pop(0)
            if section.kind == "if":
                chain_taken = False
            holds = not chain_taken and (section.kind == "else" or _holds(section.pattern, environment, choices))
            if holds:
                chain_taken = True
                walked.layers.append(section.layer)
                pending = [*section.conditions, *pending]


def _holds(condition: str, environment: Environment, choices: Choices) -> bool:
    """Whether an If section is merged; one whose evaluation fails is not."""
    try:
        return evaluate(condition, environment, choices)
    except ExprError:
        return False


def _follows_unseen(options: frozenset[str]) -> bool:
    return "followsymlinks" in options and "symlinksifownermatch" not in options


def _is_path(section: Section, directory: str) -> bool:
    return matches_wildcard(section.pattern, directory) if section.is_wildcard else section.pattern == directory


def _is_proxied(section: Section, url: str) -> bool:
    if section.pattern == "*":
        return True
    return matches_wildcard(section.pattern, url) if section.is_wildcard else url.startswith(section.pattern)


def _is_named(section: Section, name: str) -> bool:
    if section.is_regex:
        return matches(section.pattern, name) is not None
    return matches_wildcard(section.pattern, name) if section.is_wildcard else section.pattern == name


def is_located(section: Section, uri: str) -> bool:
    """Whether a Location section is about a URL path."""
    pattern = section.pattern
    if section.is_regex:
        return matches(pattern, uri) is not None
    if section.is_wildcard:
        return matches_wildcard(pattern, uri)
    return uri.startswith(pattern) and (pattern.endswith("/") or uri[len(pattern) : len(pattern) + 1] in ("", "/"))


def _check_link(path: str, options: frozenset[str], files: Files) -> None:
    """Raise RefusedError for a link that the options do not let follow. What does not exist is the upload: no link."""
    if "followsymlinks" in options or not path.rstrip("/"):
        return
    try:
        status = files.target.lstat(path)
        if not stat.S_ISLNK(status.st_mode) or files.uploaded(path) is not None:
            return
        if "symlinksifownermatch" in options and files.target.stat(path).st_uid == status.st_uid:
            return
    except (FileNotFoundError, NotADirectoryError):
        return
    raise RefusedError(f"{path} is a symbolic link, and Options do not let links be followed", None)
