"""Real Apache, nginx and PHP-FPM on configurations written here, and what `php_execution` says about the same files.

A case is a small root file system: the machine's stock /etc/apache2, /etc/nginx and /etc/php, copied, with the case's changes. Cases that differ
only inside one virtual host or server block are put into one root, each with a name and docroot of its own, so that one start of the servers
answers for all. The servers run in namespaces of their own; nothing of the machine's own instances is touched.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from hardaudit.audit.registry import Registry
from hardaudit.engine.engine import Bounds, Engine
from hardaudit.target.target import Target
from hardaudit_plugins.web.execution import STANDARD_NAMES

DOCROOT = "/var/www/shop"
UPLOADS = f"{DOCROOT}/images"
HOST = "shop.test"
TABLES = tuple(Registry().tables.values())
PROBE = Path(__file__).with_name("php_probe.py")
STOCK_MODULES = (
    *("authz_core", "authz_host", "mime", "dir", "alias", "mpm_prefork", "access_compat", "env", "filter", "negotiation", "autoindex"),
)
PROGRAMS = ("apache2ctl", "nginx", "php-fpm8.2", "php-cgi", "unshare", "setpriv", "ip")
# The servers end with the test, however it ends.
PRIVATELY = ("setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc")
PHP_CGI = ("/usr/bin/php-cgi", "/usr/bin/php-cgi8.2", "/usr/lib/cgi-bin/php8.2")
NAMES = [name for name in STANDARD_NAMES if name != ".htaccess"]
QUERY = """
SELECT file_name, executes, site, url, reason FROM php_execution WHERE directory = :directory AND file_name IN (SELECT value FROM json_each(:names))
UNION ALL
SELECT file_name, executes, site, url, reason FROM php_execution WHERE directory = :directory AND file_name = '.htaccess' AND crafted = 1
"""
"""Plain requests; of an uploaded .htaccess every text."""


@dataclass(frozen=True)
class Case:
    """A configuration and the upload directory to ask about."""

    name: str
    server: str
    site: str
    mods: tuple[str, ...] = ("php8.2",)
    confs: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    directory: str = UPLOADS
    url: str = "/images/"
    port: int = 80
    host: str = HOST
    fpm: bool = False

    @property
    def servers(self) -> list[str]:
        return [*(["fpm"] if self.fpm else []), self.server]


def _texts(case: Case) -> str:
    return "\n".join((case.site, *case.files.values()))


def shareable(case: Case) -> bool:
    """Does nothing of the case reach outside its one virtual host and docroot?"""
    site = case.site.strip()
    if case.server == "apache":
        whole = site.startswith("<VirtualHost *:80>") and site.endswith("</VirtualHost>") and site.count("<VirtualHost") == 1
    else:
        whole = site.startswith(f"server {{\n    listen 80;\n    server_name {HOST};\n") and site.count("server {") == 1
    outside = "".join(text for path, text in case.files.items() if not path.startswith(DOCROOT))
    plain = (
        (case.directory, case.host, case.port) == (UPLOADS, HOST, 80) and not case.links and DOCROOT not in outside and HOST not in outside
    )
    rest = _texts(case).replace(DOCROOT, "").replace(HOST, "")
    # PHP-FPM's workers keep a PHP_ADMIN_VALUE of one request for the requests that follow
    return plain and whole and not any(word in rest for word in ("sho", "hop", "PHP_VALUE", "PHP_ADMIN"))


def share_key(case: Case) -> tuple[object, ...]:
    """Cases of the same key can be put into one root."""
    outside = tuple(sorted((path, text) for path, text in case.files.items() if not path.startswith(DOCROOT)))
    return (case.server, case.mods, case.confs, case.fpm, outside)


def renamed(case: Case, name: str) -> Case:
    """The case with a host name and docroot of its own."""

    def change(text: str) -> str:
        return text.replace(DOCROOT, f"/var/www/{name}").replace(HOST, f"{name}.test")

    return replace(
        case,
        site=change(case.site),
        files={change(path): change(text) for path, text in case.files.items()},
        directory=change(case.directory),
        host=change(case.host),
    )


def batches(cases: Iterable[Case], most: int = 120) -> list[list[Case]]:
    """The cases in the roots they are put into; those of one root are renamed."""
    shared, made = defaultdict(list), []
    for case in cases:
        if shareable(case):
            shared[share_key(case)].append(case)
        else:
            made.append([case])
    for group in shared.values():
        for start in range(0, len(group), most):
            part = group[start : start + most]
            made.append(part if len(part) == 1 else [renamed(case, f"c{number:03}") for number, case in enumerate(part)])
    return made


def _write(place: Path, text: str) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text)


def _enable(apache: Path, kind: str, names: Sequence[str], extensions: Sequence[str]) -> None:
    for name in names:
        for extension in extensions:
            link = apache / f"{kind}-enabled" / f"{name}.{extension}"
            if (apache / f"{kind}-available" / link.name).exists() and not link.is_symlink():
                link.symlink_to(f"../{kind}-available/{link.name}")


def build(cases: Sequence[Case], root: Path) -> None:
    """The root file system of cases that share one."""
    etc = root / "etc"
    for tree in ("apache2", "nginx", "php"):
        shutil.copytree(f"/etc/{tree}", etc / tree, symlinks=True)
    for name in ("passwd", "group", "os-release", "mime.types"):
        shutil.copy(f"/etc/{name}", etc / name)
    for enabled in ("apache2/mods-enabled", "apache2/sites-enabled", "apache2/conf-enabled", "nginx/sites-enabled"):
        for place in (etc / enabled).iterdir():
            place.unlink()
    for directory in ("srv", "home", "var/www/other", DOCROOT[1:]):
        (root / directory).mkdir(parents=True, exist_ok=True)
    first = cases[0]
    for case in cases:
        for path, text in case.files.items():
            if "/conf-available/" in path or "/mods-available/" in path:
                _write(root / path[1:], text)
    _enable(etc / "apache2", "mods", (*STOCK_MODULES, *first.mods), ("load", "conf"))
    _enable(etc / "apache2", "conf", first.confs, ("conf",))
    sites = etc / ("apache2" if first.server == "apache" else "nginx")
    for case in cases:
        _write(sites / f"sites-available/{case.host}.conf", case.site)
        (sites / f"sites-enabled/{case.host}.conf").symlink_to(f"../sites-available/{case.host}.conf")
        for path, target in case.links.items():
            (root / path[1:]).parent.mkdir(parents=True, exist_ok=True)
            (root / path[1:]).symlink_to(target)
        for path, text in case.files.items():
            _write(root / path[1:], text)
        uploads = root / case.directory[1:]
        if not uploads.is_symlink():
            uploads.mkdir(parents=True, exist_ok=True)
        docroot = uploads.parent if case.directory.endswith("/images") else root / DOCROOT[1:]
        if docroot.is_dir() and not (docroot / "index.html").exists():
            _write(docroot / "index.html", "hello\n")
    if {"cgi", "cgid", "fcgid"} & set(first.mods):
        for program in PHP_CGI:
            (root / program[1:]).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(program, root / program[1:])
    subprocess.run(["chmod", "-R", "a+rX", str(root)], check=True)


class ServerError(Exception):
    """The servers of a root did not start."""


def ask_servers(cases: Sequence[Case], root: Path) -> dict[str, dict[str, dict[str, object]]]:
    """What the real servers did with each file name, by case."""
    job = root / "job.json"
    described = [{name: getattr(case, name) for name in ("name", "server", "directory", "url", "host", "port")} for case in cases]
    job.write_text(json.dumps({"servers": cases[0].servers, "cases": described}))
    command = [*PRIVATELY, sys.executable, str(PROBE), str(root), str(job)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    job.unlink()
    if done.returncode or not done.stdout.strip():
        raise ServerError(done.stderr)
    answers = json.loads(done.stdout.splitlines()[-1])
    if "error" in answers:
        raise ServerError(answers["error"])
    return answers


@dataclass(frozen=True)
class Verdict:
    """The table's verdict on a file name through every site and URL, and the reasons of the rows that make it."""

    executes: bool | None
    reasons: tuple[str, ...]


