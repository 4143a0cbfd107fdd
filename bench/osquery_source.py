"""Reading through osquery, beside the same query given straight to osqueryi.

usage: python bench/osquery_source.py [--osqueryd PATH] [--rounds N] [--query SQL ...]

Needs osqueryd and osqueryi, which is the same program under another name. Start-up, that is a query for one row, is measured for itself and
taken off.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys

from measure import alternate, hardaudit, median, show

QUERIES = (
    "SELECT * FROM file WHERE path LIKE '/usr/share/%%'",
    "SELECT path, mode, uid FROM file WHERE path LIKE '/usr/%%'",
    "SELECT * FROM processes",
)
START_UP = "SELECT unix_time FROM time"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--osqueryd", default=os.environ.get("HARDAUDIT_OSQUERYD") or shutil.which("osqueryd"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--query", action="append", metavar="SQL")
    arguments = parser.parse_args()
    if not arguments.osqueryd:
        sys.exit("no osqueryd is installed: name one with --osqueryd or HARDAUDIT_OSQUERYD")
    program = arguments.osqueryd
    for sql in arguments.query or QUERIES:
        commands = {}
        for name, statement in (("", sql), (", start-up", START_UP)):
            commands[f"hardaudit query{name}"] = ([hardaudit(), "query", "--osquery-binary", program, "--format", "json", statement], (0,))
            commands[f"osqueryi{name}"] = ([program, "-S", "--json", statement], (0,))
        runs = alternate(commands, arguments.rounds)
        print(sql)
        show(runs)
        ours, theirs, our_start, their_start = (median(runs[name]) for name in commands)
        ratio = (ours - our_start) / max(theirs - their_start, 1e-3)
        print(f"through osquery it takes {ratio:.2f} times as long as straight to osqueryi, start-up apart (bound: 1.3)\n")


if __name__ == "__main__":
    main()
