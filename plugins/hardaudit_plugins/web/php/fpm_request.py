"""What a pool of PHP-FPM does with one request (sapi/fpm/fpm/fpm_main.c, main/fopen_wrappers.c)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardaudit_plugins.web.php.defaults import version_number
from hardaudit_plugins.web.php.ini_scanner import IniSyntaxError, parse_ini
from hardaudit_plugins.web.php.open_basedir import is_within
from hardaudit_plugins.web.php.script import UndecidedError, View, choose_script
from hardaudit_plugins.web.php.user_ini import user_ini_directories, user_ini_values

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hardaudit_plugins.web.files import Files
    from hardaudit_plugins.web.php.pool import Pool
    from hardaudit_plugins.web.php.script import Chosen
    from hardaudit_plugins.web.verdict import Place

DEFAULTS = {
    "cgi.fix_pathinfo": "1",
    "cgi.discard_path": "0",
    "doc_root": "",
    "user_dir": "",
    "open_basedir": "",
    "user_ini.filename": ".user.ini",
}
_LONGEST_PATH = 4096
_FIRST_DECODING = (8, 3)


@dataclass(frozen=True, slots=True)
class FpmAnswer:
    """What a pool does with a request: `script` is the file (a real path on the host) whose code runs, or None.

    `undecided`: it cannot be said, and `reason` says why. `status`: what FPM answers where no script runs; 502 stands for no answer.
    """

    script: str | None
    reason: str
    place: Place | None = None
    undecided: bool = False
    status: int = 404


@dataclass(frozen=True, slots=True)
class _Request:
    """A request to a pool. `sent`: the settings among its parameters."""

    pool: Pool
    parameters: Mapping[str, str]
    files: Files
    sent: Mapping[str, str]


def answer_of_pool(pool: Pool, parameters: Mapping[str, str], files: Files) -> FpmAnswer:
    """What the pool runs for a request with these parameters."""
    if pool.refused is not None:
        return FpmAnswer(None, f"PHP-FPM's configuration is not understood: {pool.refused}", pool.place, undecided=True)
    try:
        return _decided(_Request(pool, parameters, files, _sent_settings(parameters)))
    except UndecidedError as error:
        return FpmAnswer(None, str(error), pool.place, undecided=True)
    except OSError as error:
        return FpmAnswer(None, f"{error.filename or 'a file'}: {error.strerror or error}", pool.place, undecided=True)


def _decided(request: _Request) -> FpmAnswer:
    """The answer that holds for every version and every request before this one; UndecidedError where there is none."""
    answer = _answer(request, {})
    if answer.script is None and not request.pool.base.complete:
        raise UndecidedError("not every ini file of its PHP could be read")
    if request.sent.keys() & {"cgi.fix_pathinfo", "cgi.discard_path"} and answer.script != _answer(request, request.sent).script:
        raise UndecidedError("cgi.fix_pathinfo among the request's parameters counts from a worker's next request on")
    if _may_decode(request) and answer.script != _answer(request, {}, decoded=True).script:
        raise UndecidedError("some releases of this PHP undo the percent signs in what Apache's proxy sends, some do not")
    return answer


def _may_decode(request: _Request) -> bool:
    """Whether the path comes through Apache's proxy with percent signs, to a version of which some releases undo them: 8.3 and later."""
    sent = request.parameters.get("SCRIPT_FILENAME", "")
    return "%" in sent and sent.lower().startswith("proxy:") and version_number(request.pool.version) >= _FIRST_DECODING


def _answer(request: _Request, kept: Mapping[str, str], *, decoded: bool = False) -> FpmAnswer:
    """The answer with settings that a worker has kept from the request before."""
    pool, parameters = request.pool, request.parameters
    check_lengths(parameters)
    view = View(request.files, pool.chroot)
    chosen = choose_script(parameters, lambda name: kept.get(name, pool.setting(name, DEFAULTS[name])), view, decoded=decoded)
    if "REQUEST_METHOD" not in parameters:
        status = 404 if chosen.not_found else 200
        return FpmAnswer(None, "PHP-FPM drops a request without REQUEST_METHOD among its parameters", pool.place, status=status)
    refused = _refused(pool, chosen)
    return refused or open_script(pool, chosen, request.sent, parameters.get("DOCUMENT_ROOT"), request.files)


