"""`php_protections`: lines that are there to keep PHP from running where files are uploaded, and whether they do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit.model.table import INTEGER, TEXT, Column, TableSpec
from hardaudit.target.table import Table
from hardaudit_plugins.web.docroots import docroots_of
from hardaudit_plugins.web.execution import named_or_uploads, ways_to
from hardaudit_plugins.web.servers import servers_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext
    from hardaudit_plugins.web.site import Protection, Site

SPEC = TableSpec(
    name="php_protections",
    description=(
        "Directives about an upload directory that switch PHP off or forbid its files, in effect or not. Whether one has an effect is "
        "decided by evaluating the configuration with and without it."
    ),
    source="The configuration of Apache (enabled and not, with .htaccess files) and nginx",
    columns=(
        Column("server", TEXT, "apache or nginx"),
        Column("site", TEXT, "First name of the site"),
        Column("directory", TEXT, "Upload directory", additional=True),
        Column("kind", TEXT, "The directive, as written: php_flag engine off, SetHandler None, Require all denied, deny all"),
        Column(
            "effective",
            INTEGER,
            "1 if it keeps a name from running that would run without it, 0 if it does nothing, NULL if that cannot be decided",
        ),
        Column("overridable", INTEGER, "1 if an uploaded .htaccess could undo it"),
        Column("reason", TEXT, "Why it does nothing, or what it does"),
        Column("config_path", TEXT, "File"),
        Column("config_line", INTEGER, "Line in that file, from 1"),
    ),
    examples=("SELECT directory, kind, reason, config_path, config_line FROM php_protections WHERE effective = 0",),
)


def generate(context: TableContext) -> Iterator[Row]:
    """A row for each line, site and directory."""
    docroots = docroots_of(context)
    if docroots is None:
        return
    for directory in named_or_uploads(context):
        for site, path in {(id(way.site), way.path): (way.site, way.path) for way in ways_to(context, docroots, directory)}.values():
            context.check_deadline()
            try:
                found = _protections(context, site, path)
            except OSError as error:
                context.gap_for(error, path)
                continue
            for protection in found:
                if protection.effective is None:
                    context.gap(GapReason.UNDECIDABLE, f"{protection.place}: {protection.reason}")
                yield _row(site, directory, protection)
    servers_of(context)  # for gaps that came up meanwhile


def _protections(context: TableContext, site: Site, path: str) -> list[Protection]:
    """Of a site and directory, found out once a run: it takes many evaluations."""
    known = context.run_state.setdefault("php_protections", {})
    if not isinstance(known, dict):
        raise TypeError("run_state['php_protections'] belongs to this table")
    found = known.get((id(site), path))
    if found is None:
        known[id(site), path] = found = list(site.protections(path))
    return found


def _row(site: Site, directory: str, protection: Protection) -> Row:
    return {
        "server": site.server,
        "site": site.name,
        "directory": directory,
        "kind": protection.kind,
        "effective": None if protection.effective is None else int(protection.effective),
        "overridable": int(protection.overridable),
        "reason": protection.reason,
        "config_path": protection.place.path,
        "config_line": protection.place.line,
    }


TABLE = Table(SPEC, generate)
