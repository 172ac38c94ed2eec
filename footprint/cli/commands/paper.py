"""Write for a paper or a README: a sentence, a LaTeX table, BibTeX, the NeurIPS checklist's item, a badge."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from footprint.cli.shared.given_record import find_record
from footprint.cli.shared.journals import folders_option, open_runs
from footprint.cli.shared.options import FILE
from footprint.cli.shared.say import note, say

if TYPE_CHECKING:
    from pathlib import Path

_PARTS = ("sentence", "latex", "bibtex", "checklist", "markdown", "badge")
_EPILOG = """\b
Examples:
  footprint estimate --model bert-base --hw v100:8 -o bert.json
  footprint paper bert.json --part latex -o bert.tex
  footprint paper bert.json --part bibtex -o bert.bib
  footprint paper --part checklist
  footprint paper last --part badge -o badge.json

checklist is NeurIPS' item on experiments' compute resources; without a FILE or
RUN it holds every recorded run. The LaTeX needs the packages booktabs, url and textcomp.
"""


@click.command(epilog=_EPILOG)
@click.argument("records", metavar="[FILE|RUN]...", nargs=-1)
@click.option(
    "--part",
    type=click.Choice(_PARTS, case_sensitive=False),
    default="sentence",
    help="What to write (sentence).",
)
@folders_option()
@click.option("-o", "--output", type=FILE, help="Write to a file.")
@click.option("--overwrite", is_flag=True, help="Replace an existing file.")
def command(
    records: tuple[str, ...], part: str, folders: tuple[Path, ...], output: Path | None, overwrite: bool
) -> None:
    """Write about estimates or runs for a paper or a README.

    FILE is the JSON of an estimate or a measurement; RUN is a recorded run, or 'last' (the default).
    """
    from footprint.errors import FootprintError
    from footprint.plain_text import escaped
    from footprint.reports.exports import as_filed
    from footprint.reports.files import write_new
    from footprint.reports.texts.paper import PARTS

    if records or part != "checklist":
        found = [as_filed(find_record(name, folders)) for name in records or ("last",)]
    else:
        found = [as_filed(report.measurement) for report in open_runs(folders).reports()]
    if not found:
        raise FootprintError("no runs are recorded here: name the JSON of an estimate, or a folder by --dir")
    text = escaped(PARTS[part](found))
    if output is None or str(output) == "-":
        say(text)
    else:
        write_new(output, text, overwrite=overwrite)
        note(f"wrote {output}")
