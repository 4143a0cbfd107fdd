"""The directives of Apache's modules, from the command tables in their object files: the source of `directives.csv`.

Run it to print the table that the installed modules make. Source: `module` and `command_rec` of include/http_config.h, httpd 2.4 (64 bit).
"""

from __future__ import annotations

import csv
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

MODULES = Path("/usr/lib/apache2/modules")
PROGRAM = Path("/usr/sbin/apache2")
STATIC = ("core", "so", "http", "log_config", "logio", "unixd", "version", "watchdog")
COLUMNS = ("name", "module", "server", "directory", "htaccess", "arguments", "read")
_LIBRARIES = {"php": "libphp8.2.so"}
_CLASSES = {"AuthConfig": 8, "FileInfo": 4, "Indexes": 16, "Limit": 1, "Options": 2}
_IN_SERVER, _IN_DIRECTORY, _ON_READ = 128 | 31 & ~(8 | 1), 64 | 31, 256
_ARGUMENTS = ("raw", "1", "2", "iterate", "iterate2", "flag", "none", "12", "3", "23", "123", "13", "argv")


class Elf:
    """A shared object or program: its exported symbols and, at addresses, its pointers, numbers and texts."""

    def __init__(self, path: Path) -> None:
        self.content = path.read_bytes()
        (start,) = struct.unpack_from("<Q", self.content, 40)
        size, count = struct.unpack_from("<HH", self.content, 58)
        self.sections = [struct.unpack_from("<IIQQQQIIQQ", self.content, start + number * size) for number in range(count)]
        self.symbols: dict[str, int] = {}
        self.relocated: dict[int, int] = {}
        self._read()

    def _read(self) -> None:
        for _, kind, _, _, offset, length, link, *_ in self.sections:
            if kind == 11:  # SHT_DYNSYM
                names = self.sections[link][4]
                values: list[int] = []
                for position in range(offset, offset + length, 24):
                    name, _, _, _, value, _ = struct.unpack_from("<IBBHQQ", self.content, position)
                    values.append(value)
                    self.symbols[self._text(names + name)] = value
        for _, kind, _, _, offset, length, *_ in self.sections:
            if kind == 4:  # SHT_RELA
                for position in range(offset, offset + length, 24):
                    place, what, addend = struct.unpack_from("<QQq", self.content, position)
                    symbol = what >> 32
                    self.relocated[place] = addend + (values[symbol] if symbol else 0)

    def _offset(self, address: int) -> int:
        for _, kind, flags, start, offset, length, *_ in self.sections:
            if flags & 2 and kind != 8 and start <= address < start + length:
                return offset + address - start
        raise ValueError(f"{address:#x} is in no section")

    def _text(self, offset: int) -> str:
        return self.content[offset : self.content.index(b"\0", offset)].decode()

    def pointer(self, address: int) -> int:
        return self.relocated[address] if address in self.relocated else struct.unpack_from("<Q", self.content, self._offset(address))[0]

    def numbers(self, address: int) -> tuple[int, int]:
        return struct.unpack_from("<ii", self.content, self._offset(address))

    def text(self, address: int) -> str:
        return self._text(self._offset(address))


def installed() -> dict[str, Path]:
    """The object of every module that is installed, by the module's identifier."""
    found = {f"{name}_module": PROGRAM for name in STATIC}
    found |= {f"{path.stem.removeprefix('mod_')}_module": path for path in sorted(MODULES.glob("mod_*.so"))}
    found |= {f"{name}_module": MODULES / library for name, library in _LIBRARIES.items() if (MODULES / library).exists()}
    return {identifier: path for identifier, path in found.items() if path.exists()}


def commands(identifier: str, elf: Elf) -> Iterator[tuple[str, ...]]:
    """The rows of a module, with the columns of `directives.csv`."""
    table = elf.pointer(elf.symbols[identifier] + 88)
    while table and (name := elf.pointer(table)):
        override, arguments = elf.numbers(table + 24)
        classes = " ".join(name for name, bit in _CLASSES.items() if override & bit)
        places = (str(int(bool(override & mask))) for mask in (_IN_SERVER, _IN_DIRECTORY))
        yield (elf.text(name), identifier, *places, classes, _ARGUMENTS[arguments], str(int(bool(override & _ON_READ))))
        table += 40


def source_file(identifier: str, elf: Elf) -> str:
    """The name by which IfModule finds the module."""
    return elf.text(elf.pointer(elf.symbols[identifier] + 16)).rpartition("/")[2]


def rows() -> list[tuple[str, ...]]:
    """Every row of every installed module, in the order of the table."""
    objects: dict[Path, Elf] = {}
    found: set[tuple[str, ...]] = set()
    for identifier, path in installed().items():
        elf = objects.setdefault(path, Elf(path)) if path == PROGRAM else Elf(path)
        if identifier in elf.symbols:
            found.update(commands(identifier, elf))
    return sorted(found, key=lambda row: (row[0].lower(), row))


if __name__ == "__main__":
    csv.writer(sys.stdout, lineterminator="\n").writerows([COLUMNS, *rows()])