def ask_table(cases: Sequence[Case], root: Path) -> dict[str, dict[str, Verdict]]:
    """What `php_execution` says, by case: PHP runs if it runs through any site or URL; undecided only if none says so."""
    found = {}
    with Target.directory(str(root)) as target, Engine(target, TABLES) as engine:
        for case in cases:
            rows = defaultdict(list)
            for row in engine.run(QUERY, {"directory": case.directory, "names": json.dumps(NAMES)}, Bounds(seconds=120)).rows:
                rows[row["file_name"]].append((row["executes"], f"{row['site']} {row['url']}: {row['reason']}"))
            found[case.name] = {name: _verdict(listed) for name, listed in rows.items()}
    return found


def _verdict(rows: list[tuple[int | None, str]]) -> Verdict:
    executes = True if any(value == 1 for value, _ in rows) else None if any(value is None for value, _ in rows) else False
    return Verdict(executes, tuple(reason for value, reason in rows if (value is None if executes is None else bool(value) == executes)))


def differences(cases: Sequence[Case], root: Path) -> list[str]:
    """Where the table does not say what the servers do, a line each."""
    build(cases, root)
    servers, table = ask_servers(cases, root), ask_table(cases, root)
    lines = []
    for case in cases:
        for name, answer in servers[case.name].items():
            verdict = table[case.name].get(name, Verdict(False, ("no row",)))
            if verdict.executes is not answer["executes"]:
                kind = "undecided" if verdict.executes is None else "missed" if answer["executes"] else "false"
                does = (
                    f"runs it ({answer['with']!r})"
                    if "with" in answer
                    else "runs it"
                    if answer["executes"]
                    else f"answers {answer['status']}"
                )
                lines.append(f"{case.name} {name}: {kind}; the server {does}; the table: {' / '.join(verdict.reasons)}")
    return lines
