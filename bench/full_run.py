"""A full default run beside `lynis audit system --quick` and beside one find over the file systems that both walk, in turn.

usage (as root): python bench/full_run.py [--rounds N]
"""

from __future__ import annotations

import argparse

from measure import alternate, hardaudit, median, peak, show, tool

VERDICTS = (0, 1, 3)  # hardaudit's gate, not a failure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
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
