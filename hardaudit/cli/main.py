"""The `hardaudit` program: its commands are imported when they are run, so that starting costs little."""

from __future__ import annotations

import importlib
import signal
import sys
from typing import TYPE_CHECKING

import click

from hardaudit import __version__
from hardaudit.cli import output
from hardaudit.errors import HardauditError

if TYPE_CHECKING:
    from types import FrameType

COMMANDS = {
    "check": "Test checks with their own examples.",
    "export": "Write a policy as an osquery pack or as Fleet's policies.",
    "fleet": "Score many hosts from osqueryd's results logs.",
    "list": "List checks, tables, policies, plugins or report formats.",
    "osquery-extension": "Serve hardaudit's tables to a running osqueryd.",
    "plugin": "Start a new plugin.",
    "policy": "Check a policy file.",
    "query": "Query any table with SQL.",
    "run": "Audit this host, or a root directory, and report.",
    "show": "Show a check, table or policy in full.",
}
"""The built-in commands and their one-line help, here so that `hardaudit --help` need not import them."""

EXIT_PASSED, EXIT_FAILED, EXIT_USAGE, EXIT_INCOMPLETE = 0, 1, 2, 3
EXIT_INTERRUPTED = 130

_HELP: tuple[type[click.ClickException], ...] = tuple(filter(None, [getattr(click.exceptions, "NoArgsIsHelpError", None)]))
"""What click 8.2 and later raise for a group of commands without a command: its message is the help."""


class LazyGroup(click.Group):
    """Commands by the name of their module; commands of plugins behind them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 click's signature
        """Every command, built-in ones first."""
        return [*COMMANDS, *sorted(self._plugin_commands())]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """A command, imported now."""
        if cmd_name in COMMANDS:
            module = importlib.import_module(f"hardaudit.cli.commands.{cmd_name.replace('-', '_')}_command")
            command: click.Command = module.command
            return command
        return self._plugin_commands().get(cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The list in `--help`, without importing the built-in commands."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))
        others = self._plugin_commands()
        if others:
            with formatter.section("Commands of plugins"):
                formatter.write_dl([(name, command.get_short_help_str()) for name, command in sorted(others.items())])

    def _plugin_commands(self) -> dict[str, click.Command]:
        from hardaudit.audit.registry import Registry

        return {name: command for name, command in Registry().commands.items() if name not in COMMANDS}


@click.group(cls=LazyGroup, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="hardaudit")
@click.pass_context
def cli(context: click.Context) -> None:
    """Audit the hardening of a Linux server.

    hardaudit reads facts of this host, or of a root directory, as SQL tables, asks them the questions of a policy, and reports what it
    found, how it is scored, and what it could not read.

    \b
    Start here:
      hardaudit run                 audit this host with the policy "baseline"
      hardaudit run web-server      … with the policy for web servers
      hardaudit list checks         what is asked
      hardaudit query "SELECT * FROM users WHERE uid = 0"

    \b
    Exit status: 0 the gate passed, 1 it failed, 2 usage or policy error, 3 incomplete.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def main() -> None:
    """Run the command line; what a user can mend is one line on stderr."""
    output.prepare()
    end_on_sigterm()
    status = _run()
    output.finish()
    sys.exit(status)


def end_on_sigterm() -> None:
    """Let SIGTERM, as timeout(1) and systemd send it, end the program as the interrupt key does: what was started is ended first."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)


def _run() -> int:
    """The exit status, once what went wrong is told."""
    try:
        status = cli.main(standalone_mode=False)
        sys.stdout.flush()
    except (click.exceptions.Abort, KeyboardInterrupt):
        output.tell("interrupted")
        return EXIT_INTERRUPTED
    except click.ClickException as error:
        if isinstance(error, _HELP):
            error.show()
        else:
            output.tell(_usage(error))
        return EXIT_USAGE
    except HardauditError as error:
        output.tell(str(error), names_its_place=error.names_its_place)
        return error.exit_status
    return status if isinstance(status, int) else EXIT_PASSED


def _usage(error: click.ClickException) -> str:
    """What click says is wrong and where to read on, on one line."""
    message = " ".join(error.format_message().split())
    context = getattr(error, "ctx", None)
    return f"{message} See `{context.command_path} --help`." if context else message
