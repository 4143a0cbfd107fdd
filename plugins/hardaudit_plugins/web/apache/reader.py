"""Apache's configuration: what is in effect of it, on the target, and in a .htaccess file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit_plugins.web.apache.directive import ApacheSyntaxError, Configuration
from hardaudit_plugins.web.apache.installation import Installation, find_installation
from hardaudit_plugins.web.apache.lines import MOST_IN_HTACCESS
from hardaudit_plugins.web.apache.modules import source_name
from hardaudit_plugins.web.apache.pcre import UndecidedError
from hardaudit_plugins.web.apache.reading import AccessRules, BoundError, Reader
from hardaudit_plugins.web.apache.words import Variables

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
    reader = Reader(evidence, layout.server_root, installation.modules, frozenset(map(source_name, installation.modules)), variables)
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
    unknown = variables.missing & _INHERITED if installation.environment_complete else variables.missing
    for name in sorted(unknown)[:10]:
        evidence.gap(GapReason.UNDECIDABLE, f"{layout.configuration}: the value of ${{{name[:80]}}} is not known")
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
        libraries=reader.libraries,
        complete=complete,
        all_modules_known=reader.all_modules_known,
        macros=reader.macros,
        version_known=installation.version is not None,
        reading=evidence,
    )


def read_htaccess(text: str, path: str, configuration: Configuration, rules: AccessRules | None = None) -> tuple[Directive, ...]:
    """A .htaccess file's directives, conditions evaluated.

    Only directives that act on reading are held to `rules` here; whether the others are known and allowed is for those who evaluate them
    (`Configuration.knows`, `allowed_in_htaccess`). With `rules` the number of arguments of those that are allowed is checked too; without,
    everything that .htaccess files may ever hold is taken as allowed.

    Raises ApacheSyntaxError where the server answers 500, UndecidedError where that cannot be said.
    """
    evidence = configuration.reading
    if evidence is None:
        raise ValueError("the configuration was not read from a target")
    reader = Reader(evidence, configuration.server_root, configuration.modules, configuration.module_files, configuration.variables)
    reader.version = configuration.version if configuration.version_known else None
    reader.macros = dict(configuration.macros)
    reader.htaccess = rules or AccessRules()
    try:
        reader.read_text(text, path, reader.nodes, MOST_IN_HTACCESS)
    except BoundError as error:
        raise UndecidedError(str(error)) from error
    if rules is not None:
        reader.check_arguments(reader.nodes)
    if reader.problems:
        raise reader.problems[0]
    return tuple(node.freeze() for node in reader.nodes)
