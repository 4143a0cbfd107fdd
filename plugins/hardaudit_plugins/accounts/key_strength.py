"""What is known of a key's type: its length, its group and how many bits of security it gives, as OpenSSL 3 counts them."""

from __future__ import annotations

import math
from dataclasses import dataclass

UNKNOWN = -1


@dataclass(frozen=True, slots=True)
class KeyStrength:
    """`type` is osquery's word, empty when unknown; `group` OpenSSL's name of the curve; `length` and `security` are bits, or UNKNOWN."""

    type: str = ""
    group: str = ""
    length: int = UNKNOWN
    security: int = UNKNOWN


_CURVES = {
    "1.2.840.10045.3.1.1": ("prime192v1", 192),
    "1.2.840.10045.3.1.7": ("prime256v1", 256),
    "1.3.132.0.10": ("secp256k1", 256),
    "1.3.132.0.33": ("secp224r1", 224),
    "1.3.132.0.34": ("secp384r1", 384),
    "1.3.132.0.35": ("secp521r1", 521),
    "1.3.36.3.3.2.8.1.1.7": ("brainpoolP256r1", 256),
    "1.3.36.3.3.2.8.1.1.11": ("brainpoolP384r1", 384),
    "1.3.36.3.3.2.8.1.1.13": ("brainpoolP512r1", 512),
}
_EDWARDS = {
    "1.3.101.110": KeyStrength("x25519", "", 253, 128),
    "1.3.101.111": KeyStrength("x448", "", 448, 224),
    "1.3.101.112": KeyStrength("ed25519", "", 256, 128),
    "1.3.101.113": KeyStrength("ed448", "", 456, 224),
}
_OPENSSH = {
    "ssh-ed25519": KeyStrength("ed25519", "", 256, 128),
    "ecdsa-sha2-nistp256": KeyStrength("ecdsa-p256", "", 256, 128),
    "ecdsa-sha2-nistp384": KeyStrength("ecdsa-p384", "", 384, 192),
    "ecdsa-sha2-nistp521": KeyStrength("ecdsa-p521", "", 521, 256),
    "sk-ssh-ed25519@openssh.com": KeyStrength("sk-ssh-ed25519@openssh.com", "", 256, 128),
    "sk-ecdsa-sha2-nistp256@openssh.com": KeyStrength("sk-ecdsa-sha2-nistp256@openssh.com", "", 256, 128),
}
_STEPS = ((15360, 256), (7680, 192), (3072, 128), (2048, 112), (1024, 80))
_RSA_STEPS = {2048: 112, 3072: 128, 4096: 152, 6144: 176, 7680: 192, 8192: 200, 15360: 256}


def rsa(length: int) -> KeyStrength:
    """An RSA key with a modulus of `length` bits; security by the formula of NIST SP 800-56B, appendix D."""
    return KeyStrength("rsa", "", length, _rsa_security(length))


def dsa(length: int, subgroup: int) -> KeyStrength:
    """A DSA key with primes of `length` and `subgroup` bits."""
    security = next((bits for least, bits in _STEPS if length >= least), 0)
    return KeyStrength("dsa", "", length, min(subgroup // 2, security) if subgroup >= 160 else 0)


def elliptic(curve: str) -> KeyStrength:
    """A key on the curve with this dotted name."""
    group, length = _CURVES.get(curve, ("", UNKNOWN))
    return KeyStrength("ec", group, length, _curve_security(length))


def edwards(name: str) -> KeyStrength | None:
    """A key of Curve25519 or Curve448 by its dotted name; None for any other."""
    return _EDWARDS.get(name)


def of_openssh(name: str) -> KeyStrength:
    """A key by its SSH name; RSA and DSA need their length too."""
    return _OPENSSH.get(name, KeyStrength(name))


def _curve_security(length: int) -> int:
    if length == UNKNOWN:
        return UNKNOWN
    return next((bits for least, bits in ((512, 256), (384, 192), (256, 128), (224, 112), (160, 80)) if length >= least), length // 2)


def _rsa_security(length: int) -> int:
    if length in _RSA_STEPS:
        return _RSA_STEPS[length]
    if length < 8:
        return 0
    natural = length * math.log(2)
    estimate = (1.923 * (natural * math.log(natural) ** 2) ** (1 / 3) - 4.69) / math.log(2)
    limit = 192 if length <= 7680 else 256 if length <= 15360 else 1200
    return min((int(estimate) + 4) & ~7, limit)
