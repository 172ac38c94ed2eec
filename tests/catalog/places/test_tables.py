"""Rows by their first field: the same whether a table is read for one key or for all."""

from __future__ import annotations

import csv

import pytest

from footprint.catalog.files import reference_folder
from footprint.catalog.places import all_places, tables


@pytest.mark.parametrize("name", ["grid.csv", "places.csv", "regions.csv", "pue.csv", "water.csv"])
def test_the_rows_of_a_key_are_those_of_the_file(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = list(csv.reader((reference_folder() / name).read_text(encoding="utf-8").splitlines()))[1:]
    for prepare in (lambda _: None, tables.keep_all):
        monkeypatch.setattr(tables, "_kept", {})
        tables.keep_all.cache_clear()
        prepare(name)
        for key in {row[0] for row in rows}:
            found = [list(row.values()) for row in tables.rows_of(name, key)]
            assert found == [row for row in rows if row[0] == key]
        assert tables.rows_of(name, "no such key") == []
        assert tables.rows_of(name, ",") == tables.rows_of(name, "\n") == []


def test_the_grid_is_parsed_once_for_all_places(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each group of places asks for the whole of `grid.csv`."""
    parsed: list[str] = []
    monkeypatch.setattr(tables, "_kept", {})
    tables.keep_all.cache_clear()
    plain = tables.table
    monkeypatch.setattr(tables, "table", lambda name: parsed.append(name) or plain(name))
    assert len(all_places()) > 400
    assert parsed.count("grid.csv") == 1
