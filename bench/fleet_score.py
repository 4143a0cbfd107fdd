"""`hardaudit fleet score` over generated results logs of 100, 1,000 and 10,000 hosts, beside a plain `json.loads` of every line, in turn.

Every host reports 100 of the built-in checks once, and of those that have a condition, whether they apply: eight hosts in ten in snapshots,
one in the event format, one in the batch format. 5 to 10 per cent of the checks fail, with one to three findings. Lines of all hosts are
mixed in files of 100,000, the older ones rotated and gzipped. Exit status 1 when a bound is exceeded.

usage: python bench/fleet_score.py [--sizes 100 1000 10000] [--rounds N] [--directory DIR]
"""

from __future__ import annotations

import argparse
import functools
import gzip
import json
import os
import random
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from measure import alternate, hardaudit, median, peak, show

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

VERDICTS = (0, 1, 3)  # hardaudit's gate, not a failure
MAX_SECONDS = 60.0
MAX_MIB = 300.0
LINES_IN_FILE = 100_000
CHECKS = 100
PEER = """
import gzip, json, os, sys
for name in sorted(os.listdir(sys.argv[1])):
    path = os.path.join(sys.argv[1], name)
    with (gzip.open if name.endswith(".gz") else open)(path, "rb") as file:
        for line in file:
            json.loads(line)
"""


@dataclass(frozen=True)
class Comparison:
    """Medians over the rounds: seconds of the plain reading and of the score, the score's peak in MiB, and the lines read."""

    hosts: int
    lines: int
    plain: float
    score: float
    mib: float


def write_logs(directory: Path, hosts: int, checks: Sequence[Any], now: int, seed: int = 1) -> int:
    """Write the logs of `hosts` hosts; the number of lines."""
    directory.mkdir()
    rng = random.Random(seed)
    lines: list[str] = []
    parts: list[Path] = []
    count = 0
    # Hosts report check by check as their schedules come round: a batch of hosts is mixed line by line.
    for first in range(0, hosts, 500):
        batch = [line for number in range(first, min(first + 500, hosts)) for line in host_lines(rng, number, checks, now)]
        rng.shuffle(batch)
        for text in batch:
            lines.append(text)
            if len(lines) == LINES_IN_FILE:
                count += write_part(directory, parts, lines)
    if lines:
        count += write_part(directory, parts, lines)
    for number, part in enumerate(reversed(parts)):
        if number == 0:
            part.rename(directory / "osqueryd.results.log")
            continue
        with part.open("rb") as plain, gzip.open(directory / f"osqueryd.results.log.{number}.gz", "wb", compresslevel=1) as packed:
            shutil.copyfileobj(plain, packed)
        part.unlink()
    return count


def write_part(directory: Path, parts: list[Path], lines: list[str]) -> int:
    part = directory / f"part-{len(parts)}"
    part.write_text("\n".join(lines) + "\n")
    parts.append(part)
    written = len(lines)
    lines.clear()
    return written


def host_lines(rng: random.Random, number: int, checks: Sequence[Any], now: int) -> Iterator[str]:
    """What one host logs: every check once, within the last hour."""
    name = f"web-{number:05}.example.org"
    form = ("event", "batch")[number % 10] if number % 10 < 2 else "snapshot"
    failing = rng.uniform(0.05, 0.10)
    for check in checks:
        at = now - rng.randrange(3600)
        if check.applies is not None:
            yield line(name, f"{check.id}:applies", at, snapshot=[{"applies": "1"}], action="snapshot")
        rows = [finding(rng, check, index) for index in range(rng.randint(1, 3))] if rng.random() < failing else []
        if form == "snapshot" or not rows:
            yield line(name, check.id, at, snapshot=rows, action="snapshot")
        elif form == "batch":
            yield line(name, check.id, at, diffResults={"removed": [], "added": rows})
        else:
            for row in rows:
                yield line(name, check.id, at, columns=row, action="added")


def line(host: str, check: str, at: int, **what: Any) -> str:
    head = {
        "name": f"pack_hardaudit_{check}",
        "hostIdentifier": host,
        "calendarTime": time.strftime("%a %b %d %H:%M:%S %Y UTC", time.gmtime(at)),
        "unixTime": at,
        "epoch": 0,
        "counter": 0,
        "numerics": False,
        "decorations": {"host_uuid": "4740D59F-699E-5B29-960B-979AAF9BBEEB", "hostname": host},
    }
    return json.dumps({**head, **what}, separators=(",", ":"))


def finding(rng: random.Random, check: Any, index: int) -> dict[str, str]:
    return {
        "subject": f"/srv/www/shop-{rng.randrange(50)}/{check.id}/{index}",
        **{name: f"value-{rng.randrange(1000)}" for name in columns(check)},
    }


def columns(check: Any) -> list[str]:
    from hardaudit.policy.finding_template import columns_in

    return [name for name in columns_in(check.finding) if name != "subject"]


def in_child(work: Callable[[], int], answer: Path) -> int:
    """Do it in a process of its own: a command that is started here begins with the peak of this process as its own."""
    child = os.fork()
    if not child:
        answer.write_text(str(work()))
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if status:
        sys.exit("the logs could not be generated")
    return int(answer.read_text())


def compare(logs: Path, policy: Path, hosts: int, lines: int, rounds: int) -> Comparison:
    command = [hardaudit(), "fleet", "score", "--policy", str(policy), str(logs), "--format", "json"]
    runs = alternate(
        {
            f"json.loads of every line, {hosts:,} hosts": ([sys.executable, "-c", PEER, str(logs)], (0,)),
            f"hardaudit fleet score, {hosts:,} hosts": (command, VERDICTS),
        },
        rounds,
    )
    show(runs)
    plain, score = runs.values()
    return Comparison(hosts, lines, median(plain), median(score), peak(score))


def within_bounds(comparisons: Sequence[Comparison]) -> bool:
    """Print the figures, and whether the bounds are met."""
    for row in comparisons:
        print(
            f"{row.hosts:,} hosts, {row.lines:,} lines: {row.score:.1f} s, {row.score / row.plain:.2f} times a plain json.loads,"
            f" {row.score / row.lines * 1e6:.1f} us a line, peak {row.mib:.0f} MiB, {row.mib * 1024 / row.hosts:.1f} KiB a host"
        )
    largest = max(comparisons, key=lambda row: row.hosts)
    print(
        f"at {largest.hosts:,} hosts: {largest.score:.1f} s (bound: {MAX_SECONDS:.0f}), peak {largest.mib:.0f} MiB (bound: {MAX_MIB:.0f})"
    )
    return largest.score <= MAX_SECONDS and largest.mib <= MAX_MIB


def main() -> int:
    from hardaudit.audit.registry import Registry

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 1_000, 10_000], help="numbers of hosts")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--directory", help="where the logs are made for the time being; default: the directory for temporary files")
    options = parser.parse_args()
    checks = list(Registry().checks.values())[:CHECKS]
    comparisons = []
    with tempfile.TemporaryDirectory(prefix="hardaudit-bench-", dir=options.directory) as directory:
        policy = Path(directory, "policy.yaml")
        policy.write_text("\n".join(["name: hundred-checks", "checks:", *(f"  {check.id}: {{}}" for check in checks)]) + "\n")
        for hosts in options.sizes:
            logs = Path(directory, "logs")
            lines = in_child(functools.partial(write_logs, logs, hosts, checks, int(time.time())), Path(directory, "lines"))
            comparisons.append(compare(logs, policy, hosts, lines, options.rounds))
            shutil.rmtree(logs)
    return 0 if within_bounds(comparisons) else 1


if __name__ == "__main__":
    sys.exit(main())
