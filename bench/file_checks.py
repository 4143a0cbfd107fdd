"""The file checks beside one `find -printf`, on generated trees of 10^4, 10^5 and 10^6 files, in turn.

A tree has 20 files a directory and ten directories in each; one file in 10,000 is set-user-ID and writable by everyone. Measured are all
checks of filesystem/ in one run over the tree with --root, start-up and report included. Exit status 1 when a bound is exceeded.

usage: python bench/file_checks.py [--sizes 10000 100000 1000000] [--rounds N] [--directory DIR]
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from measure import alternate, hardaudit, median, peak, show, tool

FILES_IN_DIRECTORY = 20
DIRECTORIES_IN_DIRECTORY = 10
VERDICTS = (0, 1, 3)  # hardaudit's gate, not a failure
MAX_RATIO = 1.5
MAX_MIB = 200.0
MAX_GROWTH_MIB = 16.0
FIND_FORMAT = "%m %u %g %s %T@ %C@ %p\\n"
POLICY = "name: file-checks\nchecks:\n  filesystem/*: {}\n"


@dataclass(frozen=True)
class Comparison:
    """Medians over the rounds for a tree of `files` files: seconds of find and of the checks, and the checks' peak in MiB."""

    files: int
    find: float
    checks: float
    mib: float

    @property
    def ratio(self) -> float:
        return self.checks / self.find


def make_root(root: Path, files: int) -> None:
    """A root directory with accounts, a package list, and `files` files below /srv; one in 10,000 is a finding."""
    (root / "etc").mkdir(parents=True)
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (root / "etc/group").write_text("root:x:0:\n")
    (root / "var/lib/dpkg/info").mkdir(parents=True)
    (root / "var/lib/dpkg/info/base-files.list").write_text("/.\n/etc\n/etc/passwd\n")
    for number in range(-(-files // FILES_IN_DIRECTORY)):
        directory = directory_path(root, number)
        os.mkdir(directory, 0o755)
        for index in range(number * FILES_IN_DIRECTORY, min((number + 1) * FILES_IN_DIRECTORY, files)):
            path = f"{directory}/file-{index:07}.php"
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o644))
            if index % 10_000 == 9_999:
                os.chmod(path, 0o4777)


def directory_path(root: Path, number: int) -> str:
    """The path of a directory by its number, parents before children.

    The paths are kept nowhere: a command that is started here begins with the peak of this process as its own.
    """
    names = []
    while number > 0:
        names.append(f"directory-{number}")
        number = (number - 1) // DIRECTORIES_IN_DIRECTORY
    return "/".join([str(root), "srv", *reversed(names)])


def compare(root: Path, policy: Path, files: int, rounds: int) -> Comparison:
    """The two commands in turn."""
    runs = alternate(
        {
            f"find -xdev -printf, {files:,} files": ([tool("find", "findutils"), str(root), "-xdev", "-printf", FIND_FORMAT], (0,)),
            f"hardaudit run, {files:,} files": ([hardaudit(), "run", str(policy), "--root", str(root), "--format", "json"], VERDICTS),
        },
        rounds,
    )
    show(runs)
    find, checks = runs.values()
    return Comparison(files, median(find), median(checks), peak(checks))


def within_bounds(comparisons: list[Comparison]) -> bool:
    """Print the ratios and the growth, and whether the bounds are met."""
    for row in comparisons:
        print(
            f"{row.files:,} files: the checks take {row.ratio:.2f} times as long as the find, {row.checks / row.files * 1e6:.1f} us a file"
        )
    smallest, largest = (choose(comparisons, key=lambda row: row.files) for choose in (min, max))
    growth = largest.mib - smallest.mib
    print(f"at {largest.files:,} files: ratio {largest.ratio:.2f} (bound: {MAX_RATIO}), peak {largest.mib:.0f} MiB (bound: {MAX_MIB:.0f})")
    print(f"from {smallest.files:,} to {largest.files:,} files the peak grows by {growth:.1f} MiB (bound: {MAX_GROWTH_MIB:.0f})")
    return largest.ratio <= MAX_RATIO and largest.mib <= MAX_MIB and growth <= MAX_GROWTH_MIB


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000], help="numbers of files")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--directory", help="where the trees are made for the time being; default: the directory for temporary files")
    options = parser.parse_args()
    comparisons = []
    with tempfile.TemporaryDirectory(prefix="hardaudit-bench-", dir=options.directory) as directory:
        policy, root = Path(directory, "policy.yaml"), Path(directory, "root")
        policy.write_text(POLICY)
        for files in options.sizes:
            make_root(root, files)
            comparisons.append(compare(root, policy, files, options.rounds))
            shutil.rmtree(root)
    return 0 if within_bounds(comparisons) else 1


if __name__ == "__main__":
    sys.exit(main())
