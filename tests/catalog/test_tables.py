"""The shipped tables are read as Python's own csv module reads them."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from footprint.catalog.files import hardware_folder, lines_with, parse_csv, reference_folder

TABLES = [*sorted(hardware_folder().glob("*.csv")), *sorted(reference_folder().rglob("*.csv"))]


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.name)
def test_a_shipped_table_is_read_as_csv_reads_it(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert parse_csv(lines) == list(csv.DictReader(lines))


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ("\na,", ["k,v,w", "a,1,2", "a,3,a"]),
        (",a\n", ["k,v,w", "a,3,a"]),
        (",1,", ["k,v,w", "a,1,2", "b,1,1"]),
        ("\nz,", ["k,v,w"]),
    ],
)
def test_lines_are_found_in_a_table(part: str, expected: list[str]) -> None:
    assert lines_with("k,v,w\na,1,2\nb,1,1\na,3,a\n", part) == expected
