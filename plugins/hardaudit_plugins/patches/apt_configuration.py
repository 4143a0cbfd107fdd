"""APT's configuration, apt.conf(5): the fragments of /etc/apt/apt.conf.d in order, then /etc/apt/apt.conf, the last word winning."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit_plugins.patches.apt_words import fragments, quoted_word, truth

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.target.table import TableContext

MAIN_FILE = "/etc/apt/apt.conf"
FRAGMENTS = "/etc/apt/apt.conf.d"

_MAX_INCLUDES = 10
_MAX_NESTING = 50
_MAX_NAME = 1000
_BLANKS = " \t\v\f\r"


@dataclass(frozen=True, slots=True)
class AptSetting:
    """A value that is set, and where. `name` is the full name as written first, `A::B::` for an item of the list `A::B`."""

    name: str
    value: str
    path: str
    line: int


@dataclass(slots=True)
class _Node:
    name: str
    setting: AptSetting | None = None
    children: dict[str, _Node] = field(default_factory=dict)
    items: list[AptSetting] = field(default_factory=list)


class AptConfiguration:
    """The tree of settings. Names are compared without case; what nothing sets is None and has APT's built-in default."""

    def __init__(self) -> None:
        self._top = _Node("")

    def find(self, name: str) -> AptSetting | None:
        """The setting of a name."""
        node = self._node(name)
        return node.setting if node else None

    def value(self, name: str, default: str) -> str:
        """A name's value, or `default` where nothing sets it."""
        setting = self.find(name)
        return setting.value if setting else default

    def flag(self, name: str, *, default: bool) -> bool:
        """A name's truth value, or `default` where nothing sets it or it is none."""
        setting = self.find(name)
        value = truth(setting.value) if setting else None
        return default if value is None else value

    def items(self, name: str) -> list[str]:
        """The values below a name: a list's items, and named values beside them."""
        node = self._node(name)
        if node is None:
            return []
        named = [child.setting.value for child in node.children.values() if child.setting]
        return [item.value for item in node.items] + named

    def settings(self) -> Iterator[AptSetting]:
        """Every value, depth first."""
        pending = [self._top]
        while pending:
            node = pending.pop()
            if node.setting:
                yield node.setting
            yield from node.items
            pending.extend(reversed(node.children.values()))

    def set(self, name: str, value: str, path: str, line: int) -> None:
        """Set a name's value; a name that ends with `::` adds an item to a list."""
        parts = name.split("::")
        node = self._top
        for part in parts[:-1] if parts[-1] == "" else parts:
            child = node.children.get(part.lower())
            if child is None:
                child = node.children[part.lower()] = _Node(f"{node.name}::{part}" if node.name else part)
            node = child
        if parts[-1] == "":
            node.items.append(AptSetting(f"{node.name}::", value, path, line))
        else:
            node.setting = AptSetting(node.name, value, path, line)

    def clear(self, name: str) -> None:
        """Forget a name's value and everything below it."""
        node = self._node(name)
        if node:
            node.setting = None
            node.children.clear()
            node.items.clear()

    def _node(self, name: str) -> _Node | None:
        node: _Node | None = self._top
        for part in name.lower().removesuffix("::").split("::"):
            node = node.children.get(part) if node else None
        return node


def read_configuration(context: TableContext) -> AptConfiguration:
    """The configuration of the target. A file that cannot be read or understood to its end becomes a gap."""
    configuration = AptConfiguration()
    for path in fragments(context, FRAGMENTS, ("", "conf")):
        _read_file(context, configuration, path, depth=0)
    _read_file(context, configuration, MAIN_FILE, depth=0)
    return configuration


def _read_file(context: TableContext, configuration: AptConfiguration, path: str, depth: int) -> None:
    text = context.read_text(path, optional=True)
    if text is None:
        return
    parser = _Parser(context, configuration, path, depth)
    try:
        parser.parse(text)
    except ValueError as error:
        context.gap(GapReason.UNDECIDABLE, f"{path}:{parser.line}: {error}: the rest of this file is not read")


