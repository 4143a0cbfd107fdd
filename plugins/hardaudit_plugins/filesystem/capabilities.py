"""File capabilities, capabilities(7), in libcap's words: the text that getcap(8) and osquery show for `security.capability`."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# fmt: off
_NAMES = (  # in the order of linux/capability.h
    "chown", "dac_override", "dac_read_search", "fowner", "fsetid", "kill", "setgid", "setuid", "setpcap", "linux_immutable",
    "net_bind_service", "net_broadcast", "net_admin", "net_raw", "ipc_lock", "ipc_owner", "sys_module", "sys_rawio", "sys_chroot",
    "sys_ptrace", "sys_pacct", "sys_admin", "sys_boot", "sys_nice", "sys_resource", "sys_time", "sys_tty_config", "mknod", "lease",
    "audit_write", "audit_control", "setfcap", "mac_override", "mac_admin", "syslog", "wake_alarm", "block_suspend", "audit_read",
    "perfmon", "bpf", "checkpoint_restore",
)
# fmt: on
_EFFECTIVE, _PERMITTED, _INHERITABLE = 1, 2, 4
_STATES = range(7, -1, -1)
_BITS = 64
_FORMATS = {0x01000000: "<II", 0x02000000: "<IIII", 0x03000000: "<IIIII"}  # struct vfs_cap_data and vfs_ns_cap_data after magic_etc


def capability_text(value: bytes) -> str | None:
    """What `security.capability` grants, such as `cap_net_raw=ep`; None when the value is none that the kernel writes."""
    if len(value) < 4:
        return None
    (magic,) = struct.unpack_from("<I", value)
    layout = _FORMATS.get(magic & 0xFF000000)
    if layout is None or len(value) != 4 + struct.calcsize(layout):
        return None
    words = [*struct.unpack_from(layout, value, 4), 0, 0]
    return _text(_states(words[0] | words[2] << 32, words[1] | words[3] << 32, effective=bool(magic & 1)))


def _states(permitted: int, inheritable: int, *, effective: bool) -> list[int]:
    """For each capability the sets that it is in."""
    states = []
    for bit in range(_BITS):
        state = (_PERMITTED if permitted >> bit & 1 else 0) | (_INHERITABLE if inheritable >> bit & 1 else 0)
        states.append(state | _EFFECTIVE if state and effective else state)
    return states


def _text(states: Sequence[int]) -> str:
    """cap_to_text(3): the state that most named capabilities share, then what differs; capabilities without a name by number."""
    named = states[: len(_NAMES)]
    common = min(range(8), key=lambda state: (-named.count(state), state))
    clauses = []
    for state in _STATES:
        names = ",".join(f"cap_{_NAMES[bit]}" for bit, found in enumerate(named) if found == state)
        if names and state != common:
            clauses.append(names + _change("+", state & ~common) + _change("-", common & ~state))
    if common == 0 and clauses:
        clauses[0] = clauses[0].replace("+", "=")
    else:
        clauses.insert(0, "=" + _letters(common))
    for state in _STATES[:-1]:
        numbers = ",".join(str(bit) for bit in range(len(_NAMES), _BITS) if states[bit] == state)
        if numbers:
            clauses.append(numbers + _change("+", state))
    return " ".join(clauses)


def _change(operator: str, state: int) -> str:
    return operator + _letters(state) if state else ""


def _letters(state: int) -> str:
    return "".join(letter for letter, flag in (("e", _EFFECTIVE), ("i", _INHERITABLE), ("p", _PERMITTED)) if state & flag)
