"""`apt_indexes`: the package lists of the configured repositories."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model.table import BIGINT, INTEGER, TEXT, Column, TableSpec
from hardaudit.target.table import Table
from hardaudit_plugins.patches.apt_indexes import read_state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext
    from hardaudit_plugins.patches.apt_indexes import AptIndex, AptState

SPEC = TableSpec(
    name="apt_indexes",
    description=(
        "The package lists of the binary repositories that APT is configured to use: one row for each suite, component and architecture, "
        "with what the repository's Release file says, whether the list is on this host, and how fresh it is."
    ),
    source="/etc/apt/sources.list and sources.list.d, sources.list(5); /var/lib/apt/lists; /var/lib/dpkg/arch",
    columns=(
        Column("uri", TEXT, "URI of the repository as configured, with a slash at its end"),
        Column("suite", TEXT, "Suite as configured; it ends with a slash for a flat repository"),
        Column("component", TEXT, "Component, such as main; empty in a flat repository"),
        Column("architecture", TEXT, "Architecture of the list; empty in a flat repository"),
        Column("present", INTEGER, "1 when the list is on this host, 0 when it is not"),
        Column("offered", INTEGER, "1 when the repository has such a list, as far as known; 0 when there is nothing to fetch"),
        Column("security", INTEGER, "1 for a suite of security updates, else 0"),
        Column("signed", INTEGER, "1 when the Release file came with a signature, 0 when not, NULL without a Release file"),
        Column("trusted", INTEGER, "The entry's option `trusted`: 1 skips the check of signatures, 0 distrusts all, NULL: not given"),
        Column("allow_insecure", INTEGER, "The option `allow-insecure` of the entry: 1, 0, or NULL when not given"),
        Column("allow_weak", INTEGER, "The option `allow-weak`, which accepts broken hashes: 1, 0, or NULL when not given"),
        Column("allow_downgrade", INTEGER, "The option `allow-downgrade-to-insecure` of the entry: 1, 0, or NULL when not given"),
        Column("signed_by", TEXT, "The option `signed-by`: keyring files, fingerprints, or an embedded key; NULL when not given"),
        Column("origin", TEXT, "Origin that the Release file states, such as Debian"),
        Column("label", TEXT, "Label that the Release file states, such as Debian-Security"),
        Column("archive", TEXT, "Suite that the Release file states, such as stable-security"),
        Column("codename", TEXT, "Code name that the Release file states"),
        Column("version", TEXT, "Version that the Release file states"),
        Column("published", BIGINT, "Date of the Release file, Unix seconds"),
        Column("valid_until", BIGINT, "Unix seconds after which the Release file is to be refused; NULL without a limit"),
        Column("refreshed", BIGINT, "When APT's lists were last refreshed, as far as files say, Unix seconds; one value for all"),
        Column("release_path", TEXT, "The Release file on this host; NULL when there is none"),
        Column("index_path", TEXT, "The list on this host, or the name that it would have"),
        Column("source_path", TEXT, "The file that configures the repository"),
        Column("source_line", INTEGER, "The line of that file, from 1; the first line of a deb822 paragraph"),
    ),
    examples=(
        "SELECT uri, suite, component FROM apt_indexes WHERE present = 0 AND offered = 1",
        "SELECT DISTINCT uri, suite, (strftime('%s', 'now') - refreshed) / 86400 AS days FROM apt_indexes WHERE security = 1",
    ),
)


def generate(context: TableContext) -> Iterator[Row]:
    """A row for each index that is configured."""
    state = read_state(context)
    if state:
        for index in state.indexes:
            context.check_deadline()
            yield _row(state, index)


def _row(state: AptState, index: AptIndex) -> Row:
    repository, release = index.repository, index.release
    fields = release.fields if release else {}
    return {
        "uri": repository.uri,
        "suite": repository.suite,
        "component": index.component,
        "architecture": index.architecture,
        "present": int(index.present),
        "offered": int(index.offered),
        "security": int(index.security),
        "signed": int(release.signed) if release else None,
        "trusted": None if repository.trusted is None else int(repository.trusted),
        "allow_insecure": None if repository.allow_insecure is None else int(repository.allow_insecure),
        "allow_weak": None if repository.allow_weak is None else int(repository.allow_weak),
        "allow_downgrade": None if repository.allow_downgrade is None else int(repository.allow_downgrade),
        "signed_by": repository.signed_by,
        "origin": fields.get("origin"),
        "label": fields.get("label"),
        "archive": fields.get("suite"),
        "codename": fields.get("codename"),
        "version": fields.get("version"),
        "published": release.date if release else None,
        "valid_until": release.valid_until if release else None,
        "refreshed": state.refreshed,
        "release_path": release.path if release else None,
        "index_path": index.path,
        "source_path": repository.path,
        "source_line": repository.line,
    }


TABLE = Table(SPEC, generate)
