"""A machine's architecture and identity, from files."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hardaudit.target.target import Target

_PROGRAMS = ("/bin/sh", "/usr/bin/env", "/sbin/init", "/usr/lib/systemd/systemd", "/bin/busybox")
_HEADER = 20  # bytes of an ELF header up to and with e_machine, elf(5)
_MACHINES = {
    (3, 1): "i686",
    (8, 1): "mips",
    (8, 2): "mips64",
    (20, 1): "ppc",
    (21, 2): "ppc64",
    (22, 2): "s390x",
    (40, 1): "armv7l",
    (62, 1): "x86_64",
    (62, 2): "x86_64",
    (183, 2): "aarch64",
    (243, 1): "riscv32",
    (243, 2): "riscv64",
    (258, 2): "loongarch64",
}
_LITTLE_ENDIAN = 1


def architecture_of_programs(target: Target) -> str | None:
    """The machine, as uname(1) -m names it, that the system's programs are built for; None where no ELF program tells it.

    What a disk image is made for is read from its shell: asking the running kernel would answer for the auditor's own machine.
    """
    for path in _PROGRAMS:
        try:
            with target.open(path) as program:
                header = program.read(_HEADER)
        except OSError:
            continue  # another program may tell; that none does is the caller's to report
        machine = elf_machine(header)
        if machine:
            return machine
    return None


def elf_machine(header: bytes) -> str | None:
    """uname(1)'s name for the machine of an ELF header; None for anything else."""
    if len(header) < _HEADER or header[:4] != b"\x7fELF":
        return None
    little = header[5] == _LITTLE_ENDIAN
    (machine,) = struct.unpack_from("<H" if little else ">H", header, 18)
    name = _MACHINES.get((machine, header[4]))
    return f"{name}le" if little and name == "ppc64" else name
