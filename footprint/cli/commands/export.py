"""Write an estimate or a run in a published format: model documentation, ML-BOM, footprint report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from footprint.cli.shared.given_record import find_record
from footprint.cli.shared.journals import folders_option
from footprint.cli.shared.options import FILE, ParamType
from footprint.cli.shared.say import note, say

if TYPE_CHECKING:
    from pathlib import Path

    from click.shell_completion import CompletionItem

_EPILOG = """\b
Examples:
  footprint estimate --model bert-base --hw v100:8 -o bert.json
  footprint export bert.json --format eu-mdf
  footprint export bert.json --format cyclonedx-1.6 -o bom.json
  footprint export last --format boamps -o boamps.json

Formats: eu-mdf, cyclonedx-1.6, cyclonedx-1.7, spdx-3.0.1, boamps, sci-ai, ghg,
codecarbon, prometheus. What the record does not say is listed on stderr for you
to fill in. No conformity with a standard is claimed.
"""


class _ExportName(ParamType):
    """The name of an export; the error for an unknown name suggests the nearest."""

    name = "format"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The export's name."""
        from footprint.reports.exports import find_export

        return find_export(str(value)).NAME

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The exports that start with what was typed."""
        from click.shell_completion import CompletionItem

        from footprint.reports.exports import export_names

        return [CompletionItem(name) for name in export_names() if name.startswith(incomplete.lower())]


@click.command(epilog=_EPILOG)
@click.argument("record", metavar="FILE|RUN")
@click.option("--format", "format_", type=_ExportName(), required=True, help="Published format (below).")
@folders_option()
@click.option("-o", "--output", type=FILE, help="Write to a file.")
@click.option("--overwrite", is_flag=True, help="Replace an existing file.")
@click.option("--quiet", is_flag=True, help="Do not list what is left to fill in.")
def command(
    record: str,
    format_: str,
    folders: tuple[Path, ...],
    output: Path | None,
    overwrite: bool,
    quiet: bool,
) -> None:
    """Write a record in a published format.

    FILE is the JSON of an estimate or a measurement; RUN is the id or name of a recorded run, or 'last'.
    """
    from footprint.reports.exports import export
    from footprint.reports.files import require_writable, write_new

    if output is not None and str(output) != "-":
        require_writable(output, overwrite=overwrite)
    written = export(find_record(record, folders), format_)
    if output is None or str(output) == "-":
        say(written.text)
    else:
        write_new(output, written.text, overwrite=overwrite)
    if not quiet:
        note(f"written after {written.standard}; conformity is not claimed")
        for line in written.left:
            note(f"left for you: {line}")
