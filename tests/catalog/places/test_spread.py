"""Intervals of grid factors: coverage, and the fitted numbers found again with numpy."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest

from footprint.catalog.assumptions import assumed
from footprint.catalog.files import read_toml, reference_folder
from footprint.catalog.places import find_place
from footprint.catalog.places.spread import band
from footprint.catalog.places.tables import table
from tests.conftest import ROOT


def rows_of(key: str) -> dict[int, float]:
    return {int(r["year"]): float(r["g_per_kwh"]) for r in table("grid.csv") if r["key"] == key}


def test_no_place_is_the_world_with_a_warning_and_a_wide_interval() -> None:
    place, warnings = find_place(None)
    assert place.key == "WLD"
    assert "no place given" in warnings[0]
    weights = np.array([float(r["generation_kwh"]) for r in table("places.csv") if r["generation_kwh"]])
    keys = [r["key"] for r in table("places.csv") if r["generation_kwh"]]
    values = np.array([find_place(key)[0].g_per_kwh for key in keys])
    assert np.average(values, weights=weights) == pytest.approx(place.g_per_kwh, rel=0.02)
    within = weights[(values >= place.low_g_per_kwh) & (values <= place.high_g_per_kwh)].sum()
    assert 0.88 <= within / weights.sum() <= 0.97
    assert weights[values < place.low_g_per_kwh].sum() / weights.sum() <= 0.06


def test_generation_weights_are_the_published_ones() -> None:
    """Their sum is the world's generation of 2023 or so, 29,500 TWh (Ember)."""
    kwh = [float(r["generation_kwh"]) for r in table("places.csv") if r["generation_kwh"]]
    assert sum(kwh) == pytest.approx(29.5e12, rel=0.03)


@pytest.mark.slow
def test_next_year_falls_within_the_interval_nine_times_in_ten() -> None:
    hits = []
    for row in table("places.csv"):
        values = rows_of(row["key"])
        if row["kind"] == "country" and row["key"] not in ("USA", "CHN", "CAN"):
            for year in (2021, 2022):
                place, _ = find_place(row["key"], year=year)
                hits.append(place.low_g_per_kwh <= values.get(year + 1, values[year]) <= place.high_g_per_kwh)
    assert len(hits) > 400
    assert np.mean(hits) > 0.93  # the interval also holds factors and seasons, so more than 90 %


def test_months_fall_within_the_interval_of_their_year() -> None:
    hits = []
    for row in table("grid_monthly.csv"):
        place, _ = find_place(row["key"], year=int(row["month"][:4]))
        hits.append(place.low_g_per_kwh <= float(row["g_per_kwh"]) <= place.high_g_per_kwh)
    assert len(hits) == 17 * 12
    assert 0.9 <= np.mean(hits) <= 1.0


def test_fitted_drift_is_what_numpy_finds() -> None:
    countries = [r["key"] for r in table("places.csv") if r["kind"] == "country"]
    steps: dict[str, list[float]] = {"low": [], "mid": [], "high": []}
    for key in countries:
        values = rows_of(key)
        for year, value in values.items():
            if year + 1 in values:
                name = "low" if value < 150 else "mid" if value < 500 else "high"
                steps[name].append(math.log(values[year + 1] / value))
    for name, logs in steps.items():
        assert len(logs) > 150
        expected = np.sqrt(np.mean(np.square(logs)))
        assert assumed(f"places.drift_{name}").value == pytest.approx(expected, rel=1e-3)


def test_fitted_season_is_what_numpy_finds() -> None:
    series: dict[tuple[str, str], list[float]] = {}
    for row in table("grid_monthly.csv"):
        series.setdefault((row["key"], row["month"][:4]), []).append(float(row["g_per_kwh"]))
    logs: dict[str, list[float]] = {}
    for months in series.values():
        assert len(months) == 12
        logs.setdefault(band(float(np.mean(months))), []).extend(np.log(np.array(months) / np.mean(months)))
    for name, values in logs.items():
        expected = np.sqrt(np.mean(np.square(values)))
        assert assumed(f"places.season_{name}").value == pytest.approx(expected, rel=1e-3)


def test_the_shipped_numbers_are_those_the_program_prints() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "calibration.places"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    printed = dict(line.split(" = ") for line in ran.stdout.splitlines())
    shipped = read_toml(reference_folder() / "assumptions" / "places.toml")
    for name, value in printed.items():
        key, _, end = name.partition(".")
        assert shipped[key][end or "value"] == pytest.approx(float(value), rel=1e-3), name
    fitted = {key for key, number in shipped.items() if number["basis"] == "fitted"}
    assert fitted - {name.partition(".")[0] for name in printed} == {
        "factor_low",
        "factor_mid",
        "factor_high",
    }
