"""sysctl.d(5): what the boot writes into the kernel's settings."""

from __future__ import annotations

import fnmatch
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit_plugins.kernel.drop_ins import drop_in_files, first_existing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hardaudit.target.table import TableContext

_DIRECTORIES = ("/etc/sysctl.d", "/run/sysctl.d", "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d", "/lib/sysctl.d")
_MAIN = "/etc/sysctl.conf"
_SYSTEMD = ("/usr/lib/systemd/systemd-sysctl", "/lib/systemd/systemd-sysctl")
_WILDCARDS = re.compile(r"[*?\[]")
_PATH_LIMIT = 4095  # PATH_MAX
_PATTERN_LIMIT = 1000


@dataclass(frozen=True, slots=True)
class PathPattern:
    """glob(7) over a path: its wildcards do not match a slash."""

    parts: tuple[re.Pattern[str], ...]

    @classmethod
    def of(cls, pattern: str) -> PathPattern:
        """The pattern, a part between two slashes at a time; fnmatch's translation does not backtrack over earlier stars."""
        return cls(tuple(re.compile(fnmatch.translate(part)) for part in pattern.split("/")))

    def matches(self, path: str) -> bool:
        """Whether the whole path matches."""
        names = path.split("/")
        return len(names) == len(self.parts) and all(part.match(name) for part, name in zip(self.parts, names, strict=True))


@dataclass(frozen=True, slots=True)
class SysctlConfig:
    """Settings by path below /proc/sys.

    `exact` has those that are named, None for one that is exempt from the patterns; of `patterns` the last match counts.
    """

    exact: dict[str, str | None] = field(default_factory=dict)
    patterns: list[tuple[PathPattern, str]] = field(default_factory=list)

    def value(self, path: str) -> str | None:
        """What is written to a setting, by its path below /proc/sys (`net/ipv4/ip_forward`); None when nothing is."""
        if path in self.exact:
            return self.exact[path]
        for pattern, value in reversed(self.patterns):
            if pattern.matches(path):
                return value
        return None


def read_sysctl_config(context: TableContext) -> SysctlConfig:
    """The configuration as the boot applies it: drop-ins by file name, then, where the system has no systemd-sysctl, /etc/sysctl.conf."""
    files = drop_in_files(context, _DIRECTORIES)
    if first_existing(context, _SYSTEMD) is None:
        files.append(_MAIN)
    config = SysctlConfig()
    for path in files:
        context.check_deadline()
        text = context.read_text(path, optional=True)
        if text is not None:
            _apply(config, text.split("\n"))
        if len(config.patterns) > _PATTERN_LIMIT:
            context.gap(GapReason.TRUNCATED, f"{path}: more than {_PATTERN_LIMIT} patterns in the files so far; the rest is not read")
            break
    return config


def _apply(config: SysctlConfig, lines: Iterable[str]) -> None:
    for line in lines:
        setting = line.strip(" \t\r")
        if not setting or setting[0] in "#;":
            continue
        key, separator, value = setting.partition("=")
        exempt = key.startswith("-")
        path = setting_path(key.removeprefix("-").strip())
        if len(path) > _PATH_LIMIT:
            continue  # no setting has such a name
        if separator and _WILDCARDS.search(path):
            config.patterns.append((PathPattern.of(path), value.strip()))
        elif separator:
            config.exact[path] = value.strip()
        elif exempt:
            config.exact[path] = None


def setting_path(key: str) -> str:
    """The path below /proc/sys of a key: where the first separator is a dot, dots and slashes change places, as systemd-sysctl has it."""
    first = re.search(r"[./]", key)
    if first is None or first[0] == "/":
        return key
    return key.translate(str.maketrans("./", "/."))
