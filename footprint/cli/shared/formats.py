"""The options ``--format`` and ``-o``, for the formats of `footprint.reports.formats`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from footprint.cli.shared.options import FILE, ParamType
from footprint.cli.shared.say import note, note_page, say
from footprint.plain_text import escaped, in_line
from footprint.vocabulary import FORMS

if TYPE_CHECKING:
    from pathlib import Path

    from click.shell_completion import CompletionItem

    from footprint.reports.formats import Answer


class FormatName(ParamType):
    """The name of a format for one kind of answer; the error for an unknown name suggests the nearest."""

    name = "format"

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The format's name."""
        from footprint.reports.formats import find_format

        find_format(str(value), self._kind)
        return str(value).strip().lower()

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        """The formats, on the help page."""
        return f"[{'|'.join(self._names())}]"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The formats that start with what was typed."""
        from click.shell_completion import CompletionItem

        return [CompletionItem(name) for name in self._names() if name.startswith(incomplete.lower())]

    def _names(self) -> list[str]:
        from footprint.reports.formats import format_names

        return format_names(self._kind)


def format_option(
    kind: str, text: str = "Output format.", *, default: str | None = "table"
) -> Callable[[Any], Any]:
    """The option ``--format`` of a command with this kind of answer."""
    return click.option("--format", "format_", type=FormatName(kind), default=default, help=text)


def answer_options(kind: str) -> Callable[[Any], Any]:
    """The options ``--format``, ``-o`` and ``--overwrite`` of a command with this kind of answer."""

    def decorate(function: Any) -> Any:
        function = click.option("--overwrite", is_flag=True, help="Replace an existing file.")(function)
        function = click.option("-o", "--output", type=FILE, help="Write to a file.")(function)
        return format_option(kind, "Output format (by the ending of -o, else a table).", default=None)(
            function
        )

    return decorate


def columns_option() -> Callable[[Any], Any]:
    """The option ``--columns`` of a command that writes the report CSV."""
    return click.option(
        "--columns",
        type=click.Choice(FORMS, case_sensitive=False),
        help="Columns of the CSV: all, or a short form for people (as in the file, else full).",
    )


def require_csv(columns: str | None, format_: str) -> None:
    """UsageError for ``--columns`` with an answer that is no CSV."""
    if columns is not None and format_ != "csv":
        raise click.UsageError("--columns chooses the columns of a CSV: add --format csv or -o FILE.csv")


def require_targets(output: Path | None, format_: str, *others: Path | None, overwrite: bool) -> None:
    """Raise an error for a file that cannot be written, before any is written; rows are added to a CSV.

    Raises UsageError for a CSV to overwrite, FootprintError for a file that exists.
    """
    rows = format_ == "csv"
    if output is not None and rows and overwrite:
        raise click.UsageError("-o FILE.csv appends rows and replaces nothing: leave out --overwrite")
    paths = [path for path in (None if rows else output, *others) if path is not None]
    if paths:
        from footprint.reports.files import require_writable

        require_writable(*paths, overwrite=overwrite)


def settled(format_: str | None, output: Path | None, kind: str) -> tuple[str, Path | None]:
    """The format of an answer, by the file's ending where none was given, and the file; ``-`` is stdout."""
    from footprint.reports.formats import DEFAULT, format_of

    if output is None or str(output) == "-":
        return format_ or DEFAULT, None
    return format_of(output, kind, format_), output


def show(answer: Answer, format_: str | None, output: Path | None = None, *, overwrite: bool = False) -> None:
    """Print an answer in a format, or write it to a file; some formats add rows to an existing file."""
    from footprint.reports.formats import DEFAULT, find_format

    format_, output = settled(format_, output, answer.kind)
    module = find_format(format_, answer.kind)
    append = getattr(module, "append", None) if answer.append is not None else None
    if output is not None and append is not None:
        note(append(answer, output))
        return
    if output is not None and hasattr(module, "write_bytes"):
        from footprint.reports.files import require_writable, write_new

        require_writable(output, overwrite=overwrite)
        write_new(output, module.write_bytes(answer), overwrite=overwrite)
        return
    if answer.row_parts is not None and hasattr(module, "write_parts"):
        if output is None:
            for part in module.write_parts(answer):
                say(part)
            return
        from footprint.reports.files import write_new

        write_new(output, map(escaped, module.write_parts(answer)), overwrite=overwrite)
        return
    text = escaped(module.write(answer))
    if output is not None:
        from footprint.reports.files import write_new

        text += _warnings(answer) if format_ == DEFAULT else ""

        write_new(output, text if text.endswith("\n") else text + "\n", overwrite=overwrite)
    elif text:
        say(text)
    elif answer.nothing:
        note_page(answer.nothing)


def _warnings(answer: Answer) -> str:
    """The warnings of an answer, for a file of text: the terminal has them beside the answer."""
    from footprint.results.human import folded
    from footprint.spelling import on_command_line

    said = [folded(f"warning: {in_line(on_command_line(one))}") for one in answer.warnings]
    return "\n".join(["\n", *said]) if said else ""
