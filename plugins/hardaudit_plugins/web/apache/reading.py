"""Apache's configuration as the server itself reads it: what is included, and what of it is in effect.

Source: `ap_build_config`, `ap_build_cont_config`, `ap_soak_end_container` of server/config.c and `start_cond_section` of server/core.c,
httpd 2.4. Directives that act on reading (Include, Define, IfModule …) do so in the order of the lines.
"""

from __future__ import annotations

import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit_plugins.web.apache.arguments import argument_fault, count_fault
from hardaudit_plugins.web.apache.conditions import version_holds
from hardaudit_plugins.web.apache.directive import ApacheSyntaxError
from hardaudit_plugins.web.apache.directive_table import OVERRIDE_CLASSES, allowed_in_htaccess, directives, known_modules
from hardaudit_plugins.web.apache.includes import included_files, root_relative
from hardaudit_plugins.web.apache.lines import MOST_BYTES, Lines
from hardaudit_plugins.web.apache.macros import Macro, read_macro
from hardaudit_plugins.web.apache.modules import MODULES_WITHOUT_DIRECTIVES, is_loaded, source_names
from hardaudit_plugins.web.apache.pcre import UndecidedError
from hardaudit_plugins.web.apache.placement import misplaced
from hardaudit_plugins.web.apache.tree import Line, Node, SkippedNode, close_section, every_node, skip_section, take_apart
from hardaudit_plugins.web.apache.words import TooLongError, Variables, lower, next_word, split_words
from hardaudit_plugins.web.verdict import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hardaudit_plugins.web.apache.directive_table import DirectiveSpec
    from hardaudit_plugins.web.evidence import Evidence

MOST_DIRECTIVES = 200_000
MOST_TEXT = 32 * 2**20
"""Characters that are read, a file as often as it is included, and those of lines that macros put in."""
MOST_DEPTH = 80
"""Includes and sections inside each other; the server itself allows 128 includes and any depth of sections."""
_MOST_PROBLEMS = 20


@dataclass(frozen=True, slots=True)
class AccessRules:
    """What may stand in a .htaccess file: classes of AllowOverride, names of AllowOverrideList; `nonfatal`: the rest is passed over."""

    override: frozenset[str] = OVERRIDE_CLASSES
    override_list: frozenset[str] = frozenset()
    nonfatal: bool = False

    def allows(self, name: str) -> bool:
        """Whether a directive may stand there. Define and UnDefine never may, even if AllowOverrideList names them."""
        return name not in ("define", "undefine") and allowed_in_htaccess(name, self.override, self.override_list)


class BoundError(Exception):
    """More than is read of a configuration."""


