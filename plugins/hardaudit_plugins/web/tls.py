"""What the installed OpenSSL makes of the protocol versions that a configuration names."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hardaudit_plugins.web.evidence import Evidence

_PLACES = ("/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib", "/lib64", "/lib")
_OLD = frozenset({"SSLv2", "SSLv3", "TLSv1", "TLSv1.1"})


def spoken(versions: Iterable[str], ciphers: str, evidence: Evidence) -> list[str]:
    """The versions of a list that are really spoken: OpenSSL 3 has those before TLS 1.2 at its security level 0 alone.

    `ciphers`: the cipher list of the site, where `@SECLEVEL=0` may stand. Source: SSL_CTX_set_security_level(3), openssl 3.0's CHANGES.
    """
    if "@SECLEVEL=0" in ciphers.upper() or not _is_openssl_3(evidence):
        return list(versions)
    return [version for version in versions if version not in _OLD]


def _is_openssl_3(evidence: Evidence) -> bool:
    """Whether the only OpenSSL that is installed is of version 3; where nothing is known, the configuration is taken at its word."""
    known = evidence.memo.get("openssl 3")
    if isinstance(known, bool):
        return known
    found: set[str] = set()
    for place in _PLACES:
        for name in ("libssl.so.3", "libssl.so.1.1", "libssl.so.1.0.0", "libssl.so.10"):
            try:
                if evidence.target.exists(f"{place}/{name}"):
                    found.add(name)
            except OSError as error:
                evidence.gap_for(error, f"{place}/{name}")
    evidence.memo["openssl 3"] = found == {"libssl.so.3"}
    return found == {"libssl.so.3"}
