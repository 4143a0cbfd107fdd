"""The algorithms OpenSSH knows, those it offers by default in each version, and the lists a configuration makes of them.

Sources: cipher.c, mac.c, kex-names.c, sshkey.c and myproposal.h of OpenSSH 7.4 to 10.0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit_plugins.ssh.sshd_lexer import RefusedError
from hardaudit_plugins.ssh.sshd_patterns import matches_list

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

_ECDSA = ("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521")
_CERT = "-cert-v01@openssh.com"

SUPPORTED: Mapping[str, tuple[str, ...]] = {
    "ciphers": (
        *("3des-cbc", "blowfish-cbc", "cast128-cbc", "arcfour", "arcfour128", "arcfour256"),
        *("aes128-cbc", "aes192-cbc", "aes256-cbc", "rijndael-cbc@lysator.liu.se"),
        *("aes128-ctr", "aes192-ctr", "aes256-ctr", "aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com"),
    ),
    "macs": (
        *("hmac-sha1", "hmac-sha1-96", "hmac-sha2-256", "hmac-sha2-512", "hmac-md5", "hmac-md5-96"),
        *("hmac-ripemd160", "hmac-ripemd160@openssh.com", "umac-64@openssh.com", "umac-128@openssh.com"),
        *("hmac-sha1-etm@openssh.com", "hmac-sha1-96-etm@openssh.com", "hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com"),
        *("hmac-md5-etm@openssh.com", "hmac-md5-96-etm@openssh.com", "hmac-ripemd160-etm@openssh.com"),
        *("umac-64-etm@openssh.com", "umac-128-etm@openssh.com"),
    ),
    "kexalgorithms": (
        *("diffie-hellman-group1-sha1", "diffie-hellman-group14-sha1", "diffie-hellman-group14-sha256", "diffie-hellman-group16-sha512"),
        *("diffie-hellman-group18-sha512", "diffie-hellman-group-exchange-sha1", "diffie-hellman-group-exchange-sha256"),
        *("ecdh-sha2-nistp256", "ecdh-sha2-nistp384", "ecdh-sha2-nistp521", "curve25519-sha256", "curve25519-sha256@libssh.org"),
        *("sntrup4591761x25519-sha512@tinyssh.org", "sntrup761x25519-sha512", "sntrup761x25519-sha512@openssh.com"),
        "mlkem768x25519-sha256",
    ),
    "keys": (
        *("ssh-ed25519", f"ssh-ed25519{_CERT}", "sk-ssh-ed25519@openssh.com", f"sk-ssh-ed25519{_CERT}"),
        *(name + suffix for name in _ECDSA for suffix in ("", _CERT)),
        *("sk-ecdsa-sha2-nistp256@openssh.com", f"sk-ecdsa-sha2-nistp256{_CERT}", "webauthn-sk-ecdsa-sha2-nistp256@openssh.com"),
        *("ssh-dss", f"ssh-dss{_CERT}", "ssh-rsa", f"ssh-rsa{_CERT}"),
        *("rsa-sha2-256", f"rsa-sha2-256{_CERT}", "rsa-sha2-512", f"rsa-sha2-512{_CERT}"),
    ),
}
"""Every algorithm of the versions covered, in the order in which sshd expands wildcards."""

LIST_OF: Mapping[str, str] = {
    "ciphers": "ciphers",
    "macs": "macs",
    "kexalgorithms": "kexalgorithms",
    "hostkeyalgorithms": "keys",
    "pubkeyacceptedalgorithms": "keys",
    "hostbasedacceptedalgorithms": "keys",
    "casignaturealgorithms": "keys",
}
"""The kind of algorithm that each keyword lists."""

_ED_SK, _EC_SK = "sk-ssh-ed25519", "sk-ecdsa-sha2-nistp256"
_RSA_SHA2 = ("rsa-sha2-512", "rsa-sha2-256")
_PLAIN_SK = tuple(f"{name}@openssh.com" for name in (_ED_SK, _EC_SK))
_MACS = (
    *("umac-64-etm@openssh.com", "umac-128-etm@openssh.com"),
    *("hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com", "hmac-sha1-etm@openssh.com"),
    *("umac-64@openssh.com", "umac-128@openssh.com", "hmac-sha2-256", "hmac-sha2-512", "hmac-sha1"),
)
_CTR, _GCM = ("aes128-ctr", "aes192-ctr", "aes256-ctr"), ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com")
_CHACHA = "chacha20-poly1305@openssh.com"
_ECDH = ("curve25519-sha256", "curve25519-sha256@libssh.org", "ecdh-sha2-nistp256", "ecdh-sha2-nistp384", "ecdh-sha2-nistp521")
_DH = (
    *("diffie-hellman-group-exchange-sha256", "diffie-hellman-group16-sha512"),
    *("diffie-hellman-group18-sha512", "diffie-hellman-group14-sha256"),
)
_SNTRUP = "sntrup761x25519-sha512@openssh.com"
_CERTS_7 = tuple(name + _CERT for name in (*_ECDSA, "ssh-ed25519", "ssh-rsa"))
_CERTS_78 = tuple(name + _CERT for name in (*_ECDSA, "ssh-ed25519", *_RSA_SHA2, "ssh-rsa"))
_CERTS_82 = tuple(name + _CERT for name in (*_ECDSA, _EC_SK, "ssh-ed25519", _ED_SK, *_RSA_SHA2, "ssh-rsa"))
_CERTS_85 = tuple(name + _CERT for name in ("ssh-ed25519", *_ECDSA, _ED_SK, _EC_SK, *_RSA_SHA2))
_KEYS_7 = (*_ECDSA, "ssh-ed25519", *_RSA_SHA2, "ssh-rsa")
_CA_82 = (*_ECDSA, _PLAIN_SK[1], "ssh-ed25519", _PLAIN_SK[0], *_RSA_SHA2)
_CA_85 = ("ssh-ed25519", *_ECDSA, *_PLAIN_SK, *_RSA_SHA2)

DEFAULTS: Mapping[str, tuple[tuple[tuple[int, int], tuple[str, ...]], ...]] = {
    "ciphers": (((7, 4), (_CHACHA, *_CTR, *_GCM)), ((10, 0), (_CHACHA, *_GCM, *_CTR))),
    "macs": (((7, 4), _MACS),),
    "kexalgorithms": (
        ((7, 4), (*_ECDH, *_DH, "diffie-hellman-group14-sha1")),
        ((8, 2), (*_ECDH, *_DH)),
        ((8, 9), (*_ECDH, _SNTRUP, *_DH)),
        ((9, 0), (_SNTRUP, *_ECDH, *_DH)),
        ((9, 9), ("sntrup761x25519-sha512", _SNTRUP, "mlkem768x25519-sha256", *_ECDH, *_DH)),
        ((10, 0), ("mlkem768x25519-sha256", "sntrup761x25519-sha512", _SNTRUP, *_ECDH)),
    ),
    "keys": (
        ((7, 4), (*_CERTS_7, *_KEYS_7)),
        ((7, 8), (*_CERTS_78, *_KEYS_7)),
        ((8, 2), (*_CERTS_82, *_CA_82, "ssh-rsa")),
        ((8, 5), (*_CERTS_85, f"ssh-rsa{_CERT}", *_CA_85, "ssh-rsa")),
        ((8, 8), (*_CERTS_85, *_CA_85)),
    ),
    "casignaturealgorithms": (
        ((7, 9), (*_ECDSA, "ssh-ed25519", *_RSA_SHA2, "ssh-rsa")),
        ((8, 2), _CA_82),
        ((8, 5), _CA_85),
    ),
}
"""The lists compiled in, by the first version that has them."""


def union(*lists: Iterable[str]) -> list[str]:
    """The items in order, each once."""
    return list(dict.fromkeys(item for items in lists for item in items))


def names_valid(names: str, supported: Collection[str], *, wildcards: bool) -> bool:
    """Whether sshd accepts the list: names up to the first empty item must be known, or be a pattern where patterns are allowed."""
    items = names.split(",")
    valid = items[: items.index("")] if "" in items else items
    if not valid and not names.startswith(","):
        return False
    return all(_name_valid(name, supported, wildcards=wildcards) for name in dict.fromkeys(valid))


def _name_valid(name: str, supported: Collection[str], *, wildcards: bool) -> bool:
    if name in supported:
        return True
    if not wildcards or not set(name) & set("*?!"):
        return False
    return any(matches_list(known, name) != 0 for known in supported)


def assemble(value: str, defaults: Sequence[str], supported: Sequence[str]) -> list[str]:
    """The list that a value with its prefix `+`, `-`, `^` or none makes of the defaults; only `-` may leave nothing.

    Raises RefusedError when sshd does not accept it.
    """
    prefix, names = (value[0], value[1:]) if value[0] in "+-^" else ("", value)
    if prefix == "-":
        return [name for name in defaults if matches_list(name, names) != 1]
    items = names.split(",")
    wanted = {"+": union(defaults, items), "^": union(items, defaults), "": items}[prefix]
    chosen = union(*(_expand(item, supported) for item in dict.fromkeys(wanted)))
    if not chosen:
        raise RefusedError(f"{value} leaves no algorithm")
    return chosen


def _expand(item: str, supported: Sequence[str]) -> Sequence[str]:
    if item.startswith("!"):
        raise RefusedError(f"{item}: a negated pattern is not allowed here")
    if item in supported:
        return (item,)
    if not set(item) & set("*?"):
        return ()
    return [name for name in supported if matches_list(name, item) == 1]
