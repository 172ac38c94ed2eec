"""Write the CO2e of a run into a model card of the Hugging Face Hub, and change nothing else in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from footprint.cli.shared.given_record import find_record
from footprint.cli.shared.journals import folders_option
from footprint.cli.shared.options import FILE
from footprint.cli.shared.say import note, say

if TYPE_CHECKING:
    from pathlib import Path

_EPILOG = """\b
Examples:
  footprint card README.md
  footprint card README.md --run 20260301-1012
  footprint estimate --model bert-base --hw v100:8 -o bert.json
  footprint card README.md --run bert.json -o -

co2_eq_emissions is a number in grams of CO2e to four figures, as the Hub asks.
The section on the environment stands between two marks, which the next call
replaces. Every other byte of the card stays as it is.
"""

_NO_CARDS = (".json", ".jsonl", ".csv", ".toml", ".parquet")
"""Endings of records and scenarios, into which a card's text must never be written."""


@click.command(epilog=_EPILOG)
@click.argument("card", metavar="README.md", type=FILE)
@click.option(
    "--run", "record", default="last", metavar="RUN|FILE", help="A recorded run, or a record's JSON (last)."
)
@folders_option()
@click.option("-o", "--output", type=FILE, help="Write to another file, or to stdout (-).")
@click.option("--overwrite", is_flag=True, help="Replace an existing file of -o.")
def command(card: Path, record: str, folders: tuple[Path, ...], output: Path | None, overwrite: bool) -> None:
    """Write CO2e [g] and the environmental section into a model card.

    README.md is the card; its front matter is made if it has none.
    """
    from footprint.catalog.files import read_text
    from footprint.errors import FootprintError
    from footprint.reports.exports import as_filed
    from footprint.reports.files import write_new
    from footprint.reports.texts.hub_card import with_footprint

    if card.suffix.lower() in _NO_CARDS:
        raise FootprintError(
            f"{card} is not a model card, so it stays as it is; name the card first and the record by --run: "
            "footprint card README.md --run bert.json"
        )
    new = with_footprint(read_text(card, with_mark=True), as_filed(find_record(record, folders)), card)
    if output is not None and str(output) == "-":
        say(new)
    elif output is not None:
        write_new(output, new, overwrite=overwrite)
    else:
        write_new(card.resolve(), new, overwrite=True)
        note(f"{card}: co2_eq_emissions and the section on the environment are written")
