"""`hardaudit export`: a policy for osquery and for Fleet."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar

import click

from hardaudit.cli.main import EXIT_INCOMPLETE, EXIT_PASSED
from hardaudit.cli.options import warn_of_refusals
from hardaudit.cli.output import tell
from hardaudit.errors import HardauditError, UsageError
from hardaudit.report.write import check_destination, write_report

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hardaudit.export.queries import CheckSql, PolicySql
    from hardaudit.model.policy import Policy
    from hardaudit.osquery.schema import OsquerySchema

Command = TypeVar("Command", bound="Callable[..., object]")

_LONGEST_INTERVAL = 604_800  # seconds; osquery drops queries with a longer one (osquery/config/packs.cpp, kMaxQueryInterval)
_VERSION = re.compile(r"\d{1,5}(\.\d{1,5}){1,2}")


@click.group("export")
def command() -> None:
    """Write a policy's checks as SQL that osquery runs by itself.

    Parameters and waivers are written into the SQL. Each statement is held against osquery's tables, columns and functions first, and
    each check's examples are run as osquery would; a check that would not run there, would miss rows or come to another verdict is left
    out and named on stderr with the reason, and the exit status is 3.
    """


def _shared_options(function: Command) -> Command:
    for option in (
        click.option("--output", metavar="FILE", help="Where the export goes instead of standard output."),
        click.option("--only", multiple=True, metavar="GLOB", help='Only the checks whose id matches, such as "ssh/*". May repeat.'),
        click.option("--schema", "schema_file", metavar="FILE", help="osquery's tables, if the hosts have another release than 5.23."),
        click.option("--osquery-version", "version", metavar="X.Y.Z", help="The oldest osquery on the hosts, if FILE does not tell it."),
    ):
        function = option(function)
    return function


@command.command("osquery-pack")
@click.argument("policy")
@click.option(
    "--interval",
    type=click.IntRange(1, _LONGEST_INTERVAL),
    default=3600,
    show_default=True,
    metavar="SECONDS",
    help="Time between two runs.",
)
@_shared_options
def osquery_pack(  # noqa: PLR0913 one parameter an option
    policy: str, interval: int, version: str | None, schema_file: str | None, only: tuple[str, ...], output: str | None
) -> int:
    """Write POLICY as osqueryd's query packs.

    The output is one file of osqueryd's configuration.

    It has a query a check, which returns its findings, and one more for each check that may not apply to a host. Checks with the same
    condition are in one pack, which osquery runs only where the condition holds. `hardaudit fleet score` reads the results.

    \b
    Examples:
    hardaudit export osquery-pack web-server --output /etc/osquery/osquery.conf.d/hardaudit.conf
    hardaudit export osquery-pack ./shop.yaml --interval 86400 --schema 5.12.1.json
    """
    from hardaudit.export.osquery_pack import render_pack, statements

    _check_output(output)
    schema = _schema(schema_file, version)
    chosen, exported = _exported(policy, schema, statements, only)
    write_report(render_pack(chosen, exported, interval, schema.version), output)
    return _told(exported)


@command.command("fleet")
@click.argument("policy")
@_shared_options
def fleet(policy: str, version: str | None, schema_file: str | None, only: tuple[str, ...], output: str | None) -> int:
    """Write POLICY as policies of Fleet, for `fleetctl apply`.

    A host passes where the check finds nothing, or only what is waived, and could read all it needed; and where the check does not apply.
    For `fleetctl gitops` take each document's `spec` as an item of `policies`.

    \b
    Examples:
    hardaudit export fleet web-server --output policies.yml
    hardaudit export fleet ./shop.yaml --only "web/*"
    """
    from hardaudit.export.fleet_policies import render_fleet, statements

    _check_output(output)
    chosen, exported = _exported(policy, _schema(schema_file, version), statements, only)
    write_report(render_fleet(chosen, exported), output)
    return _told(exported)


def _check_output(output: str | None) -> None:
    if output is not None:
        check_destination(output)


def _schema(path: str | None, version: str | None) -> OsquerySchema:
    """The schema to hold the SQL against, with the version that the hosts must have."""
    import dataclasses

    from hardaudit.osquery.schema import load_schema

    if version is not None and not _VERSION.fullmatch(version):
        raise UsageError(f"--osquery-version {version} is no version: write three numbers, such as 5.23.0")
    schema = load_schema(path)
    if not (version or schema.version):
        raise UsageError(f"--schema {path}: its name does not tell the version of osquery: add --osquery-version, or name it X.Y.Z.json")
    if version and schema.version and not f"{version}.".startswith(f"{schema.version}."):
        place = f"--schema {path}" if path else "the tables that hardaudit knows"
        raise UsageError(
            f"--osquery-version {version}: {place} are those of {schema.version}: give --schema the file of {version},"
            " which github.com/osquery/osquery-site has in src/data/osquery_schema_versions"
        )
    return dataclasses.replace(schema, version=version or schema.version)


def _exported(
    name: str, schema: OsquerySchema, statements: Callable[[CheckSql], Sequence[str]], only: Sequence[str]
) -> tuple[Policy, PolicySql]:
    from hardaudit.audit.registry import Registry
    from hardaudit.export.dialect import Dialect
    from hardaudit.export.queries import policy_sql
    from hardaudit.export.rehearsal import rehearse

    registry = Registry()
    try:
        policy = registry.load_policy(name)
    except HardauditError:
        warn_of_refusals(registry)  # it may name a check that a refused plugin has
        raise
    specs = {name: table.spec for name, table in registry.tables.items()}
    dialect = Dialect(schema, specs.values())
    exported = policy_sql(policy, registry.checks, dialect, statements, lambda check: rehearse(check, dialect, specs), only)
    warn_of_refusals(registry)
    return policy, exported


def _told(exported: PolicySql) -> int:
    """Say on stderr what the export has not, and what it needs."""
    for warning in exported.warnings:
        tell(warning)
    for name, reason in exported.left_out.items():
        tell(f"{name} is left out: {reason}")
    needing = sum(bool(check.extension) for check in exported.checks)
    if needing:
        tell(
            f"{needing} of {len(exported.checks)} checks need hardaudit's osquery extension on the host: see `hardaudit osquery-extension`"
        )
    return EXIT_INCOMPLETE if exported.left_out else EXIT_PASSED
