"""How old the figures of an answer are, with a clock that is set."""

from __future__ import annotations

import csv
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import footprint as package
from footprint.catalog.assumptions import assumed
from footprint.catalog.files import hardware_folder
from footprint.catalog.upkeep.age import age_months, end_of, today, too_old
from footprint.errors import FootprintError
from tests.cli.run import footprint

JOB = {"model": "bert-base", "hw": "v100:8"}


def warnings_of(day: str, monkeypatch: pytest.MonkeyPatch, **more: Any) -> list[str]:
    monkeypatch.setenv("FOOTPRINT_TODAY", day)
    return [text for text in package.estimate(**JOB, **more).warnings if "months old" in text]


@given(st.dates(date(2000, 1, 1), date(2090, 1, 1)), st.integers(0, 400))
def test_months_are_those_of_the_calendar(day: date, months: int) -> None:
    year, month = divmod(day.month - 1 + months, 12)
    later = date(day.year + year, month + 1, min(day.day, 28))
    expected = months if later.day >= day.day else months - 1
    assert age_months(day.isoformat(), later.isoformat()) == max(0, expected)


@pytest.mark.parametrize(
    ("dated", "day", "months"),
    [
        ("2026-10-01", "2026-11-15", 1), ("2025-03-03", "2026-11-15", 20), ("2025", "2026-11-15", 22),
        ("2025-12-31", "2026-11-15", 10), ("2026-11", "2026-11-15", 0), ("2027-01-01", "2026-11-15", 0),
    ],
)  # fmt: skip
def test_ages(dated: str, day: str, months: int) -> None:
    assert age_months(dated, day) == months


def test_the_answer_says_how_old_its_data_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTPRINT_TODAY", "2026-11-15")
    done = footprint("estimate", "--model", "bert-base", "--hw", "v100:8", "--region", "FRA")
    text = " ".join(done.out.split())
    answer = package.estimate(**JOB, region="FRA")
    oldest, newest = answer.price.dated.split("/")
    prices = f"prices of {oldest} to {newest} (1 to 20 months old)"
    assert f"Data on 2026-11-15: {prices}, grid factor of 2025 (10 months)." in text
    own = ("--usd-per-hour", "1", "--grid-g-per-kwh", "9")
    given_ = footprint("estimate", "--model", "bert-base", "--hw", "v100:8", *own)
    assert "Data on" not in given_.out


def test_a_figure_past_its_limit_is_a_warning_and_one_within_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert warnings_of("2026-11-15", monkeypatch) == []
    assert warnings_of("2027-10-31", monkeypatch) == []  # 12 months after the newest price, 2026-10-01
    (price,) = warnings_of("2027-11-01", monkeypatch)
    assert "newest price" in price
    assert "13 months" in price
    both = warnings_of("2029-01-31", monkeypatch, region="FRA")
    assert len(both) == 2
    assert "France" in both[1]
    assert "37 months" in both[1]


def test_a_year_that_was_asked_for_is_not_old(monkeypatch: pytest.MonkeyPatch) -> None:
    assert warnings_of("2035-01-01", monkeypatch, year=2025) == []


def test_the_limits_stand_in_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in ("price", "grid"):
        limit = assumed(f"ages.{kind}")
        assert limit.basis == "assumed"
        assert limit.note
        day = f"{2010 + int(limit.value) // 12:04d}-01-31"
        assert too_old(kind, "it", "2010-01-01", day) == ""
        assert "docs/ages.md" in too_old(kind, "it", "2009-12-01", day)


def test_the_reason_of_the_limit_of_prices_is_in_the_table() -> None:
    with (hardware_folder() / "prices.csv").open(encoding="utf-8", newline="") as file:
        rows = [
            row
            for row in csv.DictReader(file)
            if (row["provider"], row["region"], row["purchase"]) == ("aws", "us-east-1", "on_demand")
        ]
    for chip, fell in (("h100-sxm5-80gb", 0.44), ("a100-sxm4-80gb", 0.33)):
        prices = {
            row["dated"][:7]: float(row["usd_per_accelerator_h"])
            for row in rows
            if row["accelerator"] == chip
        }
        assert 1 - prices["2026-10"] / prices["2025-03"] == pytest.approx(fell, abs=0.005)


@pytest.mark.parametrize(
    "day", ["x", "2026", "2026-13-01", "2026-00-10", "20261115", "2026-11-32", "٢٠٢٦-01-01"]
)
def test_a_day_that_is_none_is_a_clear_error(day: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTPRINT_TODAY", day)
    with pytest.raises(FootprintError, match="FOOTPRINT_TODAY"):
        today()


def test_a_year_ends_in_december() -> None:
    assert end_of(2025) == "2025-12-31"