def open_script(pool: Pool, chosen: Chosen, sent: Mapping[str, str], docroot: str | None, files: Files) -> FpmAnswer:
    """Whether PHP opens the script that it chose, and runs it (php_fopen_primary_script). `sent`: settings among the parameters."""
    doc_root, user_dir = (sent.get(name, pool.setting(name, "")) for name in ("doc_root", "user_dir"))
    path = _primary_script(chosen.path, chosen.url, doc_root, user_dir)
    view = View(files, pool.chroot)
    if not path or not view.is_file(path):
        return FpmAnswer(None, f"PHP finds no file {path or ''}".rstrip(), pool.place)
    refused = _outside(pool, path, sent, view)
    if refused is not None:
        return refused
    directory = f"{(chosen.path or '').rpartition('/')[0]}/"
    for value in _directory_limits(pool, directory, docroot if docroot is not None else doc_root or None, files):
        if not is_within(path, value, view):
            raise UndecidedError(f"open_basedir ({value}), set for the script's directory, may not let PHP open it")
    return FpmAnswer(view.host(path), f"pool {pool.name} of PHP-FPM runs it" if pool.name else "php-cgi runs it", pool.place)


def _refused(pool: Pool, chosen: Chosen) -> FpmAnswer | None:
    """The pool's own pages, a path that leads to nothing, and security.limit_extensions."""
    for directive in ("pm.status_path", "ping.path"):
        own, place = pool.directives.get(directive, ("", pool.place))
        if own and chosen.url == own:
            return FpmAnswer(None, f"PHP-FPM answers {own} itself", place, status=200)
    if not chosen.path:
        return FpmAnswer(None, "PHP-FPM finds no script for the request", pool.place)
    if pool.limit_extensions and not _is_allowed(chosen.path, pool.limit_extensions):
        place = pool.directives.get("security.limit_extensions", ("", pool.place))[1]
        return FpmAnswer(None, f"security.limit_extensions ({' '.join(pool.limit_extensions)}) refuses {chosen.path}", place, status=403)
    return None


def check_lengths(parameters: Mapping[str, str]) -> None:
    """Raises UndecidedError for a path that is longer than any file's."""
    if any(len(value) > _LONGEST_PATH for value in parameters.values() if value.startswith(("/", "proxy:"))):
        raise UndecidedError("a path in the request is longer than any file's")


def _is_allowed(path: str, extensions: tuple[str, ...]) -> bool:
    """fpm_php_limit_extensions: the path ends in one of them, letters compared as they are, and is longer."""
    return any(path.endswith(extension) and len(path) > len(extension) for extension in extensions)


def _primary_script(path: str | None, url: str | None, doc_root: str, user_dir: str) -> str | None:
    """php_fopen_primary_script: doc_root and user_dir make PHP open a file by the URL instead."""
    if user_dir and url is not None and url.startswith("/~"):
        raise UndecidedError("user_dir makes PHP look for the script in a user's home directory")
    if doc_root.startswith("/") and url is not None:
        return f"{doc_root.rstrip('/')}/{url.removeprefix('/')}"
    return path


def _outside(pool: Pool, path: str, sent: Mapping[str, str], view: View) -> FpmAnswer | None:
    """open_basedir, of the request or the pool or php.ini, where it does not let PHP open the script."""
    value, place = sent.get("open_basedir"), pool.place
    if value is None:
        own, file = pool.ini.get("open_basedir"), pool.base.values.get("open_basedir")
        value = pool.setting("open_basedir", "")
        place = own.place if own is not None else file.place if file is not None else pool.place
    if is_within(path, value, view):
        return None
    return FpmAnswer(None, f"open_basedir ({value}) does not let PHP open {path}", place)


def _directory_limits(pool: Pool, directory: str, docroot: str | None, files: Files) -> list[str]:
    """The values of open_basedir that [PATH=] sections and files like .user.ini set for the script's directory."""
    values = [settings["open_basedir"].value for _, settings in pool.base.for_directory(directory) if "open_basedir" in settings]
    name = pool.setting("user_ini.filename", DEFAULTS["user_ini.filename"])
    if not name:
        return values
    places = [place.rstrip("/") for place in user_ini_directories(directory, docroot)]
    return values + user_ini_values("open_basedir", [f"{pool.chroot}{place}/{name}" for place in places], files)


def _sent_settings(parameters: Mapping[str, str]) -> dict[str, str]:
    """The settings of PHP_VALUE and then PHP_ADMIN_VALUE; FPM takes both whatever the pool or php.ini says."""
    found: dict[str, str] = {}
    for parameter in ("PHP_VALUE", "PHP_ADMIN_VALUE"):
        try:
            for statement in parse_ini(f"{parameters.get(parameter, '')}\n", lambda _: None, lambda: None):
                if statement.kind == "entry" and statement.value is not None:
                    if statement.unresolved is not None:
                        raise UndecidedError(f"{parameter} has {statement.unresolved}, whose value is not known")
                    found[statement.name] = statement.value
        except IniSyntaxError:
            continue  # what came before the error counts
    return found
