"""The shell files that give Apache its environment and options: Debian's envvars, Red Hat's sysconfig.

They are read, never run: assignments and the test that Debian's file begins with; everything else makes the reading incomplete.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hardaudit_plugins.web.evidence import Evidence

_ASSIGNMENT = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.DOTALL)
_DEFAULT = re.compile(r":\s+\"?\$\{([A-Za-z_][A-Za-z0-9_]*):?=([^}]*)\}\"?")
_EXPORT = re.compile(r"export(?:\s+[A-Za-z_][A-Za-z0-9_]*)+")
_REFERENCE = re.compile(r"\$(?:([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)(?::?-([^}]*))?\})")
_INSTANCE_TEST = 'if [ "${APACHE_CONFDIR##/etc/apache2-}" != "${APACHE_CONFDIR}" ]'
_HARMLESS = re.compile(r"(?:unset\s.*|ulimit\s.*|\.\s+/etc/default/locale|umask\s.*)")
_DEFINE = re.compile(r"-D\s*([^\s\"']+)")


def read_environment(evidence: Evidence, path: str) -> tuple[dict[str, str], bool]:
    """The variables that the file sets for the first instance, and whether every line of it was understood. Without the file: nothing."""
    text = evidence.read_text(path, optional=True)
    values: dict[str, str] = {"APACHE_CONFDIR": "/etc/apache2"}
    if text is None:
        return values, True
    complete, in_test = True, ""
    for raw in text.splitlines():
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        if in_test:
            in_test = "" if line == "fi" else "else" if line == "else" else in_test
            if in_test != "else" or line == "else":
                continue
        elif line.startswith(_INSTANCE_TEST):
            in_test = "then"
            continue
        complete = _statement(line, values) and complete
    return values, complete


def _statement(line: str, values: dict[str, str]) -> bool:
    """Do what a line says; false when it is not understood."""
    default, assignment = _DEFAULT.fullmatch(line), _ASSIGNMENT.fullmatch(line)
    if default:
        value = _value(default[2], values)
        if value is not None:
            values.setdefault(default[1], value)
        return value is not None
    if assignment is None:
        return bool(_EXPORT.fullmatch(line) or _HARMLESS.fullmatch(line))
    value = _value(assignment[2], values)
    if value is None:
        values.pop(assignment[1], None)
        return False
    values[assignment[1]] = value
    return True


def _value(text: str, values: dict[str, str]) -> str | None:
    """A word of the shell: bare, in single or in double quotes, with a comment after it; None for anything else."""
    word = re.fullmatch(r"(?:'([^']*)'|\"([^\"`\\]*)\"|([^\s\"'`\\;&|<>()#*?\[]*))(?:\s+#.*)?\s*;?", text)
    if word is None:
        return None
    if word[1] is not None:
        return word[1]
    content = word[2] if word[2] is not None else word[3]
    resolved = _REFERENCE.sub(lambda match: values.get(match[1] or match[2], match[3] or ""), content)
    return None if "$(" in content or "$" in _REFERENCE.sub("", content) else resolved


def read_options(evidence: Evidence, sources: tuple[tuple[str, str], ...]) -> frozenset[str]:
    """The names that `-D NAME` options define, of the variables of shell files that hold the server's options."""
    defined: set[str] = set()
    for path, variable in sources:
        text = evidence.read_text(path, optional=True)
        for line in (text or "").splitlines():
            assignment = _ASSIGNMENT.fullmatch(line.strip())
            if assignment and assignment[1] == variable:
                defined.update(_DEFINE.findall(assignment[2]))
    return frozenset(defined)
