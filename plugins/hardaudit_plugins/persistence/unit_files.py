"""Which units a system has, by the files in systemd's unit directories, and whether they are enabled.

systemd itself knows more: units without files, and what runs. What is told here is what `systemctl --root=DIR list-unit-files` tells,
except that the template of an instance is not a unit itself while each enabled instance is. (systemd's src/shared/install.c.)
"""

from __future__ import annotations

import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit_plugins.persistence.unit_syntax import Assignment, assignments, is_template, is_unit_name, template_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hardaudit.target.table import TableContext

CONFIGURED, RUNTIME = "/etc/systemd/system", "/run/systemd/system"
_DIRECTORIES = (
    "/etc/systemd/system.control",
    "/run/systemd/system.control",
    "/run/systemd/transient",
    "/run/systemd/generator.early",
    CONFIGURED,
    "/etc/systemd/system.attached",
    RUNTIME,
    "/run/systemd/system.attached",
    "/run/systemd/generator",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
    "/run/systemd/generator.late",
)
"""systemd's search path, the first that has a file wins (systemd.unit(5)); /lib is left out where it is a link to usr/lib."""

_GENERATED = ("/run/systemd/generator.early", "/run/systemd/generator", "/run/systemd/generator.late")
_PULLING = (".wants", ".requires", ".upholds")
_INSTALLING = frozenset(("WantedBy", "RequiredBy", "UpheldBy", "Alias"))


@dataclass(frozen=True, slots=True)
class UnitFile:
    """A unit and the file that defines it. `text`: the file's, None when it is masked or cannot be read."""

    name: str
    path: str
    text: str | None
    masked: bool
    file_state: str
    drop_ins: tuple[tuple[str, str], ...]

    def assignments(self) -> Iterator[tuple[str, Assignment]]:
        """Path and assignment, of the file and then of its drop-ins, in the order in which they take effect."""
        for path, text in ((self.path, self.text or ""), *self.drop_ins):
            for assignment in assignments(text):
                yield path, assignment

    def last(self, section: str, key: str) -> str | None:
        """The value that has the last word, None when nothing sets it."""
        value = None
        for _, assignment in self.assignments():
            if assignment.section == section and assignment.key == key:
                value = assignment.value
        return value


@dataclass(slots=True)
class _Directory:
    """What a unit directory holds.

    `links` and what they point to; `others`: by the name pointed to, the links; `files`; `folders`; `pulled`: the units that its .wants
    and similar folders pull in.
    """

    path: str
    links: dict[str, str] = field(default_factory=dict)
    others: dict[str, set[str]] = field(default_factory=dict)
    files: set[str] = field(default_factory=set)
    folders: set[str] = field(default_factory=set)
    pulled: set[str] = field(default_factory=set)


def unit_files(context: TableContext, places: Sequence[str] = ()) -> Iterator[UnitFile]:
    """The units of the target, sorted by name. What cannot be read becomes a gap; a directory that does not exist is none.

    `places`: other directories than those of the system's units, such as those of users; the first that has a file wins.
    """
    directories = [_survey(context, path) for path in places or _search_path(context)]
    for name in sorted(_names(directories)):
        context.check_deadline()
        unit = _unit(context, directories, name)
        if unit:
            yield unit


def _search_path(context: TableContext) -> list[str]:
    merged = False
    try:
        merged = stat.S_ISLNK(context.target.lstat("/lib").st_mode)
    except FileNotFoundError:
        merged = True
    except OSError as error:
        context.gap_for(error, "/lib")
    return [path for path in _DIRECTORIES if not (merged and path.startswith("/lib/"))]


def _survey(context: TableContext, path: str) -> _Directory:
    found = _Directory(path)
    for name in context.list_directory(path, optional=True):
        place = f"{path}/{name}"
        try:
            mode = context.target.lstat(place).st_mode
            if stat.S_ISDIR(mode):
                found.folders.add(name)
            elif not is_unit_name(name):
                continue
            elif stat.S_ISLNK(mode):
                found.links[name] = target = context.target.readlink(place)
                found.others.setdefault(target.rpartition("/")[2], set()).add(name)
            else:
                found.files.add(name)
        except FileNotFoundError:
            continue  # vanished meanwhile
        except OSError as error:
            context.gap_for(error, place)
    for folder in found.folders:
        if folder.endswith(_PULLING):
            names = context.list_directory(f"{path}/{folder}", optional=True)
            found.pulled.update(name for name in names if is_unit_name(name))
    return found


def _names(directories: list[_Directory]) -> set[str]:
    """The units' own names: not those of templates, and not those that are only another name of a unit."""
    names: set[str] = set()
    for directory in directories:
        names |= directory.files
        names.update(name for name, target in directory.links.items() if not _is_alias(name, target))
        names.update(name for name in directory.pulled if template_of(name))
    return {name for name in names if not is_template(name)}