class _Parser:
    """One file. The grammar is that of apt-pkg's ReadConfigFile, oddities included."""

    def __init__(self, context: TableContext, configuration: AptConfiguration, path: str, depth: int) -> None:
        self.line = 0
        self._context = context
        self._configuration = configuration
        self._path = path
        self._depth = depth
        self._parents: list[str] = []
        self._parent = ""
        self._buffer: list[str] = []

    def parse(self, text: str) -> None:
        in_comment = False
        for line in text.split("\n"):
            self.line += 1
            self._context.check_deadline()
            code, in_comment = _without_comments(line, in_comment=in_comment)
            self._fragment(code)
        if self._buffer:
            raise ValueError("a statement without its ending ;")

    def _fragment(self, code: str) -> None:
        start, quoted = 0, False
        for index, character in enumerate(code):
            if character == '"':
                quoted = not quoted
            elif character in "{};" and not quoted:
                self._keep(code[start:index])
                self._statement(character)
                start = index + 1
        self._keep(code[start:])

    def _keep(self, text: str) -> None:
        text = text.strip(_BLANKS)
        if text:
            self._buffer.append(text)

    def _statement(self, ending: str) -> None:
        """What stood before a `;`, `{` or `}`."""
        text = " ".join(self._buffer)
        self._buffer.clear()
        if not text and ending == "{":
            raise ValueError("a block without a name")
        if text:
            self._assign(*_tag_and_word(text, ending), ending)
        if ending == "}":
            self._parent = self._parents.pop() if self._parents else ""

    def _assign(self, tag: str, word: str | None, ending: str) -> None:
        if ending == "{":
            if len(self._parents) >= _MAX_NESTING:
                raise ValueError(f"blocks nested deeper than {_MAX_NESTING}")
            self._parents.append(self._parent)
            self._parent = f"{self._parent}::{tag}" if self._parent else tag
            if word is not None:
                self._set(self._parent, word)
        elif tag.startswith("#"):
            self._directive(tag[1:], word or "")
        elif word is not None:
            self._set(f"{self._parent}::{tag}" if self._parent else tag, word)

    def _set(self, name: str, value: str) -> None:
        if len(name) > _MAX_NAME:
            raise ValueError(f"a name longer than {_MAX_NAME} characters")
        if name:  # APT takes a lone word outside of a block for the value of nothing
            self._configuration.set(name, value, self._path, self.line)

    def _directive(self, name: str, word: str) -> None:
        if self._parent:
            raise ValueError(f"the directive #{name} inside a block")
        if name == "clear":
            self._configuration.clear(word)
        elif name == "include" and self._depth < _MAX_INCLUDES:
            self._include(word)
        else:
            raise ValueError(f"the directive #{name}, which is unknown or nested too deeply")

    def _include(self, path: str) -> None:
        if path.endswith("/") and len(path) > 2:
            for fragment in fragments(self._context, path.rstrip("/"), ("", "conf")):
                _read_file(self._context, self._configuration, fragment, self._depth + 1)
        elif path.startswith("/"):
            _read_file(self._context, self._configuration, path, self._depth + 1)
        else:
            raise ValueError("an #include of a relative path")


def _without_comments(line: str, *, in_comment: bool) -> tuple[str, bool]:
    """A line's code, and whether a /* comment goes on in the next line."""
    kept: list[str] = []
    position, quoted = 0, False
    while position < len(line):
        if in_comment:
            end = line.find("*/", position)
            if end < 0:
                return "".join(kept), True
            position, in_comment = end + 2, False
            continue
        character = line[position]
        quoted ^= character == '"'
        if not quoted:
            if line.startswith("//", position) or (character == "#" and not line.startswith(("#clear", "#include"), position)):
                break
            if line.startswith("/*", position):
                position, in_comment = position + 2, True
                continue
        kept.append(character)
        position += 1
    return "".join(kept), in_comment


def _tag_and_word(text: str, ending: str) -> tuple[str, str | None]:
    """A statement's name and value. A lone word is a value without a name, unless it opens a block."""
    first = quoted_word(text, 0)
    if first is None:
        raise ValueError("a statement without a name")
    tag, position = first
    if position >= len(text):
        return (tag, None) if ending == "{" else ("", tag)
    strings = _strings(text[position:])
    if strings is not None:
        return tag, strings
    second = quoted_word(text, position)
    if second is None or second[1] < len(text):
        raise ValueError("more after a value")
    return tag, second[0]


def _strings(text: str) -> str | None:
    """Quoted strings with only blanks between them, which are one value, or None for anything else. (apt-pkg, ParseCWord.)"""
    parts = text.split('"')
    if len(parts) < 3 or len(parts) % 2 == 0 or len(text) >= 1024:
        return None
    between = parts[0::2]
    if any(part.strip(_BLANKS) for part in between) or between[0]:
        return None
    joined = [parts[1]]
    for gap, string in zip(between[1:], parts[3::2], strict=False):
        joined.append((" " if gap else "") + string)
    return "".join(joined)
