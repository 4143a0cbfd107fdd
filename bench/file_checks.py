"""The file checks against one `find -printf`, on generated trees of 10^4, 10^5 and 10^6 files.

For each size a root directory is made (20 files a directory, ten directories in each, a few findings) and then, in turn, run several times:

    find ROOT -xdev -printf '%m %u %g %s %T@ %C@ %p\\n' >/dev/null
    hardaudit run POLICY --root ROOT          every check of filesystem/ that walks, start-up and report included

Printed are the median wall times, their ratio (bound: 1.5), and the most memory that hardaudit held (bound: 200 MiB, and the same at every
size). The first pair warms the cache and is not counted. Exit status 1 when a bound is exceeded.

    python bench/file_checks.py --sizes 10000 100000 1000000 --rounds 5
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path

FILES_IN_DIRECTORY = 20
DIRECTORIES_IN_DIRECTORY = 10
MAX_RATIO = 1.5
MAX_MIB = 200.0
MAX_GROWTH_MIB = 16.0
FIND_FORMAT = "%m %u %g %s %T@ %C@ %p\\n"
POLICY = "name: file-checks\nchecks:\n  filesystem/*: {}\n"


@dataclass(frozen=True)
class Measure:
    """A command's wall time in seconds and the most memory that it held, in MiB."""

    seconds: float
    mib: float


@dataclass(frozen=True)
class Comparison:
    """Medians over the rounds for a tree of `files` files."""

    files: int
    find_seconds: float
    checks_seconds: float
    mib: float

    @property
    def ratio(self) -> float:
        return self.checks_seconds / self.find_seconds


def make_root(root: Path, files: int) -> None:
    """A root directory with accounts, a package list, and `files` files below /srv; one in 10,000 is a finding."""
    (root / "etc").mkdir(parents=True)
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (root / "etc/group").write_text("root:x:0:\n")
    (root / "var/lib/dpkg/info").mkdir(parents=True)
    (root / "var/lib/dpkg/info/base-files.list").write_text("/.\n/etc\n/etc/passwd\n")
    made, pending = 0, deque([str(root / "srv")])
    while made < files:
        directory = pending.popleft()
        os.mkdir(directory, 0o755)
        pending.extend(f"{directory}/directory-{number}" for number in range(DIRECTORIES_IN_DIRECTORY))
        for number in range(min(FILES_IN_DIRECTORY, files - made)):
            path = f"{directory}/file-{number:04}.php"
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o644))
            made += 1
            if made % 10_000 == 0:
                os.chmod(path, 0o4777)


def measure(command: list[str], allowed: tuple[int, ...]) -> Measure:
    """Run a command with its output thrown away. Raises RuntimeError for an exit status that is not `allowed`."""
    started = time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.monotonic() - started
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in allowed:
        raise RuntimeError(f"{' '.join(command)}: exit status {child.returncode}")
    return Measure(seconds, usage.ru_maxrss / 1024)


def compare(root: Path, policy: Path, files: int, rounds: int) -> Comparison:
    """The two commands in turn, `rounds` times after one that does not count."""
    find = ["find", str(root), "-xdev", "-printf", FIND_FORMAT]
    checks = [sys.executable, "-m", "hardaudit", "run", str(policy), "--root", str(root), "--format", "json"]
    pairs = [(measure(find, (0,)), measure(checks, (0, 1, 3))) for _ in range(rounds + 1)][1:]
    return Comparison(
        files,
        statistics.median(found.seconds for found, _ in pairs),
        statistics.median(checked.seconds for _, checked in pairs),
        max(checked.mib for _, checked in pairs),
    )


def report(comparisons: list[Comparison]) -> bool:
    """Print the table and whether the bounds are met."""
    print(f"{'files':>10} {'find s':>9} {'checks s':>9} {'ratio':>7} {'MiB':>7} {'us a file':>10}")
    for row in comparisons:
        each = row.checks_seconds / row.files * 1e6
        print(f"{row.files:>10,} {row.find_seconds:>9.2f} {row.checks_seconds:>9.2f} {row.ratio:>7.2f} {row.mib:>7.1f} {each:>10.2f}")
    largest = max(comparisons, key=lambda row: row.files)
    growth = max(row.mib for row in comparisons) - min(row.mib for row in comparisons)
    met = largest.ratio <= MAX_RATIO and largest.mib <= MAX_MIB and growth <= MAX_GROWTH_MIB
    print(f"largest tree: ratio {largest.ratio:.2f} (bound {MAX_RATIO}), {largest.mib:.1f} MiB (bound {MAX_MIB:g})")
    print(f"memory between the smallest and the largest tree: {growth:+.1f} MiB (bound {MAX_GROWTH_MIB:g})")
    print("bounds met" if met else "BOUNDS EXCEEDED")
    return met


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000], help="numbers of files")
    parser.add_argument("--rounds", type=int, default=3, help="counted runs of each command")
    parser.add_argument("--directory", default=None, help="where the trees are made (default: the temporary directory)")
    options = parser.parse_args()
    comparisons = []
    place = Path(tempfile.mkdtemp(prefix="hardaudit-bench-", dir=options.directory))
    try:
        policy = place / "policy.yaml"
        policy.write_text(POLICY)
        for files in sorted(options.sizes):
            print(f"making {files:,} files below {place} …", file=sys.stderr)
            make_root(place / str(files), files)
            comparisons.append(compare(place / str(files), policy, files, options.rounds))
            shutil.rmtree(place / str(files))
    finally:
        shutil.rmtree(place)
    print(f"find ROOT -xdev -printf '{FIND_FORMAT}' beside every check of filesystem/ of hardaudit, {options.rounds} rounds in turn, medians")
    return 0 if report(comparisons) else 1


if __name__ == "__main__":
    sys.exit(main())
