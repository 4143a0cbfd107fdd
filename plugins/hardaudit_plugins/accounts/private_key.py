"""Private keys as files of ~/.ssh hold them: PEM of the old kind, PKCS #8, OpenSSH's own. Only their outside is looked at: is a passphrase
needed, what type is it, how long. RFC 7468, RFC 5208, RFC 5915, RFC 8017; PROTOCOL.key of OpenSSH.
"""

from __future__ import annotations

import binascii
import re
import string
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardaudit_plugins.accounts import key_strength
from hardaudit_plugins.accounts.der import INTEGER, OBJECT, OCTETS, SEQUENCE, DerError, Reader, object_name
from hardaudit_plugins.accounts.key_strength import KeyStrength

if TYPE_CHECKING:
    from collections.abc import Iterator

_BEGIN, _END, _DASHES = b"-----BEGIN ", b"-----END ", b"-----"
_SUFFIX = b"PRIVATE KEY"
_OPENSSH, _ENCRYPTED = b"OPENSSH PRIVATE KEY", b"ENCRYPTED PRIVATE KEY"
_KINDS = frozenset({b"PRIVATE KEY", b"RSA PRIVATE KEY", b"DSA PRIVATE KEY", b"EC PRIVATE KEY"})
_BEGIN_LINE = re.compile(rb"^-----BEGIN ([^\r\n]*)-----[ \t\r]*$", re.MULTILINE)
_MAGIC = b"openssh-key-v1\0"
_BASE64 = (string.ascii_letters + string.digits + "+/=" + string.whitespace).encode()
_BASE64_DIGITS = re.compile(rb"[A-Za-z0-9+/\s]*")
_EMPTY_LINE = re.compile(rb"\n[ \t\r]*\n")
_DEK_INFO = re.compile(
    rb"^DEK-Info:[ \t]*(?:(?:AES|ARIA|CAMELLIA|SEED)[A-Z0-9-]*,[0-9A-Fa-f]{32}|(?!AES|ARIA|CAMELLIA|SEED)[A-Z0-9-]+,[0-9A-Fa-f]{16})",
    re.MULTILINE,
)
_RSA, _RSA_PSS, _DSA, _EC = "1.2.840.113549.1.1.1", "1.2.840.113549.1.1.10", "1.2.840.10040.4.1", "1.2.840.10045.2.1"
_DH = ("1.2.840.113549.1.3.1", "1.2.840.10046.2.1")
_PARAMETERS = 0xA0


class PrivateKeyError(ValueError):
    """The file says that it holds a private key, which cannot be made out; the message quotes nothing of it."""


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """A private key; `is_encrypted`: a passphrase is needed. `problem`: why that is not certain."""

    is_encrypted: bool
    strength: KeyStrength
    problem: str = ""


@dataclass(frozen=True, slots=True)
class _Block:
    label: bytes
    headers: bytes
    body: bytes
    is_complete: bool


def parse(content: bytes) -> PrivateKey | None:
    """The first private key of a file, None when there is none. Raises PrivateKeyError."""
    if _SUFFIX not in content:
        return None
    if content.startswith(_BEGIN + _OPENSSH + _DASHES):
        return _openssh(content)
    claimed = False
    for block in _blocks(content):
        claimed = claimed or block.label.endswith(_SUFFIX)
        if _is_encrypted(block):
            return PrivateKey(is_encrypted=True, strength=KeyStrength())
        if block.label in _KINDS and block.is_complete and b"ENCRYPTED" not in block.headers:
            return PrivateKey(is_encrypted=False, strength=_strength(block))
    if claimed:
        raise PrivateKeyError("a private key of a kind that is not known here, or cut short, or not where its kind has to be")
    return None


def _is_encrypted(block: _Block) -> bool:
    """Whether a passphrase would be asked for: as OpenSSL, only after the envelope was found to be whole."""
    if not block.is_complete or not block.body.strip() or block.body.translate(None, _BASE64):
        return False
    if b"ENCRYPTED" in block.headers:
        return block.label.endswith(_SUFFIX) and _DEK_INFO.search(block.headers) is not None
    if block.label != _ENCRYPTED:
        return False
    try:
        envelope = Reader(Reader(binascii.a2b_base64(block.body)).read(SEQUENCE))
        envelope.read(SEQUENCE)
        envelope.read(OCTETS)
    except (DerError, binascii.Error):
        return False
    return True


def _blocks(content: bytes) -> Iterator[_Block]:
    """The PEM blocks, each up to the next line of dashes: the end that its label asks for, or the block is not complete."""
    for begin in _BEGIN_LINE.finditer(content):
        end = content.find(b"\n" + _DASHES, begin.end())
        headers, body = _split_headers(content[begin.end() + 1 : end if end >= 0 else None])
        yield _Block(begin[1], headers, body, is_complete=end >= 0 and content.startswith(_END + begin[1] + _DASHES, end + 1))


