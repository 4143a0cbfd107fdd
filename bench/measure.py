"""Running commands for comparison: side by side, in turn, on a machine that is never quiet."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Run:
    """One run: seconds of the wall clock, and the largest resident set in MiB, of the command and the children it waited for."""

    seconds: float
    peak_mib: float


def hardaudit() -> str:
    """The hardaudit of this Python."""
    found = shutil.which("hardaudit", path=os.path.dirname(sys.executable)) or shutil.which("hardaudit")
    if found is None:
        sys.exit("hardaudit is not installed for this Python: python -m pip install .")
    return found


def tool(name: str, package: str) -> str:
    """A peer's program."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found is None:
        sys.exit(f"{name} is not installed: apt-get install {package}")
    return found


def run(command: list[str], allowed: tuple[int, ...] = (0,)) -> Run:
    """Run a command with its output thrown away. Ends the program when its exit status is not one of `allowed`."""
    started = time.monotonic()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in allowed:
        sys.exit(f"{' '.join(command)} ended with status {process.returncode}")
    return Run(seconds, usage.ru_maxrss / 1024)


def alternate(commands: dict[str, tuple[list[str], tuple[int, ...]]], rounds: int) -> dict[str, list[Run]]:
    """Run each command once a round, in turn; a round before them warms the caches and is not counted."""
    runs: dict[str, list[Run]] = {name: [] for name in commands}
    for number in range(rounds + 1):
        for name, (command, allowed) in commands.items():
            measured = run(command, allowed)
            if number:
                runs[name].append(measured)
    return runs


def median(runs: list[Run]) -> float:
    """Seconds."""
    return statistics.median(measured.seconds for measured in runs)


def peak(runs: list[Run]) -> float:
    """MiB."""
    return max(measured.peak_mib for measured in runs)


def show(runs: dict[str, list[Run]]) -> None:
    """A line a command."""
    for name, measured in runs.items():
        spread = f"{min(one.seconds for one in measured):.3f} to {max(one.seconds for one in measured):.3f}"
        print(f"{name:50} median {median(measured):8.3f} s  ({spread})  peak {peak(measured):6.1f} MiB")
