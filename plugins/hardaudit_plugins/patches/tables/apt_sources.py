"""`apt_sources`: the repositories that APT uses, as osquery has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit.model.table import TEXT, Column, TableSpec
from hardaudit.target.table import Table
from hardaudit_plugins.namespaces import PID_WITH_NAMESPACE, own_namespace_only
from hardaudit_plugins.patches.apt_configuration import read_configuration
from hardaudit_plugins.patches.apt_indexes import native_architecture
from hardaudit_plugins.patches.apt_release import LISTS, list_name, read_release
from hardaudit_plugins.patches.apt_repositories import read_repositories

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext
    from hardaudit_plugins.patches.apt_release import Release
    from hardaudit_plugins.patches.apt_repositories import AptRepository

SPEC = TableSpec(
    name="apt_sources",
    description="The suites of binary repositories that APT uses and has fetched. See apt_indexes for those that it has not.",
    source="/etc/apt/sources.list and sources.list.d, sources.list(5); the Release files in /var/lib/apt/lists",
    columns=(
        Column("name", TEXT, "URI without its scheme, a space, and the suite"),
        Column("source", TEXT, "The file that configures the repository"),
        Column("base_uri", TEXT, "URI of the repository, without a slash at its end"),
        Column("release", TEXT, "Code name that the Release file states"),
        Column("version", TEXT, "Version that the Release file states", collate="version_dpkg"),
        Column("maintainer", TEXT, "Origin that the Release file states"),
        Column("components", TEXT, "Components that the repository has, separated by spaces; not those that are configured"),
        Column("architectures", TEXT, "Architectures that the repository has, separated by spaces"),
        PID_WITH_NAMESPACE,
    ),
    examples=("SELECT name, source FROM apt_sources WHERE maintainer <> 'Debian'",),
    osquery=True,
    notes=(
        "Entries are read as APT reads them: `Enabled: yes`, tabs, continued lines and repositories in a directory, which osquery leaves "
        "out, have rows. A suite without a Release file has no row, as in osquery, and is a gap."
    ),
)


def generate(context: TableContext) -> Iterator[Row]:
    """A row for each suite of each repository that has been fetched."""
    if not own_namespace_only(context):
        return
    native = native_architecture(context, read_configuration(context))
    repositories = read_repositories(context, native or "$(ARCH)")
    names = frozenset(context.list_directory(LISTS)) if repositories else frozenset()
    for repository in repositories:
        context.check_deadline()
        release = read_release(context, list_name(repository.base), names)
        if release is None:
            detail = f"{repository.path}:{repository.line}: {repository.uri} {repository.suite} was never fetched; run apt-get update"
            context.gap(GapReason.MISSING_SOURCE, detail)
        else:
            yield _row(repository, release)


def _row(repository: AptRepository, release: Release) -> Row:
    uri = repository.uri.rstrip("/")
    place = uri.partition("://")[2] if "://" in uri else uri.partition(":")[2]
    return {
        "name": f"{place} {repository.suite}",
        "source": repository.path,
        "base_uri": uri,
        "release": release.fields.get("codename"),
        "version": release.fields.get("version"),
        "maintainer": release.fields.get("origin"),
        "components": release.fields.get("components"),
        "architectures": release.fields.get("architectures"),
        "pid_with_namespace": 0,
    }


TABLE = Table(SPEC, generate)
