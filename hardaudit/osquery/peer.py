"""Who is at the other end of a Unix socket, and whether it sees the system that we see."""

from __future__ import annotations

import os
import socket
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_CREDENTIALS = struct.Struct("iII")  # struct ucred, unix(7)


def peer(connection: socket.socket) -> tuple[int, int]:
    """Process ID and user ID of whoever connected, or began to listen, at the other end, as the kernel has them (SO_PEERCRED, unix(7))."""
    process, user, _ = _CREDENTIALS.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    return process, user


def shares(process: int, parts: Iterable[str]) -> bool:
    """Whether a process has the same `parts` of /proc/PID as we, such as root and ns/mnt, proc(5); true where we may not look.

    A process that is not there, as 0 for one outside a container in which we run, shares nothing.
    """
    try:
        return all(os.path.samefile(f"/proc/{process}/{part}", f"/proc/self/{part}") for part in parts)
    except PermissionError:  # another user's process
        return True
    except OSError:
        return False