class Reader:
    """Reads configuration files, or one .htaccess file, into `nodes`.

    `modules`, `module_files`, `variables`, `macros` change as LoadModule, Define and Macro are met. `htaccess`: what is allowed, when it
    is a .htaccess file that is read; in configuration files everything is.
    """

    def __init__(
        self, evidence: Evidence, server_root: str, modules: frozenset[str], module_files: frozenset[str], variables: Variables
    ) -> None:
        self.nodes: list[Node] = []
        self.unread: list[SkippedNode] = []
        self.problems: list[ApacheSyntaxError] = []
        self.files: list[str] = []
        self.server_root = server_root
        self.modules = set(modules)
        self.module_files = set(module_files)
        self.libraries: dict[str, str] = {}
        self.variables = variables
        self.macros: dict[str, Macro] = {}
        self.version: tuple[int, int, int] | None = None
        self.htaccess: AccessRules | None = None
        self._evidence = evidence
        self._count = 0
        self._size = 0
        self._depth = 0

    @property
    def all_modules_known(self) -> bool:
        """Whether the directives of every loaded module are known."""
        return known_modules() >= self.modules - MODULES_WITHOUT_DIRECTIVES

    def read_file(self, path: str, into: list[Node]) -> None:
        """Read a file and all it includes. Raises ApacheSyntaxError where the server would not start, BoundError where it is too much."""
        text = self._evidence.read_text(path)
        self.files.append(path)
        if text is not None:
            self.read_text(text, path, into)

    def read_text(self, text: str, path: str, into: list[Node], limit: int = MOST_BYTES) -> None:
        """Read a text; every section that begins in it must end in it."""
        lines = Lines(text, path, limit)
        self._grow(len(text), Place(path, 1))
        try:
            opened = self._build(lines, into, None)
        except TooLongError as error:
            raise BoundError(f"{lines.place}: {error}") from error
        if opened:
            raise ApacheSyntaxError(opened[-1].place, f"{opened[-1].spelled}> was not closed.")

    def _build(self, lines: Lines, into: list[Node], until: str | None) -> list[Node]:
        """Read lines into a tree up to the line `until` outside of its sections, or the end. Returns the sections that are open there."""
        self._depth += 1
        opened: list[Node] = []
        while (text := lines.next()) is not None:
            self._tick(lines.place)
            if lines.in_macro:
                self._grow(len(text), lines.place)
            if until is not None and not opened and lower(text) == until:
                break
            line = take_apart(text, self.variables)
            if line is None:
                continue
            target = opened[-1].children if opened else into
            assert target is not None  # noqa: S101 only sections are opened
            self._line(line, lines, target, opened)
        self._depth -= 1
        return opened

    def _check_depth(self, place: Place) -> None:
        if self._depth >= MOST_DEPTH:
            raise BoundError(f"{place}: more than {MOST_DEPTH} includes and sections inside each other")

    def _grow(self, size: int, place: Place) -> None:
        self._size += size
        if self._size > MOST_TEXT:
            raise BoundError(f"{place}: more than {MOST_TEXT:,} characters of configuration")

    def _tick(self, place: Place) -> None:
        self._count += 1
        if self._count % 256 == 0:
            self._evidence.check_deadline()
        if self._count > MOST_DIRECTIVES:
            raise BoundError(f"{place}: more than {MOST_DIRECTIVES:,} lines of configuration")

    def _line(self, line: Line, lines: Lines, into: list[Node], opened: list[Node]) -> None:
        spec = directives().get(lower(line.name))
        if spec is not None and spec.modules & self.modules:
            if spec.on_read:
                self._act(spec, line, lines, into)
                return
        elif self.is_foreign_code(line.name):
            self._skip_code(line, lines)
            return
        if line.name.startswith("</"):
            close_section(line.name, opened, lines.place)
            return
        node = Node(line.name, line.arguments, lines.place)
        into.append(node)
        if line.name.startswith("<"):
            node.children = []
            opened.append(node)
            if len(opened) > MOST_DEPTH:
                raise BoundError(f"{lines.place}: more than {MOST_DEPTH} sections inside each other")
            if ">" not in line.arguments:
                self.problem(lines.place, f"{line.name}> directive missing closing '>'")
        if lower(line.name) == "error":
            self.problem(lines.place, f"Error directive: {line.arguments[:200]}")

    def problem(self, place: Place, message: str) -> None:
        """Note that the server would not start, though everything can be read."""
        if len(self.problems) < _MOST_PROBLEMS:
            self.problems.append(ApacheSyntaxError(place, message))

    def check(self) -> None:
        """Note every directive that no module has once all are loaded, that is misplaced, or that has a wrong number of arguments."""
        if self.all_modules_known:
            for node in every_node(self.nodes):
                if not self._is_loaded(node):
                    self.problem(node.place, f"Invalid command '{node.spelled[:80]}', misspelled or of a module that is not loaded")
        for node in misplaced(self.nodes):
            self.problem(node.place, f"{node.spelled} is not allowed here")
        self.check_arguments(self.nodes)

    def check_arguments(self, nodes: list[Node]) -> None:
        """Note every directive of a loaded module, allowed here, that has a wrong number of arguments."""
        for node in every_node(nodes):
            if node.children is None and self._is_loaded(node) and (self.htaccess is None or self.htaccess.allows(lower(node.spelled))):
                fault = argument_fault(node.spelled, node.arguments)
                if fault is not None:
                    self.problem(node.place, fault)

    def _is_loaded(self, node: Node) -> bool:
        spec = directives().get(lower(node.spelled))
        return spec is not None and bool(spec.modules & self.modules)

    def is_foreign_code(self, name: str) -> bool:
        """Whether a section holds a program that makes configuration."""
        return lower(name) == "<perl" and "perl_module" in self.modules

    def _skip_code(self, line: Line, lines: Lines) -> None:
        place, end = lines.place, f"</{lower(line.name[1:])}>"
        self._evidence.gap(
            GapReason.UNSUPPORTED, f"{place}: {line.name}> is a program, which is not run to see what configuration it makes"
        )
        while (text := lines.next()) is not None and lower(text) != end:
            self._tick(lines.place)

    def _act(self, spec: DirectiveSpec, line: Line, lines: Lines, into: list[Node]) -> None:
        """What a directive that acts on reading does."""
        name = lower(spec.name)
        if self.htaccess is not None and not self.htaccess.allows(name):
            if self.htaccess.nonfatal and name not in self.htaccess.override_list:
                return
            raise ApacheSyntaxError(lines.place, f"{spec.name} not allowed here")
        if name in _CONDITIONS or name == "<ifversion":
            self._condition(name, line, lines, into)
        elif name.startswith("<lua"):
            into.append(Node(line.name, line.arguments, lines.place, []))
            while (text := lines.next()) is not None and not lower(text).startswith(f"</{name[1:]}"):
                self._tick(lines.place)
        elif name == "<macro":
            macro = read_macro(line.arguments, lines, self._tick)
            self.macros[macro.name] = macro
        elif name == "use":
            self._use(split_words(line.arguments), lines)
        elif name in ("include", "includeoptional"):
            self._include(self._words(spec, line, lines), lines, into, optional=name == "includeoptional")
        else:
            self._set(name, self._words(spec, line, lines), lines.place)

    def _words(self, spec: DirectiveSpec, line: Line, lines: Lines) -> list[str]:
        words = split_words(line.arguments)
        fault = count_fault(spec, words)
        if fault is not None:
            raise ApacheSyntaxError(lines.place, fault)
        return words

    def _set(self, name: str, words: list[str], place: Place) -> None:
        if name == "define":
            if ":" in words[0]:
                raise ApacheSyntaxError(place, "Variable name must not contain ':'")
            self.variables.define(words[0], "".join(words[1:]) or None)
        elif name == "undefine":
            self.variables.undefine(words[0])
        elif name == "undefmacro":
            if self.macros.pop(lower(words[0]), None) is None:
                raise ApacheSyntaxError(place, f"cannot remove undefined macro '{words[0]}'")
        elif name == "serverroot":
            self.server_root = root_relative("/", words[0])
        elif name == "loadmodule":
            self._load(words[0], root_relative(self.server_root, words[1]), place)

    def _load(self, identifier: str, path: str, place: Place) -> None:
        if identifier in self.modules:
            return
        # Without any modules this is the configuration alone, without the programs: what it loads is taken to be there.
        if self._type(path) == 0 and self._type(path.rpartition("/")[0]) != 0:
            raise ApacheSyntaxError(place, f"Cannot load {path} into server: no such file")
        self.modules.add(identifier)
        self.module_files |= source_names(self._evidence, identifier, path)
        self.libraries[identifier] = path

    def _use(self, words: list[str], lines: Lines) -> None:
        if not words or not words[0]:
            raise ApacheSyntaxError(lines.place, "no macro name specified with Use")
        macro = self.macros.get(lower(words[0]))
        if macro is None:
            raise ApacheSyntaxError(lines.place, f"macro '{words[0]}' undefined")
        if macro.name in lines.macros():
            raise ApacheSyntaxError(lines.place, f"recursive use of macro '{macro.name}' is invalid")
        lines.insert(macro.name, macro.expand(words[1:], lines.place))

    def _include(self, words: list[str], lines: Lines, into: list[Node], *, optional: bool) -> None:
        place = lines.place
        for path in included_files(self._evidence, root_relative(self.server_root, words[0]), place, optional=optional):
            self._tick(place)
            self._check_depth(place)
            self.read_file(path, into)

    def _condition(self, name: str, line: Line, lines: Lines, into: list[Node]) -> None:
        place = lines.place
        self._evidence.check_deadline()  # a pattern may take a second
        try:
            holds = self._holds(name, line, place)
        except UndecidedError as error:
            if self.htaccess is not None:
                raise UndecidedError(f"{place}: {line.name} {line.arguments[:100]}: {error}") from error
            self._evidence.gap(GapReason.UNDECIDABLE, f"{place}: {line.name} {line.arguments[:100]}: {error}")
            holds = False
        if holds:
            self._check_depth(place)
            self._build(lines, into, f"</{name[1:]}>")
        else:
            self.unread.append(skip_section(line, lines, MOST_DEPTH, self._tick))

    def _holds(self, name: str, line: Line, place: Place) -> bool:
        if name == "<ifversion":
            words = split_words(line.arguments)
            return version_holds(words, self.version, place)
        arguments = line.arguments
        end = arguments.rfind(">")
        if end < 0:
            raise ApacheSyntaxError(place, f"{line.name}> directive missing closing '>'")
        negated = arguments.startswith("!")
        word = next_word(arguments[negated:end])[0]
        if not word:
            raise ApacheSyntaxError(place, f"{line.name}> directive requires additional arguments")
        return _CONDITIONS[name](self, word) is not negated

    def module_condition(self, word: str) -> bool:
        """`IfModule`."""
        return is_loaded(word, self.modules, self.module_files)

    def define_condition(self, word: str) -> bool:
        """`IfDefine`."""
        return word in self.variables.defined

    def file_condition(self, word: str) -> bool:
        """`IfFile`: a file, directory or anything else that is there."""
        return self._type(root_relative(self.server_root, word)) != 0

    def directive_condition(self, word: str) -> bool:
        """`IfDirective`."""
        spec = directives().get(lower(word))
        if spec is not None and spec.modules & self.modules:
            return True
        if not self.all_modules_known:
            raise UndecidedError("a module is loaded whose directives are not known")
        return False

    def section_condition(self, word: str) -> bool:
        """`IfSection`."""
        return self.directive_condition(f"<{word}")

    def _type(self, path: str) -> int:
        """The type of what is at a path, 0 for nothing. What may not be looked at is undecided."""
        try:
            return stat.S_IFMT(self._evidence.target.stat(path).st_mode)
        except (FileNotFoundError, NotADirectoryError):
            return 0
        except OSError as error:
            raise UndecidedError(f"{path}: {error.strerror}") from error


_CONDITIONS: Mapping[str, Callable[[Reader, str], bool]] = {
    "<ifmodule": Reader.module_condition,
    "<ifdefine": Reader.define_condition,
    "<iffile": Reader.file_condition,
    "<ifdirective": Reader.directive_condition,
    "<ifsection": Reader.section_condition,
}
