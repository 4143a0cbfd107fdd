"""Which script FPM and php-cgi take a request for: init_request_info() of sapi/fpm/fpm/fpm_main.c and sapi/cgi/cgi_main.c."""

from __future__ import annotations

import errno
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from hardaudit.model import host_text
from hardaudit_plugins.web.php.ini_files import is_on

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hardaudit_plugins.web.files import Files

_PROXY_PREFIXES = ("proxy:fcgi://", "proxy:balancer://")


class UndecidedError(Exception):
    """What PHP does cannot be said; the text says why."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The script's path as PHP has it (None: "No input file specified"), and the URL it takes the request for.

    `not_found`: no part of the path leads to a file, which PHP answers with 404.
    """

    path: str | None
    url: str | None
    not_found: bool = False


class View:
    """The files as a PHP process sees them: below its chroot, by absolute paths.

    Raises UndecidedError for a path that depends on what is not known; OSError as `Files` does.
    """

    def __init__(self, files: Files, chroot: str) -> None:
        self._files = files
        self._chroot = chroot.rstrip("/")

    def host(self, path: str) -> str:
        """The path on the host, without links."""
        if not path.startswith("/"):
            raise UndecidedError(f"the path {path!r} is relative: it depends on the directory that the PHP process is in")
        real = self._files.real(f"{self._chroot}{path}")
        if self._chroot and self._has_links(path):
            raise UndecidedError(f"{path} leads through links inside the chroot {self._chroot}")
        return real

    def _has_links(self, path: str) -> bool:
        """Whether a part of the path is a link or `..`, which mean something else inside a chroot."""
        here = self._chroot
        for part in path.split("/"):
            here = f"{here}/{part}"
            try:
                if part == ".." or stat.S_ISLNK(self._files.target.lstat(here).st_mode):
                    return True
            except (FileNotFoundError, NotADirectoryError):
                continue
        return False

    def is_file(self, path: str) -> bool:
        """Whether stat(2) finds a regular file."""
        try:
            return not self._must_be_directory(path) and self._files.is_file(self._there(path))
        except OSError as error:
            return _not_a_loop(error)

    def exists(self, path: str) -> bool:
        """Whether realpath(3) succeeds."""
        try:
            there = self._there(path)
            return self._files.is_directory(there) or (not self._must_be_directory(path) and self._files.exists(there))
        except OSError as error:
            return _not_a_loop(error)

    def _there(self, path: str) -> str:
        self.host(path)
        return f"{self._chroot}{path}"

    @staticmethod
    def _must_be_directory(path: str) -> bool:
        return path.rpartition("/")[2] in ("", ".", "..")


def _not_a_loop(error: OSError) -> bool:
    """False for links that lead nowhere for ever; another error is raised again."""
    if error.errno == errno.ELOOP:
        return False
    raise error


def choose_script(
    parameters: Mapping[str, str], setting: Callable[[str], str], view: View, *, cgi: bool = False, decoded: bool = False
) -> Chosen:
    """The script for a request's parameters. `setting` gives the value of an ini setting.

    `cgi`: as php-cgi does it, not FPM. `decoded`: as those versions of FPM do it that undo the percent signs in what Apache's proxy sends.
    """
    given = {name: value.partition("\x00")[0] for name, value in parameters.items()}
    script, apache = (given.get("SCRIPT_FILENAME"), False) if cgi else _without_proxy(given.get("SCRIPT_FILENAME"))
    if decoded and apache and script is not None:
        script = host_text.decode(unquote_to_bytes(host_text.encode(script))).partition("\x00")[0]
    translated, url = given.get("PATH_TRANSLATED"), given.get("SCRIPT_NAME")
    path = translated if script is None else script
    if path is None:
        return Chosen(None, None)
    if not is_on(setting("cgi.fix_pathinfo")):
        if not is_on(setting("cgi.discard_path")) and translated is not None:
            path = translated
        info = given.get("PATH_INFO")
        return Chosen(_valid(path), url if info is None else info)
    redirect = given.get("REDIRECT_URL")
    if not apache and translated is not None and redirect is not None and translated != path:
        path, url = translated, redirect
    if path and (path.endswith("/") or not view.exists(path)):
        return _walk_back(given, path, url, view, apache=apache)
    return Chosen(_valid(path), url)


def _without_proxy(script: str | None) -> tuple[str | None, bool]:
    """SCRIPT_FILENAME without the address that Apache's mod_proxy_fcgi puts before it, and whether there was one."""
    apache = False
    for prefix in _PROXY_PREFIXES:
        if script is not None and script.lower().startswith(prefix):
            slash = script.find("/", len(prefix))
            if slash >= 0:
                script, apache = script[slash:], True
            script = script.partition("?")[0]
    return script, apache


def _walk_back(given: Mapping[str, str], path: str, url: str | None, view: View, *, apache: bool) -> Chosen:
    """A path that leads to no file: parts are taken from its end until one does; they are the path info."""
    base = path
    while "/" in base or "\\" in base:
        base = base[: base.rindex("/" if "/" in base else "\\")]
        if base and view.is_file(base):
            return Chosen(_valid(base), _url_without_info(given, path, base, url, apache=apache))
    return Chosen(None, url, not_found=True)


def _url_without_info(given: Mapping[str, str], path: str, base: str, url: str | None, *, apache: bool) -> str | None:
    """What SCRIPT_NAME becomes, the part that turned out to be path info taken away."""
    info = given.get("PATH_INFO")
    length = len(path) - len(base)
    name = given.get("SCRIPT_NAME")
    if apache:
        found: str | None = path[len(base) :]
        changed = length != 0 and info != found
    else:
        found = info[len(info) - length :] if info is not None and len(info) > length else None
        changed = found is not None and found != info
    if not changed or found is None:
        return url
    if info is not None:
        if apache:
            return info if name != info else name
        cut = info[: len(info) - length]
        return cut if name != cut else name
    if apache and url is not None and len(url) > length and url.endswith(found):
        return url[: -len(found)]
    return url


def _valid(path: str) -> str | None:
    """PHP refuses a path with `..` in it (is_valid_path)."""
    return None if ".." in path.split("/") else path
