"""What APT keeps of a repository: the names of its files in /var/lib/apt/lists, and the repository's Release file."""

from __future__ import annotations

import email.utils
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hardaudit.model import host_text
from hardaudit.target.errors import NotRegularFileError, ReadLimitError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from hardaudit.target.table import TableContext

LISTS = "/var/lib/apt/lists"

_QUOTED = frozenset(b'\\|{}[]<>"^~_=!@#$%^&*')
_FIELDS = frozenset(
    (
        "origin",
        "label",
        "suite",
        "version",
        "codename",
        "date",
        "valid-until",
        "architectures",
        "components",
        "notautomatic",
        "butautomaticupgrades",
        "no-support-for-architecture-all",
    )
)
_MAX_FIELD = 10_000  # characters of a field that are looked at


@dataclass(frozen=True, slots=True)
class Release:
    """A repository's description of one suite. `fields` by lower-case name; times are Unix seconds UTC, None when absent or unreadable.

    `signed`: it came with a signature, which APT checked when it was fetched; the signature is not checked again.
    """

    path: str
    signed: bool
    fields: Mapping[str, str] = field(default_factory=dict)
    content: bytes = b""

    @property
    def date(self) -> int | None:
        """When the repository was published."""
        return parse_date(self.fields.get("date"))

    @property
    def valid_until(self) -> int | None:
        """After this time the repository wants APT to refuse this description of it."""
        return parse_date(self.fields.get("valid-until"))

    @property
    def priority(self) -> int:
        """APT's pin priority for its packages when no pin says otherwise, apt_preferences(5)."""
        if self.fields.get("notautomatic", "").lower() != "yes":
            return 500
        return 100 if self.fields.get("butautomaticupgrades", "").lower() == "yes" else 1

    @property
    def splits_off_all(self) -> bool:
        """Whether packages for all architectures are only in an index of their own."""
        unsupported = self.fields.get("no-support-for-architecture-all", "").lower().split()
        return "all" in self.fields.get("architectures", "").split() and "packages" not in unsupported

    def size_of(self, name: str) -> int | None:
        """The size in bytes that it states for one of its files, or None when it lists no such file."""
        end = self.content.find(b" " + name.encode("utf-8", "replace") + b"\n")
        if end < 0:
            return None
        words = self.content[self.content.rfind(b"\n", 0, end) + 1 : end].split()
        return int(words[-1]) if len(words) == 2 and words[-1].isdigit() and len(words[-1]) < 19 else None

    def offers(self, name: str) -> bool:
        """Whether it lists an index, compressed or not, that is not empty."""
        sizes = [self.size_of(name + extension) for extension in ("", ".xz", ".gz", ".bz2", ".zst", ".lzma", ".lz4")]
        return sizes[0] != 0 and any(size is not None for size in sizes)


def list_name(uri: str) -> str:
    """The name that APT gives the file of a URI: the scheme, user and password left out, the rest quoted. (apt-pkg, URItoFileName.)"""
    scheme, colon, rest = uri.partition(":")
    if not colon or "/" in scheme:
        rest = uri
    if rest.startswith("//"):
        host, slash, path = rest[2:].partition("/")
        rest = host.rpartition("@")[2] + slash + path
    if rest.startswith("["):  # an address of IPv6, a disc's name
        rest = rest[1:].replace("]", "", 1)
    return quoted_name(rest)


def quoted_name(path: str) -> str:
    """A path as part of a list's name: slashes become underscores, what would be ambiguous is written %xx."""
    quoted = "".join(f"%{byte:02x}" if byte in _QUOTED or byte <= 0x20 or byte >= 0x7F else chr(byte) for byte in host_text.encode(path))
    return quoted.replace("/", "_")


def read_release(context: TableContext, base: str, names: Collection[str]) -> Release | None:
    """The Release file of a repository whose files begin with `base` (`list_name` of its URI), or None when APT has none.

    `names`: what /var/lib/apt/lists holds. A file that cannot be read becomes a gap and is a Release without fields.
    """
    for kind in ("InRelease", "Release"):
        if base + kind in names:
            path = f"{LISTS}/{base}{kind}"
            try:
                content = context.target.read_bytes(path)
            except FileNotFoundError:
                continue
            except (OSError, NotRegularFileError, ReadLimitError) as error:
                context.gap_for(error, path)
                return Release(path, signed=False)
            signed = content.startswith(b"-----BEGIN PGP SIGNED MESSAGE-----") if kind == "InRelease" else f"{base}Release.gpg" in names
            return Release(path, signed, _fields(content), content)
    return None


def _fields(content: bytes) -> dict[str, str]:
    """The fields that are wanted; the lists of hashes, indented, are skipped."""
    fields: dict[str, str] = {}
    for line in content.split(b"\n"):
        if line[:1] in (b" ", b"\t", b""):
            continue
        name, colon, value = line[:_MAX_FIELD].partition(b":")
        key = name.lower().decode("ascii", "replace")
        if colon and key in _FIELDS:
            fields.setdefault(key, host_text.decode(value.strip()))
        elif line.startswith(b"-----BEGIN PGP SIGNATURE-----"):
            break
    return fields


def parse_date(text: str | None) -> int | None:
    """Unix seconds of an RFC 2822 date, or None."""
    if text is None:
        return None
    try:
        return int(email.utils.parsedate_to_datetime(text.replace("UTC", "+0000")).timestamp())
    except (ValueError, TypeError, OverflowError):
        return None


def is_security(release: Release | None, suite: str, uri: str) -> bool:
    """Whether a suite carries security updates: by what its Release file says of it, else by its configured name.

    Debian, Devuan: the label Debian-Security; Ubuntu and its ESM: suites that end with -security; Freexian's extended support.
    """
    fields = release.fields if release else {}
    names = [fields.get("suite", ""), fields.get("codename", ""), suite.rstrip("/")]
    if any(name.endswith(("-security", "/security")) for name in names):
        return True
    if fields.get("label", "").lower().endswith("-security") or fields.get("origin", "").lower().startswith("freexian"):
        return True
    return not release and suite.rstrip("/").endswith("/updates") and "security" in uri
