"""`hardaudit osquery-extension`: hardaudit's tables in osquery."""

from __future__ import annotations

import logging
import signal
import sys
import threading

import click

from hardaudit.cli.main import EXIT_PASSED
from hardaudit.cli.options import warn_of_refusals
from hardaudit.cli.output import tell
from hardaudit.errors import UsageError


@click.command("osquery-extension")
@click.option(
    "--socket", "socket_path", metavar="PATH", help="The extension socket of a running osqueryd, such as /var/osquery/osquery.em."
)
@click.option(
    "--timeout", type=click.IntRange(min=0), metavar="SECONDS", default=3, show_default=True, help="How long to wait for the socket."
)
@click.option(
    "--interval", type=click.IntRange(min=1), metavar="SECONDS", default=3, show_default=True, help="Time between two looks at osqueryd."
)
@click.option("--verbose", is_flag=True, help="Accepted, as osqueryd may give it; changes nothing.")
@click.option("--write-launcher", metavar="FILE.ext", help="Write the file by which osqueryd starts the extension itself, and say how.")
def command(socket_path: str | None, timeout: int, interval: int, verbose: bool, write_launcher: str | None) -> int:  # noqa: ARG001, FBT001
    """Serve the tables that an osqueryd lacks to that osqueryd, until it ends or this is stopped.

    Queries of osqueryd's schedule, of its TLS server and of `osqueryi --connect PATH` then see php_execution, sshd_settings and the others
    as tables like osquery's own. What a table could not read is in the table hardaudit_gaps. Needs osquery's Python bindings, the extra
    hardaudit[osquery], and the user whom osqueryd runs as.

    osqueryd can also start it: see --write-launcher, whose osqueryd gives --socket, --timeout and --interval.

    \b
    Examples:
    hardaudit osquery-extension --socket /var/osquery/osquery.em
    hardaudit osquery-extension --write-launcher /usr/local/lib/hardaudit/hardaudit.ext
    """
    from hardaudit.osquery.socket_reader import INSTALL, bindings_installed

    if (socket_path is None) == (write_launcher is None):
        raise UsageError("say --socket PATH to serve the osqueryd there, or --write-launcher FILE.ext to have osqueryd start this")
    if not bindings_installed():
        raise UsageError(f"osquery's Python bindings are missing: {INSTALL}")
    if write_launcher is not None:
        from hardaudit.extension.launcher import instructions
        from hardaudit.extension.launcher import write_launcher as write

        sys.stdout.write(instructions(write(write_launcher)))
    elif socket_path is not None:
        _serve(socket_path, timeout, interval)
    return EXIT_PASSED


def _serve(path: str, timeout: int, interval: int) -> None:
    from hardaudit.audit.registry import Registry
    from hardaudit.extension.serve import serve

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    logging.getLogger("thrift").addHandler(logging.NullHandler())
    registry = Registry()
    tables = registry.tables
    warn_of_refusals(registry)
    serve(path, tables, stop, tell, timeout=timeout, interval=interval)
