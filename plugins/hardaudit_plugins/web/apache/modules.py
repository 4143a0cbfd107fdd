"""Apache's modules: identifiers as LoadModule names them, and source file names as IfModule also finds them.

Source: `find_module` of server/core.c, httpd 2.4; the names were taken from the modules of the distributions.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hardaudit_plugins.web.apache.directive_table import known_modules

if TYPE_CHECKING:
    from hardaudit_plugins.web.evidence import Evidence

_LIMIT = 64 * 2**20
_SOURCE_FILE = re.compile(rb"(?<=[\x00/])([A-Za-z0-9_+-]{1,80}\.(?:c|cc|cpp|cxx))(?=\x00)")

_SOURCES = {
    "core_module": "core.c",
    "http_module": "http_core.c",
    "mpm_prefork_module": "prefork.c",
    "mpm_worker_module": "worker.c",
    "mpm_event_module": "event.c",
    "ldap_module": "util_ldap.c",
}
"""The source files whose names do not follow from the identifier."""

MODULES_WITHOUT_DIRECTIVES = frozenset(
    f"{name}_module"
    for name in (
        *(
            "asis",
            "bucketeer",
            "authz_host",
            "authz_owner",
            "authz_user",
            "data",
            "lbmethod_bybusyness",
            "lbmethod_byrequests",
            "lbmethod_bytraffic",
        ),
        *(
            "proxy_ajp",
            "proxy_balancer",
            "proxy_fdpass",
            "proxy_http2",
            "proxy_http",
            "proxy_uwsgi",
            "ratelimit",
            "slotmem_plain",
            "slotmem_shm",
        ),
        *("socache_dbm", "socache_shmcb", "status", "unique_id", "systemd"),
    )
)
"""Modules of httpd that have no directive of their own."""


def source_name(identifier: str) -> str:
    """The source file that IfModule knows a module by: `rewrite_module` is `mod_rewrite.c`."""
    return _SOURCES.get(identifier) or f"mod_{identifier.removesuffix('_module')}.c"


def is_loaded(name: str, modules: frozenset[str] | set[str], files: frozenset[str] | set[str]) -> bool:
    """Whether IfModule finds it: by its identifier, or by the name of its source file. Case counts."""
    return name in modules or name in files


def source_names(evidence: Evidence, identifier: str, path: str) -> frozenset[str]:
    """The file names by which IfModule may find a module that is loaded from `path`.

    Of a module that is not known, every source file that its object names: each module's own name is among them.
    """
    if identifier in known_modules() | MODULES_WITHOUT_DIRECTIVES:
        return frozenset({source_name(identifier)})
    try:
        content = evidence.target.read_bytes(path, _LIMIT)
    except OSError as error:
        evidence.gap_for(error, path)
        return frozenset({source_name(identifier)})
    names = {match[1].decode("ascii") for match in _SOURCE_FILE.finditer(content)}
    return frozenset({source_name(identifier), *names})
