"""The formats of the files of /proc/PID, proc(5), as osquery's table `processes` shows them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from hardaudit.model import host_text

if TYPE_CHECKING:
    from hardaudit.model.table import Value

_KERNEL_THREAD = 0x00200000  # PF_KTHREAD
_SPACE = " \t\n\v\f\r"
_BYTES_PER_KB = 1000  # osquery's; the kernel's "kB" are 1024 bytes
_MAX = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Stat:
    """Fields of /proc/PID/stat; times in clock ticks, `start_time` since the machine was started."""

    state: str
    parent: int
    group: int
    flags: int
    user_time: int
    system_time: int
    nice: int
    threads: int
    start_time: int

    @property
    def is_kernel_thread(self) -> bool:
        """Whether it is a thread of the kernel, which has no binary."""
        return bool(self.flags & _KERNEL_THREAD)


@lru_cache(maxsize=1)
def _ticks_per_second() -> int:
    return os.sysconf("SC_CLK_TCK")


def seconds(ticks: int) -> int:
    """Clock ticks as whole seconds."""
    return ticks // _ticks_per_second()


def milliseconds(ticks: int) -> int:
    """Clock ticks as milliseconds."""
    return ticks * (1000 // _ticks_per_second())


def parse_stat(content: bytes) -> Stat | None:
    """/proc/PID/stat, or None for anything else. The name in parentheses may hold anything, so fields count from the last `)`."""
    fields = content.rpartition(b")")[2].split()
    try:
        numbers = [int(fields[index]) for index in (1, 2, 6, 11, 12, 16, 17, 19)]
    except (IndexError, ValueError):
        return None
    return Stat(fields[0].decode("ascii", "replace"), *numbers)


def row_of_stat(stat: Stat) -> dict[str, Value]:
    """The columns that come from /proc/PID/stat, apart from the times that need more."""
    return {
        "state": stat.state,
        "parent": stat.parent,
        "pgroup": stat.group,
        "nice": stat.nice,
        "threads": stat.threads,
        "user_time": milliseconds(stat.user_time),
        "system_time": milliseconds(stat.system_time),
    }


def status_field(status: bytes, name: bytes) -> bytes | None:
    """A field of /proc/PID/status without the white space around it; None when there is none."""
    for line in status.split(b"\n"):
        if line.startswith(name + b":"):
            return line[len(name) + 1 :].strip()
    return None


def row_of_status(status: bytes) -> dict[str, Value]:
    """The columns that come from /proc/PID/status. Sizes are NULL for a kernel thread, which has no memory of its own."""
    uids = _integers(status_field(status, b"Uid"), 4)
    gids = _integers(status_field(status, b"Gid"), 4)
    return {
        "name": host_text.decode(status_field(status, b"Name") or b""),
        "uid": uids[0],
        "euid": uids[1],
        "suid": uids[2],
        "gid": gids[0],
        "egid": gids[1],
        "sgid": gids[2],
        "resident_size": _size(status_field(status, b"VmRSS")),
        "total_size": _size(status_field(status, b"VmSize")),
    }


def _integers(text: bytes | None, count: int) -> list[int | None]:
    """The numbers of a field that has so many; else as many None."""
    parts = (text or b"").split()
    return [int(part) for part in parts] if len(parts) == count and all(map(bytes.isdigit, parts)) else [None] * count


def _size(text: bytes | None) -> int | None:
    """Bytes from `1234 kB`."""
    number = (text or b"").removesuffix(b" kB")
    return int(number) * _BYTES_PER_KB if number.isdigit() else None


def row_of_io(content: bytes) -> dict[str, Value]:
    """The columns that come from /proc/PID/io: bytes read from and written to storage; NULL without its content."""
    fields = {name: int(number) for name, _, number in (line.partition(b": ") for line in content.split(b"\n")) if number.isdigit()}
    read, written = fields.get(b"read_bytes"), fields.get(b"write_bytes")
    return {
        "disk_bytes_read": None if read is None else min(read, _MAX),
        "disk_bytes_written": None if written is None else min(written - fields.get(b"cancelled_write_bytes", 0), _MAX),
    }


def command_line(content: str) -> str:
    """The arguments of /proc/PID/cmdline, joined by spaces."""
    return content.replace("\0", " ").strip(_SPACE)


def cgroup_path(content: str) -> str:
    """The control group of the first line of /proc/PID/cgroup, `hierarchy:controllers:path`; empty without one."""
    parts = content.split("\n", 1)[0].split(":", 2)
    return parts[2] if len(parts) == 3 else ""


def boot_time(content: bytes) -> int | None:
    """When the machine was started, Unix seconds, from /proc/stat; None without it."""
    for line in content.split(b"\n"):
        if line.startswith(b"btime ") and line[6:].strip().isdigit():
            return int(line[6:])
    return None


def proc_mount_options(mountinfo: str) -> dict[str, str]:
    """The options of the file system that is mounted last on /proc, from the text of /proc/self/mountinfo; none when it is no procfs."""
    options: dict[str, str] = {}
    for line in mountinfo.split("\n"):
        mount, _, file_system = line.partition(" - ")
        fields, kind = mount.split(" "), file_system.split(" ")
        if len(fields) > 4 and fields[4] == "/proc" and len(kind) > 2:
            options = dict(option.partition("=")[::2] for option in kind[2].split(",")) if kind[0] == "proc" else {}
    return options


def namespace_inode(link: str, kind: str) -> str | None:
    """The inode of a link of /proc/PID/ns, `net:[4026531840]`; None for anything else."""
    inode = link.removeprefix(f"{kind}:[").removesuffix("]")
    return inode if inode.isascii() and inode.isdigit() else None
