"""A full default run beside `lynis audit system --quick` and beside one find over the file systems that both walk, in turn.

With --hide, in a mount namespace of its own with something empty mounted over these directories: a machine with millions of files becomes a
host of ordinary size.

usage (as root): python bench/full_run.py [--rounds N] [--hide DIRECTORY …]
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys

from measure import alternate, hardaudit, median, peak, show, tool

VERDICTS = (0, 1, 3)  # hardaudit's gate, not a failure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--hide", nargs="+", default=[], metavar="DIRECTORY")
    arguments = parser.parse_args()
    if arguments.hide:
        mounts = [f"mount -t tmpfs -o size=1m,mode=0755 none {shlex.quote(directory)}" for directory in arguments.hide]
        again = shlex.join([sys.executable, __file__, "--rounds", str(arguments.rounds)])
        os.execvp("unshare", ["unshare", "-m", "sh", "-c", " && ".join([*mounts, f"exec {again}"])])
    rounds = arguments.rounds
    files = subprocess.run("find / -xdev | wc -l", shell=True, capture_output=True, text=True, check=True).stdout.strip()
    print(f"{int(files):,} files on the root file system")
    find = ["find", "/", "-xdev", "-printf", "%m %u %g %s %T@ %C@ %p\\n"]
    runs = alternate(
        {
            "hardaudit run": ([hardaudit(), "run"], VERDICTS),
            "lynis audit system --quick": ([tool("lynis", "lynis"), "audit", "system", "--quick", "--quiet", "--no-colors"], (0, 78)),
            "find / -xdev -printf": (find, (0, 1)),
        },
        rounds,
    )
    show(runs)
    ours, lynis, walk = (median(runs[name]) for name in runs)
    print(f"lynis takes {lynis / ours:.1f} times as long as hardaudit (bound: at least 10)")
    print(f"hardaudit takes {ours - walk:.2f} s more than the find (bound: 2 s)")
    print(f"hardaudit's peak is {peak(runs['hardaudit run']):.0f} MiB (bound: 200)")


if __name__ == "__main__":
    main()
