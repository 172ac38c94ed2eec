"""Read newly downloaded tables into the data folders: ``python -m footprint.catalog.upkeep``.

python -m footprint.catalog.upkeep grid ember.csv --source ember-yearly-2027         # shows what would change
python -m footprint.catalog.upkeep grid ember.csv --source ember-yearly-2027 --write # and writes grid.csv
python -m footprint.catalog.upkeep prices list.csv --source gpu-price-feed-2027-01-01

Rows that cannot be true are refused, each with its reason: unknown names, values out of reach, dates to
come, and changes that are too large to be one, unless ``--accept KEY`` names the place or accelerator. The
forms that are read are in docs/ages.md. Nothing is written without ``--write``; exit code 2 if no row is
usable.
"""

from __future__ import annotations

import argparse
import csv
import io
import sys
from collections.abc import Sequence
from pathlib import Path

from footprint.catalog.files import read_text, shipped
from footprint.catalog.sources import all_sources
from footprint.catalog.upkeep.tables import Change, grid_changes, price_changes
from footprint.errors import DataFileError, FootprintError
from footprint.plain_text import in_line

TABLES = {"grid": "reference_data/grid.csv", "prices": "hardware_profiles/prices.csv"}
READERS = {"grid": grid_changes, "prices": price_changes}
MOST_ROWS = 200_000
NEXT = """Next: describe the source in reference_data/sources, run python -m footprint.catalog and the tests
of tests/catalog, and write what moves an estimate under "Numbers changed" in CHANGELOG.md."""


def read_table(path: str) -> list[dict[str, str]]:
    """Rows of a downloaded CSV, by its head.

    Raises DataFileError for a file that is none, or a row that does not fit the head.
    """
    text = read_text(path)
    if text.count("\n") > MOST_ROWS:
        raise DataFileError(f"{path}: more than {MOST_ROWS:,} lines")
    separator = ";" if text.partition("\n")[0].count(";") > text.partition("\n")[0].count(",") else ","
    try:
        head, *rows = list(csv.reader(io.StringIO(text), strict=True, delimiter=separator)) or [[]]
    except csv.Error as error:
        raise DataFileError(f"{path}: not a CSV: {error}") from None
    rows = [row for row in rows if any(cell.strip() for cell in row)]
    if not rows:
        raise DataFileError(f"{path}: no rows")
    for number, row in enumerate(rows, start=2):
        if len(row) != len(head):
            raise DataFileError(f"{path}: line {number}: {len(row)} fields where the head has {len(head)}")
    names = [name.strip() for name in head]
    return [dict(zip(names, (cell.strip() for cell in row), strict=True)) for row in rows]


def main(args: Sequence[str] | None = None) -> int:
    """Show or write the changes; exit code 0, or 2 if the file has no usable row."""
    parser = argparse.ArgumentParser(
        prog="python -m footprint.catalog.upkeep", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("table", choices=tuple(TABLES))
    parser.add_argument("file")
    parser.add_argument("--source", required=True, help="key of the source in reference_data/sources")
    parser.add_argument(
        "--accept",
        action="append",
        default=[],
        metavar="KEY",
        help="take a large change of this place or accelerator",
    )
    parser.add_argument("--write", action="store_true", help="write the table; without it, only show")
    asked = parser.parse_args(args)
    try:
        rows, changes = READERS[asked.table](read_table(asked.file), asked.source, frozenset(asked.accept))
    except FootprintError as error:
        sys.stderr.write(f"{in_line(str(error))}\n")
        return 2
    _say(changes)
    if asked.source not in all_sources():
        sys.stderr.write(f"the source {in_line(asked.source)} is not described yet\n")
    if not any(change.taken for change in changes):
        return 2 if any(change.sign == "!" for change in changes) else 0
    if asked.write:
        _write(TABLES[asked.table], rows)
        sys.stdout.write(f"wrote {TABLES[asked.table]}\n{NEXT}\n")
    return 0


def _say(changes: Sequence[Change]) -> None:
    """One line a change, then how many of each kind."""
    for change in changes:
        sys.stdout.write(f"{change.sign} {in_line(change.text)}\n")
    counts = {sign: sum(change.sign == sign for change in changes) for sign in "+~!"}
    sys.stdout.write(f"{counts['+']} new, {counts['~']} changed, {counts['!']} refused\n")


def _write(name: str, rows: Sequence[dict[str, str]]) -> None:
    with Path(shipped(name)).open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


if __name__ == "__main__":
    raise SystemExit(main())
