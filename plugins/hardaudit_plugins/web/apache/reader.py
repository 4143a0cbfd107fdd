"""Apache's configuration: what is in effect of it, on the target, and in a .htaccess file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit_plugins.web.apache.conditions import UndecidedError
from hardaudit_plugins.web.apache.directive import ApacheSyntaxError, Configuration
from hardaudit_plugins.web.apache.directive_table import OVERRIDE_CLASSES, allowed_in_htaccess
from hardaudit_plugins.web.apache.installation import Installation, find_installation
from hardaudit_plugins.web.apache.lines import MOST_IN_HTACCESS
from hardaudit_plugins.web.apache.modules import source_name
from hardaudit_plugins.web.apache.reading import BoundError, Reader
from hardaudit_plugins.web.apache.words import Variables
from hardaudit_plugins.web.verdict import Place

if TYPE_CHECKING:
    from hardaudit_plugins.web.apache.directive import Directive
    from hardaudit_plugins.web.evidence import Evidence

_INHERITED = frozenset({"PATH", "PWD", "HOME", "HOSTNAME", "SHELL", "USER", "LOGNAME", "LC_ALL", "TZ", "INVOCATION_ID", "NOTIFY_SOCKET"})
"""Variables that a server's environment may have without a file that says so."""


def load_configuration(evidence: Evidence) -> Configuration | None:
    """The configuration in effect, or None where Apache is not installed.

    Where the server would not start, or more is written than is read, that is a gap with its place, and the configuration is what was read
    up to there, with `complete` false: whatever serves now was started with another one.
    """
    installation = find_installation(evidence)
    if installation is None:
        return None
    layout = installation.layout
    variables = Variables(installation.environment, installation.defined)
    reader = Reader(evidence, layout.server_root, layout.modules, frozenset(map(source_name, layout.modules)), variables)
    reader.version = installation.version
    complete = True
    try:
        reader.read_file(layout.configuration, reader.nodes)
        reader.check()
    except ApacheSyntaxError as error:
        reader.problems.append(error)
    except UndecidedError as error:
        evidence.gap(GapReason.UNDECIDABLE, f"{error}: the configuration is read up to there")
        complete = False
    except BoundError as error:
        evidence.gap(GapReason.TRUNCATED, f"{error}: the configuration is read up to there")
        complete = False
    if unknown := sorted(variables.missing & _INHERITED if installation.environment_complete else variables.missing):
        evidence.gap(GapReason.UNDECIDABLE, f"{layout.configuration}: the value of ${{{'}, ${'.join(unknown)}}} is not known")
        complete = False
    for problem in reader.problems:
        evidence.gap(GapReason.UNDECIDABLE, f"{problem}: Apache does not start with this; correct it, or the answers are of no use")
    return _configuration(reader, installation, evidence, complete=complete and not reader.problems)


def _configuration(reader: Reader, installation: Installation, evidence: Evidence, *, complete: bool) -> Configuration:
    return Configuration(
        directives=tuple(node.freeze() for node in reader.nodes),
        modules=frozenset(reader.modules),
        variables=reader.variables,
        version=installation.version or (2, 4, 0),
        server_root=reader.server_root,
        unread=tuple(skipped.freeze() for skipped in reader.unread),
        files=tuple(reader.files),
        module_files=frozenset(reader.module_files),
        complete=complete,
        all_modules_known=reader.all_modules_known,
        reading=evidence,
    )


def read_htaccess(
    text: str,
    path: str,
    configuration: Configuration,
    override: frozenset[str] = OVERRIDE_CLASSES,
    override_list: frozenset[str] = frozenset(),
) -> tuple[Directive, ...]:
    """A .htaccess file's directives, conditions evaluated. Raises ApacheSyntaxError where the server answers 500.

    `override`, `override_list`: what AllowOverride and AllowOverrideList allow there. Only directives that act on reading are held to
    them here; whether the others are known and allowed is for those who evaluate them (`Configuration.knows`, `allowed_in_htaccess`).
    """
    if configuration.reading is None:
        raise ValueError("the configuration was not read from a target")
    variables = configuration.variables if isinstance(configuration.variables, Variables) else Variables(configuration.variables)
    reader = Reader(configuration.reading, configuration.server_root, configuration.modules, configuration.module_files, variables)
    reader.version = configuration.version
    reader.may_act = lambda name: allowed_in_htaccess(name, override, override_list)
    try:
        reader.read_text(text, path, reader.nodes, MOST_IN_HTACCESS)
    except (BoundError, UndecidedError) as error:
        configuration.reading.gap(GapReason.UNDECIDABLE, f"{path}: {error}")
        raise ApacheSyntaxError(Place(path, 1), f"not read to its end: {error}") from error
    if reader.problems:
        raise reader.problems[0]
    return tuple(node.freeze() for node in reader.nodes)
