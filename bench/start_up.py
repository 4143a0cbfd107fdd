"""How long it takes to say its version, beside Python itself and beside lynis.

usage: python bench/start_up.py [--rounds N]
"""

from __future__ import annotations

import argparse
import sys

from measure import alternate, hardaudit, median, show, tool


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    runs = alternate(
        {
            "hardaudit --version": ([hardaudit(), "--version"], (0,)),
            "python -c pass": ([sys.executable, "-c", "pass"], (0,)),
            "lynis show version": ([tool("lynis", "lynis"), "show", "version"], (0,)),
        },
        rounds,
    )
    show(runs)
    ours, python, _ = (median(runs[name]) for name in runs)
    print(f"hardaudit --version takes {ours / python:.1f} times as long as Python's own start, {ours:.3f} s (bound: 0.15 s)")


if __name__ == "__main__":
    main()