def _is_alias(name: str, target: str) -> bool:
    """Whether a link is another name of a unit, rather than the unit's own name for a file that lies elsewhere."""
    base = target.rpartition("/")[2]
    return is_unit_name(base) and base not in (name, template_of(name))


def _unit(context: TableContext, directories: list[_Directory], name: str) -> UnitFile | None:
    """The unit of a name, or None when no file defines it."""
    for candidate in filter(None, (name, template_of(name))):
        for directory in directories:
            path = f"{directory.path}/{candidate}"
            target = directory.links.get(candidate)
            if target is None and candidate not in directory.files:
                continue
            if target is not None and _is_alias(candidate, target):
                return None
            text, masked = _read(context, path, target)
            state = _masked_state(directory.path) if masked else _file_state(directories, directory, name, candidate, text or "")
            return UnitFile(name, path, None if masked else text, masked, state, () if masked else _drop_ins(context, directories, name))
    return None


def _read(context: TableContext, path: str, target: str | None) -> tuple[str | None, bool]:
    """The file's text, and whether the unit is masked: the file is a link to /dev/null or empty."""
    if target == "/dev/null":
        return None, True
    text = context.read_text(path, optional=True)
    if text is None and target is not None:
        context.gap(GapReason.MISSING_SOURCE, f"{path}: a link to {target[:200]}, which is no file that can be read here")
    return text, text == ""


def _masked_state(directory: str) -> str:
    return "masked-runtime" if directory.startswith("/run/") else "masked"


def _file_state(directories: list[_Directory], home: _Directory, name: str, file_name: str, text: str) -> str:
    """What `systemctl is-enabled` says."""
    install = [entry for entry in assignments(text) if entry.section == "Install" and entry.value]
    aliases = {alias for entry in install if entry.key == "Alias" for alias in entry.value.split()}
    enabling = [directory.path for directory in directories if _enables(directory, name, file_name, aliases)]
    linked = file_name in home.links
    rules = (
        ("generated", home.path in _GENERATED),
        ("transient", home.path == "/run/systemd/transient"),
        ("enabled", CONFIGURED in enabling),
        ("enabled-runtime", any(path.startswith("/run/") for path in enabling)),
        ("static", bool(enabling) and template_of(name) is not None),
        ("linked", linked and home.path == CONFIGURED),
        ("linked-runtime", linked and home.path == RUNTIME),
        ("indirect", any(_names_otherwise(directory, name, file_name) for directory in directories)),
        ("disabled", any(entry.key in _INSTALLING for entry in install)),
        ("indirect", any(entry.key == "Also" for entry in install)),
    )
    return next((state for state, holds in rules if holds), "static")


def _enables(directory: _Directory, name: str, file_name: str, aliases: set[str]) -> bool:
    """Whether a directory pulls the unit in, or has one of the other names that the unit's [Install] section gives it."""
    return name in directory.pulled or any(aliases & directory.others.get(base, set()) for base in (name, file_name))


def _names_otherwise(directory: _Directory, name: str, file_name: str) -> bool:
    """Whether the administrator's or the runtime's directory has a link that gives the unit another name."""
    if directory.path != CONFIGURED and not directory.path.startswith("/run/"):
        return False
    return any(directory.others.get(base, set()) - {name, file_name} for base in (name, file_name))


def _drop_ins(context: TableContext, directories: list[_Directory], name: str) -> tuple[tuple[str, str], ...]:
    """Path and text of the unit's drop-ins in the order in which they take effect: by file name, the more specific directory winning."""
    chosen: dict[str, str] = {}
    for folder in _drop_in_folders(name):
        for directory in directories:
            if folder in directory.folders:
                for file_name in context.list_directory(f"{directory.path}/{folder}", optional=True):
                    if file_name.endswith(".conf"):
                        chosen.setdefault(file_name, f"{directory.path}/{folder}/{file_name}")
    texts = []
    for file_name in sorted(chosen):
        text = _drop_in_text(context, chosen[file_name])
        if text is not None:
            texts.append((chosen[file_name], text))
    return tuple(texts)


def _drop_in_text(context: TableContext, path: str) -> str | None:
    """A drop-in's text; a link to /dev/null masks drop-ins of its name."""
    try:
        if stat.S_ISLNK(context.target.lstat(path).st_mode) and context.target.readlink(path) == "/dev/null":
            return None
    except FileNotFoundError:
        return None
    except OSError as error:
        context.gap_for(error, path)
        return None
    return context.read_text(path, optional=True)


def _drop_in_folders(name: str) -> Iterator[str]:
    """The names of a unit's drop-in directories, the most specific first."""
    stem, _, kind = name.rpartition(".")
    yield f"{name}.d"
    template = template_of(name)
    if template:
        yield f"{template}.d"
    prefix = stem.partition("@")[0]
    for end in range(len(prefix) - 1, 0, -1):
        if prefix[end - 1] == "-":
            yield f"{prefix[:end]}.{kind}.d"
    yield f"{kind}.d"
