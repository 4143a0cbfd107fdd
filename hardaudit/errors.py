"""What a user can cause. Anything else that is raised is a defect and is allowed to show its traceback."""

from __future__ import annotations


class HardauditError(Exception):
    """A fault the user can mend; the message is one line that says what is wrong and what to do."""

    exit_status = 2
    names_its_place = False
    """Whether each line of the message begins with the file, line and column it speaks of; printed without the program's name then."""


class UsageError(HardauditError):
    """The command line asks for something that cannot be done."""


class PolicyError(HardauditError):
    """A policy cannot be used: unknown check, wrong type, cyclic `extends` …; nothing is run."""


class CheckError(HardauditError):
    """A check file breaks the contract; the plugin that brought it is refused."""


class PluginError(HardauditError):
    """A plugin cannot be loaded, breaks a rule, or could be changed by someone who is not root."""


class QueryError(HardauditError):
    """SQL that cannot be run: a syntax error, an unknown table, a missing required constraint, a forbidden statement."""


class TargetError(HardauditError):
    """The target itself cannot be opened: `--root` is missing or is not a directory."""


class SourceError(HardauditError):
    """The osquery that was asked for cannot be used: none is there, someone else could replace it, or it does not answer."""