def _split_headers(text: bytes) -> tuple[bytes, bytes]:
    """RFC 1421 headers, such as Proc-Type, and the base64 after the empty line that ends them."""
    first, _, _ = text.partition(b"\n")
    if b":" not in first:
        return b"", text
    headers, *body = _EMPTY_LINE.split(text, maxsplit=1)
    return headers, b"".join(body)


def _strength(block: _Block) -> KeyStrength:
    try:
        key = Reader(Reader(binascii.a2b_base64(block.body)).read(SEQUENCE))
        key.read(INTEGER)
        if block.label == b"RSA PRIVATE KEY":
            return _rsa(key)
        if block.label == b"DSA PRIVATE KEY":
            return _dsa(key)
        return _ec(key) if block.label == b"EC PRIVATE KEY" else _pkcs8(key)
    except (DerError, binascii.Error) as error:
        raise PrivateKeyError(f"a private key that cannot be read: {error}") from error


def _pkcs8(key: Reader) -> KeyStrength:
    """After the version: the algorithm with its parameters, then the key in an octet string."""
    algorithm = Reader(key.read(SEQUENCE))
    name = object_name(algorithm.read(OBJECT))
    if name == _EC:
        return key_strength.elliptic(object_name(algorithm.read_optional(OBJECT) or b"\0"))
    if name == _DSA:
        return _dsa(Reader(algorithm.read(SEQUENCE)))
    if name in (_RSA, _RSA_PSS):
        inner = Reader(Reader(key.read(OCTETS)).read(SEQUENCE))
        inner.read(INTEGER)
        strength = _rsa(inner)
        return strength if name == _RSA else KeyStrength("rsa-pss", "", strength.length, strength.security)
    if name in _DH:
        return KeyStrength("dh", "", Reader(algorithm.read(SEQUENCE)).read_bits())
    return key_strength.edwards(name) or KeyStrength()


def _rsa(key: Reader) -> KeyStrength:
    """The modulus."""
    return key_strength.rsa(key.read_bits())


def _dsa(key: Reader) -> KeyStrength:
    """The two primes."""
    return key_strength.dsa(key.read_bits(), key.read_bits())


def _ec(key: Reader) -> KeyStrength:
    """The key itself, then the name of the curve."""
    key.read(OCTETS)
    parameters = key.read_optional(_PARAMETERS)
    name = Reader(parameters).read_optional(OBJECT) if parameters is not None else None
    return key_strength.elliptic(object_name(name)) if name else KeyStrength("ec")


def _openssh(content: bytes) -> PrivateKey:
    """Cipher, derivation of the key, its parameters, how many keys, and the first public key, each with its length in front."""
    body = content[content.find(b"\n") + 1 :].partition(_END)[0]
    decoded = _decode_beginning(body)
    try:
        cipher, position = _string(decoded, _after_magic(decoded))
    except DerError as error:
        return PrivateKey(is_encrypted=True, strength=KeyStrength(), problem=f"an OpenSSH key that cannot be read: {error}")
    is_encrypted = cipher != b"none"
    try:
        for _ in ("derivation", "parameters"):
            _, position = _string(decoded, position)
        public, _ = _string(decoded, position + 4)
        return PrivateKey(is_encrypted, _public_strength(public))
    except DerError as error:
        return PrivateKey(is_encrypted, KeyStrength(), f"an OpenSSH key that cannot be read: {error}")


def _decode_beginning(body: bytes) -> bytes:
    """The bytes of base64 as far as it goes: a key that is cut short still says whether it is encrypted."""
    digits = _BASE64_DIGITS.match(body)
    text = b"".join(digits[0].split()) if digits else b""
    text = text[: len(text) - (len(text) % 4 == 1)]
    return binascii.a2b_base64(text + b"=" * (-len(text) % 4))


def _after_magic(decoded: bytes) -> int:
    if not decoded.startswith(_MAGIC):
        raise DerError("it does not begin as one")
    return len(_MAGIC)


def _public_strength(public: bytes) -> KeyStrength:
    name, position = _string(public, 0)
    if name == b"ssh-rsa":
        _, position = _string(public, position)
        return key_strength.rsa(_bits(public, position)[0])
    if name == b"ssh-dss":
        length, position = _bits(public, position)
        return key_strength.dsa(length, _bits(public, position)[0])
    return key_strength.of_openssh(name.decode("ascii", "replace"))


def _string(content: bytes, position: int) -> tuple[bytes, int]:
    """A string of RFC 4251 and the position after it. Raises DerError when it reaches beyond the end."""
    start = position + 4
    end = start + int.from_bytes(content[position:start], "big")
    if end > len(content) or start > len(content):
        raise DerError("ends early")
    return content[start:end], end


def _bits(content: bytes, position: int) -> tuple[int, int]:
    """The length in bits of a number, and the position after it."""
    number, position = _string(content, position)
    return int.from_bytes(number, "big").bit_length(), position
