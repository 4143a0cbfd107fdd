"""`authorized_keys`: the keys that may log in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit.model.table import BIGINT, TEXT, Column, TableSpec
from hardaudit.target.table import Table
from hardaudit_plugins.accounts.authorized_key import as_osquery_reads, as_sshd_reads
from hardaudit_plugins.accounts.homes import homes
from hardaudit_plugins.accounts.lines import SPACE, LineGaps, numbered
from hardaudit_plugins.namespaces import PID_WITH_NAMESPACE, own_namespace_only

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext
    from hardaudit_plugins.accounts.authorized_key import AuthorizedKey

SPEC = TableSpec(
    name="authorized_keys",
    description="Public keys with which an account can be logged in to, of every account or of those that the query names.",
    source="~/.ssh/authorized_keys and ~/.ssh/authorized_keys2, sshd(8); not the files that AuthorizedKeysFile of sshd_config may name",
    columns=(
        Column("uid", BIGINT, "User ID of the account", additional=True),
        Column("algorithm", TEXT, "Type of the key, such as ssh-ed25519"),
        Column("key", TEXT, "The key, base64"),
        Column("options", TEXT, "What restricts the key, such as from= and command=; NULL when nothing does"),
        Column("comment", TEXT, "Comment; NULL without one"),
        Column("key_file", TEXT, "File with the key"),
        PID_WITH_NAMESPACE,
    ),
    examples=("SELECT u.username, k.algorithm, k.comment FROM users u JOIN authorized_keys k USING (uid)",),
    osquery=True,
    notes=(
        "Without a constraint on uid osquery shows the keys of its own user only; here it shows all. Types that osquery leaves out "
        "(ssh-dss, keys on hardware tokens, certificates) have rows. A line that is no key is a gap, and so is one in which osquery takes "
        "a word of the options or the comment for the type of the key: its reading is the row."
    ),
)

_FILES = (".ssh/authorized_keys", ".ssh/authorized_keys2")


def generate(context: TableContext) -> Iterator[Row]:
    """The keys of each account; accounts that share a home each have its keys."""
    if not own_namespace_only(context):
        return
    for home in homes(context):
        for name in _FILES:
            path = home.path(name)
            text = context.read_text(path, optional=True)
            for key in _keys(context, path, text or ""):
                yield {
                    "uid": home.uid,
                    "algorithm": key.algorithm,
                    "key": key.key,
                    "options": key.options,
                    "comment": key.comment,
                    "key_file": path,
                    "pid_with_namespace": 0,
                }


def _keys(context: TableContext, path: str, text: str) -> Iterator[AuthorizedKey]:
    gaps = LineGaps(context, path)
    for number, untrimmed in numbered(context, text):
        line = untrimmed.strip(SPACE)
        if not line or line.startswith("#"):
            continue
        shown, real = as_osquery_reads(line), as_sshd_reads(line)
        key = shown or real
        if key is None:
            gaps.add(number, "not a key of a type that is known here")
            continue
        if shown is not None and shown.algorithm is not None and shown != real:
            gaps.add(number, "a key type's name in the options or the comment is taken for the type", GapReason.UNDECIDABLE)
        yield key
    gaps.close()


TABLE = Table(SPEC, generate)
