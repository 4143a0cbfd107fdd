"""`user_ssh_keys`: private keys in the accounts' homes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit.model.table import BIGINT, INTEGER, TEXT, Column, TableSpec
from hardaudit.target.errors import NotRegularFileError
from hardaudit.target.table import Table
from hardaudit_plugins.accounts import private_key
from hardaudit_plugins.accounts.homes import canonical, homes
from hardaudit_plugins.accounts.private_key import PrivateKeyError
from hardaudit_plugins.namespaces import PID_WITH_NAMESPACE, own_namespace_only

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext
    from hardaudit_plugins.accounts.homes import Home
    from hardaudit_plugins.accounts.private_key import PrivateKey

SPEC = TableSpec(
    name="user_ssh_keys",
    description="Private keys in ~/.ssh, whatever the files are called, of every account or of those that the query names.",
    source="the files of ~/.ssh: PEM, PKCS #8 and OpenSSH's own format",
    columns=(
        Column("uid", BIGINT, "User ID of the account", additional=True),
        Column("path", TEXT, "The file", index=True),
        Column("encrypted", INTEGER, "1: a passphrase is needed to use the key; 0: whoever can read the file can use it"),
        Column("key_type", TEXT, "rsa, dsa, ec, ed25519, dh, ecdsa-p256 …; empty when it is not known, as in PEM that is encrypted"),
        Column("key_group_name", TEXT, "Curve of a key of type ec; empty for others"),
        Column("key_length", INTEGER, "Length in bits; -1 when it is not known"),
        Column("key_security_bits", INTEGER, "Security in bits as OpenSSL counts it; -1 when it is not known"),
        PID_WITH_NAMESPACE,
    ),
    examples=("SELECT u.username, k.path FROM users u JOIN user_ssh_keys k USING (uid) WHERE k.encrypted = 0",),
    osquery=True,
    notes=(
        "Without a constraint on uid osquery shows the keys of its own user only; here it shows all. Hidden files are looked into too. "
        "A file that claims to be a private key and cannot be read as one is a gap."
    ),
)


def generate(context: TableContext) -> Iterator[Row]:
    """A row for each file with a private key."""
    if not own_namespace_only(context):
        return
    for home in homes(context):
        for path, key in _keys(context, home):
            yield {
                "uid": home.uid,
                "path": path,
                "encrypted": int(key.is_encrypted),
                "key_type": key.strength.type,
                "key_group_name": key.strength.group,
                "key_length": key.strength.length,
                "key_security_bits": key.strength.security,
                "pid_with_namespace": 0,
            }


def _keys(context: TableContext, home: Home) -> Iterator[tuple[str, PrivateKey]]:
    names = context.list_directory(home.path(".ssh"), optional=True)
    if not names:
        return
    try:
        directory = canonical(context.target, home.path(".ssh"))
    except OSError as error:
        context.gap_for(error, home.path(".ssh"))
        return
    for name in names:
        context.check_deadline()
        path = f"{directory.rstrip('/')}/{name}"
        key = _key(context, path)
        if key is not None:
            yield path, key


def _key(context: TableContext, path: str) -> PrivateKey | None:
    """The private key of a file, None for a file without one, which a directory or a socket is as well."""
    try:
        key = private_key.parse(context.target.read_bytes(path))
    except (FileNotFoundError, NotRegularFileError):  # a link to nowhere, a subdirectory, the socket of an agent
        return None
    except OSError as error:
        context.gap_for(error, path)
        return None
    except PrivateKeyError as error:
        context.gap(GapReason.UNSUPPORTED, f"{path}: {error}")
        return None
    if key is not None and key.problem:
        context.gap(GapReason.UNDECIDABLE, f"{path}: {key.problem}")
    return key


TABLE = Table(SPEC, generate)
