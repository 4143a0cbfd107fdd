"""Where an nginx is installed, and what its program says about itself.

Source: the text of `nginx -V`, which is in the program's file; the packages of Debian, Red Hat and nginx.org where there is no program.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hardaudit_plugins.web.evidence import Evidence

_PROGRAMS = (
    "/usr/sbin/nginx",
    "/usr/local/nginx/sbin/nginx",
    "/usr/local/sbin/nginx",
    "/opt/nginx/sbin/nginx",
    "/usr/local/openresty/nginx/sbin/nginx",
)
_CONFIGURATIONS = (
    "/etc/nginx/nginx.conf",
    "/usr/local/nginx/conf/nginx.conf",
    "/usr/local/etc/nginx/nginx.conf",
    "/opt/nginx/conf/nginx.conf",
    "/etc/opt/nginx/nginx.conf",
    "/usr/local/openresty/nginx/conf/nginx.conf",
)
_DEBIAN_PREFIX, _COMPILED_PREFIX = "/usr/share/nginx", "/usr/local/nginx"
_PREFIX = re.compile(rb"--prefix=([^\s\0']{1,500})")
_CONFIGURATION = re.compile(rb"--conf-path=([^\s\0']{1,500})")
_USER = re.compile(rb"--user=([A-Za-z0-9_.-]{1,64})")
_VERSION = re.compile(rb"nginx/(\d{1,3}\.\d{1,4}\.\d{1,4})\0")


@dataclass(frozen=True, slots=True)
class Installation:
    """A configuration that an nginx would read. `prefix` is None where it is not known, `version` empty.

    `user`: whom workers run as where the configuration does not say.
    """

    configuration: str
    prefix: str | None
    version: str
    user: str = "nobody"

    @property
    def conf_prefix(self) -> str:
        """The directory that relative includes are in."""
        return self.configuration.rpartition("/")[0]


def installations(evidence: Evidence) -> list[Installation]:
    """Every nginx of the host, by its configuration."""
    found: dict[str, Installation] = {}
    for program in _PROGRAMS:
        installed = _of_program(evidence, program)
        if installed is not None:
            found.setdefault(installed.configuration, installed)
    for path in _CONFIGURATIONS:
        if path not in found and _exists(evidence, path):
            found[path] = Installation(path, _guessed_prefix(evidence, path), "")
    return [installed for path, installed in found.items() if _exists(evidence, path)]


def _of_program(evidence: Evidence, program: str) -> Installation | None:
    if not _exists(evidence, program):
        return None
    try:
        content = evidence.target.read_bytes(program)
    except OSError as error:
        evidence.gap_for(error, program)
        return None
    prefix, configuration, version = _PREFIX.search(content), _CONFIGURATION.search(content), _VERSION.search(content)
    base = prefix[1].decode("ascii", "replace").rstrip("/") if prefix else _COMPILED_PREFIX
    path = configuration[1].decode("ascii", "replace") if configuration else f"{base}/conf/nginx.conf"
    user = _USER.search(content)
    return Installation(path, base, version[1].decode() if version else "", user[1].decode() if user else "nobody")


def _guessed_prefix(evidence: Evidence, path: str) -> str | None:
    """The prefix where the program is not there to ask: of Debian's and Red Hat's packages, or the directory above `conf`."""
    if path.endswith("/conf/nginx.conf"):
        return path.removesuffix("/conf/nginx.conf")
    if path == "/usr/local/etc/nginx/nginx.conf":
        return "/usr/local/etc/nginx"
    distribution = evidence.read_text("/etc/os-release", optional=True) or ""
    if _exists(evidence, "/etc/nginx/sites-available") or re.search(
        r"^ID(_LIKE)?=.*(debian|rhel|fedora|centos)", distribution, re.MULTILINE
    ):
        return _DEBIAN_PREFIX
    return None


def _exists(evidence: Evidence, path: str) -> bool:
    try:
        return evidence.target.exists(path)
    except OSError as error:
        evidence.gap_for(error, path)
        return False
