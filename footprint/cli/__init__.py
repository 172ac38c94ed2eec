"""The command line: each file of ``commands/`` is one command.

A command's file is imported only when the command runs; ``footprint --help`` reads the first line of
each file's docstring without importing it.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from typing import NoReturn

import click

from footprint import __version__
from footprint.errors import FootprintError, LimitExceededError
from footprint.plain_text import on_any_terminal

EXIT_OUR_FAULT = 1
EXIT_BAD_INPUT = 2
EXIT_OVER_LIMIT = 3
WIDTH = 80
_FOLDER = os.path.join(os.path.dirname(__file__), "commands")

_EPILOG = """\b
Examples:
  footprint estimate --model bert-base --hw v100x8
  footprint estimate --model llama2-7b --hw h100:256 --region FRA --explain
  footprint hardware search h100
"""


def _eager(names: list[str], help_: str, say: Callable[[click.Context], str]) -> click.Option:
    """An option that prints something and ends the program."""

    def callback(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
        if wanted and not ctx.resilient_parsing:
            click.echo(say(ctx), color=ctx.color)
            ctx.exit()

    return click.Option(names, is_flag=True, is_eager=True, expose_value=False, callback=callback, help=help_)


class OwnHelp(click.Command):
    """A command with a help option of its own: click's asks for a translation, which loads `locale`."""

    _own_help: click.Option | None = None

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """The option ``--help``, one and the same at each call."""
        if self._own_help is None:
            names = [*self.get_help_option_names(ctx), "_help"]
            self._own_help = _eager(names, "Show this message and exit.", lambda ctx: ctx.get_help())
        return self._own_help


class CommandFolder(OwnHelp, click.Group):
    """A click group whose commands are the files of ``commands/``, loaded when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of the commands: files not starting with an underscore."""
        return sorted(_modules())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, imported here; None if there is no such file."""
        module = _modules().get(cmd_name)
        if module is None:
            return None
        from importlib import import_module

        command = import_module(f"footprint.cli.commands.{module}").command
        if not isinstance(command, click.Command):
            raise TypeError(f"{module}.py has no click command named 'command'")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command of the first argument; the error for an unknown one names the nearest."""
        if args and args[0] not in _modules() and not args[0].startswith("-"):
            from footprint.catalog.names import unknown

            raise unknown("command", args[0], self.list_commands(ctx), "see footprint --help")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, from the first line of each file."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, _summary(module)) for name, module in sorted(_modules().items())])


def _modules() -> dict[str, str]:
    """Command name -> module name; the file ``run_.py`` is the command ``run``."""
    # os instead of pathlib, whose import takes a tenth of the start-up time.
    files = [name[:-3] for name in os.listdir(_FOLDER) if name.endswith(".py")]
    return {module.rstrip("_"): module for module in files if not module.startswith("_")}


def _summary(module: str) -> str:
    """First line of a file's docstring, without importing it."""
    with open(f"{_FOLDER}/{module}.py", encoding="utf-8") as file:
        return file.readline().strip().strip('"').rstrip(".")


def _width() -> int:
    """Columns of a help page: the terminal's, at most 80."""
    try:
        columns = int(os.environ.get("COLUMNS") or os.get_terminal_size().columns)
    except (OSError, ValueError):
        columns = WIDTH
    return min(columns, WIDTH) if columns > 0 else WIDTH


@click.command(
    cls=CommandFolder,
    epilog=_EPILOG,
    # With a given width click does not import shutil, which loads every archive format.
    context_settings={"help_option_names": ["-h", "--help"], "terminal_width": _width()},
)
def group() -> None:
    """What training a model costs in kWh, CO2e and USD.

    Estimated before you start, measured while it trains, reported afterwards.
    Every number has its interval and its source.
    """


group.params.append(
    _eager(["--version"], "Show the version and exit.", lambda _: f"footprint, version {__version__}")
)


def main(args: list[str] | None = None) -> NoReturn:
    """Run the command line; a user's error is one line and exit code 2, a fault of the program is 1."""
    on_any_terminal()
    try:
        _run(args)
    except BrokenPipeError:
        # The reader closed our output (`| head`), which is no error.
        _write_nowhere()
        sys.exit(0)


def _write_nowhere() -> None:
    """Send what is still to be written nowhere, so that it is not tried again at the end."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _run(args: list[str] | None) -> NoReturn:
    try:
        code = group.main(args=args, prog_name="footprint", standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except LimitExceededError as error:
        _fail(str(error), EXIT_OVER_LIMIT)
    except FootprintError as error:
        _fail(str(error), EXIT_BAD_INPUT)
    except click.ClickException as error:
        try:
            _show(error)
        except BrokenPipeError:
            _write_nowhere()
        sys.exit(EXIT_BAD_INPUT)
    except click.exceptions.Abort:
        _fail("stopped", 130)
    except BrokenPipeError:
        raise
    except SystemExit:
        # click gives exit code 1 where the reader closed our output, which would fail a pipeline.
        if type(sys.stdout).__name__.endswith("PacifyFlushWrapper"):
            sys.exit(0)
        raise
    except OSError as error:
        _fail(_refused(error), EXIT_BAD_INPUT)
    except Exception as error:
        if os.environ.get("FOOTPRINT_DEBUG"):
            raise
        _fail(
            f"our own fault: {type(error).__name__}: {error} "
            "(FOOTPRINT_DEBUG=1 shows where; please report it)",
            EXIT_OUR_FAULT,
        )


def _refused(error: OSError) -> str:
    """What the system would not do, which a user can mend: it is never our own fault."""
    if error.errno == errno.ENOSPC:
        return "no space left to write the output to: nothing more was written"
    if error.filename is None and not os.path.isdir(os.curdir):
        return "the working directory is gone: change to one that exists"
    where = "" if error.filename is None else f"{os.fsdecode(error.filename)[:200]}: "
    return f"{where}{error.strerror or error}"


def _show(error: click.ClickException) -> None:
    """What click says of a wrong option, with the usage before it."""
    from io import StringIO

    from footprint.cli.shared.say import note_page

    page = StringIO()
    error.show(page)
    note_page(page.getvalue().rstrip("\n"))


def _fail(message: str, code: int) -> NoReturn:
    from footprint.cli.shared.say import note

    try:
        note(message)
    except BrokenPipeError:
        _write_nowhere()
    sys.exit(code)
