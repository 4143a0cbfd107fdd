"""Who is at the other end of a socket."""

from __future__ import annotations

import os
import socket

from hardaudit.osquery.peer import peer, shares


def test_the_kernel_names_the_other_end():
    here, there = socket.socketpair(socket.AF_UNIX)
    with here, there:
        assert peer(here) == (os.getpid(), os.geteuid())


def test_a_process_shares_its_own_system_and_one_that_cannot_be_seen_none():
    assert shares(os.getpid(), ("root", "ns/mnt", "ns/net"))
    assert not shares(0, ("root",))  # what SO_PEERCRED says of a process outside of our PID namespace
