"""The shell files that give Apache its environment and options: Debian's envvars, Red Hat's sysconfig.

They are read, never run: assignments and the test that Debian's file begins with; everything else makes the reading incomplete.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hardaudit_plugins.web.evidence import Evidence

_ASSIGNMENT = re.compile(r"(export\s+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.DOTALL)
_DEFAULT = re.compile(r":\s+\"?\$\{([A-Za-z_][A-Za-z0-9_]*):?=([^}]*)\}\"?")
_EXPORT = re.compile(r"export((?:\s+[A-Za-z_][A-Za-z0-9_]*)+)")
_REFERENCE = re.compile(r"\$(?:([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)(?::?-([^}]*))?\})")
_SET = re.compile(r"([A-Za-z_][A-Za-z0-9_]*):?=")
_INSTANCE_TEST = 'if [ "${APACHE_CONFDIR##/etc/apache2-}" != "${APACHE_CONFDIR}" ]'
_HARMLESS = re.compile(r"(?:unset\s+HOME|ulimit\s.*|\.\s+/etc/default/locale|umask\s.*)")
_BLOCK, _BLOCK_END = re.compile(r"(?:if|case|for|while|until)\b"), re.compile(r"(?:.*[\s;])?(?:fi|esac|done)\s*;?")
_OTHER_CODE = re.compile(r"(?:\.|source|eval)\s")
_DEFINE = re.compile(r"-D\s*([^\s\"']+)")


class _Shell:
    """What a file's lines do to variables, as far as that can be said; `complete` is false once a line was not understood."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {"APACHE_CONFDIR": "/etc/apache2"}
        self.exported: set[str] = set()
        self.complete = True
        self._instance = ""
        self._depth = 0

    def run(self, line: str) -> None:
        """One line."""
        if self._instance:
            self._instance = "" if line == "fi" else "else" if line == "else" else self._instance
            if self._instance != "else" or line == "else":
                return
        elif line.startswith(_INSTANCE_TEST):
            self._instance = "then"
            return
        if self._depth or _BLOCK.match(line) or not self._statement(line):
            self._forget(line)

    def _forget(self, line: str) -> None:
        """What a line may set is not known after it."""
        self.complete = False
        self._depth += _BLOCK.match(line) is not None
        self._depth -= self._depth > 0 and _BLOCK_END.fullmatch(line) is not None
        if _OTHER_CODE.match(line):
            self.values.clear()
        for name in _SET.findall(line):
            self.values.pop(name, None)

    def _statement(self, line: str) -> bool:
        """Do what a line says; false when it is not understood."""
        default, assignment, export = _DEFAULT.fullmatch(line), _ASSIGNMENT.fullmatch(line), _EXPORT.fullmatch(line)
        if default:
            value = _value(default[2], self.values)
            if value is not None:
                self.values.setdefault(default[1], value)
            return value is not None
        if export:
            self.exported.update(export[1].split())
        if assignment is None:
            return bool(export or _HARMLESS.fullmatch(line))
        value = _value(assignment[3], self.values)
        if value is None:
            return False
        self.values[assignment[2]] = value
        if assignment[1]:
            self.exported.add(assignment[2])
        return True


def read_environment(evidence: Evidence, path: str) -> tuple[dict[str, str], bool]:
    """The variables that the file exports for the first instance, and whether every line of it was understood; none without the file."""
    text = evidence.read_text(path, optional=True)
    if text is None:
        return {}, True
    shell = _Shell()
    for line in text.splitlines():
        stripped = line.strip()
        if stripped and not stripped.startswith("#"):
            shell.run(stripped)
    return {name: value for name, value in shell.values.items() if name in shell.exported}, shell.complete


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
            if assignment and assignment[2] == variable:
                defined.update(_DEFINE.findall(assignment[3]))
    return frozenset(defined)
