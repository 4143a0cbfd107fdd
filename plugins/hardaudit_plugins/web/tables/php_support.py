"""`php_support`: until when the PHP that serves gets security fixes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit.model.table import BIGINT, TEXT, Column, TableSpec
from hardaudit.target.table import Table
from hardaudit_plugins.web.php_support import php_support

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext

SPEC = TableSpec(
    name="php_support",
    description=(
        "For each version of PHP that serves sites: who gives security fixes for it, and until when. A distribution mends the branch that "
        "its release has, with its own package, as long as the release; what comes from elsewhere ends with the PHP project's support. "
        "Ends are the first second after the last day, Unix seconds UTC."
    ),
    source="php_settings, the installed packages, os_support, and the list php_support.csv of this package",
    columns=(
        Column("sapi", TEXT, "apache2handler, fpm-fcgi or cgi-fcgi"),
        Column("version", TEXT, "PHP version, major and minor: 8.2"),
        Column("package", TEXT, "Name and version of the package it was installed with; NULL where no package has it"),
        Column("supported_by", TEXT, "Distribution's identifier, or php.net; NULL where that is not known, which is a gap too"),
        Column("end_of_support", BIGINT, "End of security fixes for everyone; NULL where it is not known or does not end"),
        Column("end_of_extended", BIGINT, "End of fixes that are sold or opted into separately with the distribution; NULL without"),
        Column("compiled", TEXT, "Date of the list, YYYY-MM-DD"),
    ),
    examples=("SELECT sapi, version, supported_by, date(end_of_support, 'unixepoch') AS ends FROM php_support",),
)

_DEB_PACKAGES = {
    "apache2handler": ("libapache2-mod-php{}", "libapache2-mod-php5"),
    "fpm-fcgi": ("php{}-fpm", "php5-fpm"),
    "cgi-fcgi": ("php{}-cgi", "php5-cgi"),
}
_OTHERS_DEB = ("deb.sury.org", "+0~20", ".gbp")
"""In versions of packages that Ondřej Surý's repositories have, not the distribution."""
_OTHERS_RPM = "remi"
_DPKG_STATUS = "/var/lib/dpkg/status"
_RPM_DATABASES = ("/usr/lib/sysimage/rpm", "/var/lib/rpm", "/usr/share/rpm")


@dataclass(frozen=True, slots=True)
class _Package:
    """The package that has a PHP. `own`: whether it may be the distribution's; None where that cannot be told."""

    label: str | None
    own: bool | None


def generate(context: TableContext) -> Iterator[Row]:
    """A row for each SAPI and version."""
    serving = {(str(row["sapi"]), row["version"]) for row in context.rows("php_settings", only=("sapi", "version"), name="expose_php")}
    for sapi, version in sorted(serving, key=str):
        if not isinstance(version, str):
            context.gap(GapReason.UNDECIDABLE, f"{sapi}: which version of PHP it is is not known")
            yield {"sapi": sapi, "compiled": php_support().compiled}
            continue
        package = _package(context, sapi, version)
        row: dict[str, str | int | None] = {"sapi": sapi, "version": version, "package": package.label, "compiled": php_support().compiled}
        yield {**row, **_support(context, version, package)}


def _support(context: TableContext, version: str, package: _Package) -> Row:
    if package.own:
        for release in context.rows("os_support", only=("platform", "end_of_support", "end_of_extended")):
            ends = {"end_of_support": release["end_of_support"], "end_of_extended": release["end_of_extended"]}
            return {"supported_by": release["platform"], **ends}
        return {}  # os_support has said why, as a gap
    end = php_support().end_of(version)
    if package.own is None:
        where = package.label or "no database of packages that is read has it"
        detail = f"PHP {version} ({where}): until when its distribution mends it is not in the list of {php_support().compiled}"
        context.gap(GapReason.UNSUPPORTED, detail)
    elif end is None:
        context.gap(GapReason.UNSUPPORTED, f"PHP {version} is newer than the list of {php_support().compiled}: update hardaudit")
    else:
        return {"supported_by": "php.net", "end_of_support": end}
    return {}


def _package(context: TableContext, sapi: str, version: str) -> _Package:
    """Debian's tools may lie on a host of rpm's and the other way round: whichever database has the package counts."""
    databases: list[Callable[[TableContext, str, str], _Package | None]] = [_deb_package] if _exists(context, _DPKG_STATUS) else []
    if any(_exists(context, place) for place in _RPM_DATABASES):
        databases.append(_rpm_package)
    found = (package for database in databases if (package := database(context, sapi, version)))
    return next(found, _Package(None, own=False if databases else None))


def _deb_package(context: TableContext, sapi: str, version: str) -> _Package | None:
    names = {name.format(version) for name in _DEB_PACKAGES.get(sapi, ())}
    for row in context.rows("deb_packages", only=("name", "version", "status")):
        whole = str(row["version"])
        if row["name"] in names and str(row["status"]).endswith(" installed") and _is_of(version, whole.partition(":")[2] or whole):
            others = any(mark in whole for mark in _OTHERS_DEB)
            return _Package(f"{row['name']} {whole}", own=False if others else _is_own_branch(context, version))
    return None


def _rpm_package(context: TableContext, sapi: str, version: str) -> _Package | None:
    del sapi  # every package of PHP needs php-common
    for row in context.rows("rpm_packages", only=("name", "version", "release")):
        name, release = str(row["name"]), str(row["release"])
        if (name == "php-common" or name.endswith("-php-common")) and _is_of(version, str(row["version"])):
            # Red Hat and others have several branches as modules, each with an end of its own.
            own = False if _OTHERS_RPM in release else _is_own_branch(context, version) or None
            return _Package(f"{name} {row['version']}-{release}", own=own)
    return None


def _is_own_branch(context: TableContext, version: str) -> bool | None:
    """Whether it is the branch of the host's release; None on a release that the list does not have.

    Another branch on a Debian or Ubuntu was left by an older release or comes from elsewhere: nobody mends it here.
    """
    for row in context.rows("os_version", only=("platform", "major", "minor")):
        release = str(row["platform"]), _number(row["major"]), _number(row["minor"])
        if php_support().knows_release(*release):
            return php_support().is_distributions_own(*release, version)
    return None


def _exists(context: TableContext, path: str) -> bool:
    try:
        return context.target.exists(path)
    except OSError as error:
        context.gap_for(error, path)
        return False


def _is_of(branch: str, version: str) -> bool:
    return version == branch or version.startswith(f"{branch}.")


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


TABLE = Table(SPEC, generate)
