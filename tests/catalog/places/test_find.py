"""Finding places: cloud regions, names, years, bases, hostile keys."""

from __future__ import annotations

import csv
import math
import subprocess
import sys
from pathlib import Path

import codecarbon
import pycountry
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from footprint.catalog.assumptions import assumed
from footprint.catalog.places import names, tables
from footprint.catalog.places.find import (
    find_place,
    given_place,
    grid_quantity,
    place_keys,
)
from footprint.catalog.places.names import resolve
from footprint.catalog.places.tables import rows_of, table
from footprint.errors import FootprintError, UnknownNameError

CODECARBON = Path(codecarbon.__file__).parent / "data"


# --- cloud regions -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("region", "home"),
    [
        ("gcp:us-central1", "US-IA"),  # Council Bluffs
        ("gcp:us-east1", "US-SC"),  # Moncks Corner
        ("gcp:us-east4", "US-VA"),
        ("gcp:us-west1", "US-OR"),  # The Dalles
        ("gcp:europe-west4", "NLD"),  # Eemshaven
        ("gcp:northamerica-northeast1", "CA-QC"),
        ("aws:us-east-1", "US-VA"),
        ("aws:us-east-2", "US-OH"),
        ("aws:us-west-2", "US-OR"),
        ("aws:eu-west-3", "FRA"),
        ("aws:ca-west-1", "CA-AB"),
        ("aws:cn-northwest-1", "CN-NX"),
        ("azure:eastus", "US-VA"),
        ("azure:westus2", "US-WA"),
        ("azure:southcentralus", "US-TX"),
        ("azure:canadaeast", "CA-QC"),
        ("azure:northeurope", "IRL"),
        ("azure:westeurope", "NLD"),
    ],
)
def test_region_has_the_factor_of_its_state_or_country(region: str, home: str) -> None:
    place, _ = find_place(region)
    parent, _ = find_place(home)
    assert (place.g_per_kwh, place.low_g_per_kwh, place.year) == (
        parent.g_per_kwh, parent.low_g_per_kwh, parent.year,
    )  # fmt: skip
    assert place.key == region
    assert place.provider == region.partition(":")[0]
    assert grid_quantity(place).spread.keys() == {f"grid:{home}:{parent.year}"}


def test_google_regions_lie_where_another_list_says() -> None:
    states = {s.name: s.code for s in pycountry.subdivisions.get(country_code="US")}
    compared = 0
    with (CODECARBON / "cloud" / "impact.csv").open(encoding="utf-8-sig") as file:
        for row in csv.DictReader(file):
            home = tables.cloud_regions().get(f"{row['provider']}:{row['region']}")
            if home is None or row["region"] == "asia-east2":  # they file Hong Kong under China
                continue
            country = pycountry.countries.get(alpha_3=row["countryIsoCode"])
            assert home["place"][:2] == country.alpha_2 or home["place"] == country.alpha_3, row
            if row["state"] in states:
                assert home["place"] == states[row["state"]], row
            compared += 1
    assert compared > 35


def test_us_and_canadian_regions_never_fall_back_to_the_country() -> None:
    homes = [row["place"] for row in tables.cloud_regions().values()]
    assert not {"USA", "CAN", "CHN"} & set(homes)
    assert len(homes) >= 156


def test_market_based_number_is_the_provider_s_residual() -> None:
    place, _ = find_place("gcp:us-central1")
    assert place.market_g_per_kwh == pytest.approx(412.72 * (1 - 0.87), rel=1e-3)
    assert place.g_per_kwh != place.market_g_per_kwh
    for row in tables.cloud_regions().values():
        if row["market_g_per_kwh"]:
            expected = float(row["operational_g_per_kwh"]) * (1 - float(row["cfe_share"]))
            assert float(row["market_g_per_kwh"]) == pytest.approx(expected, rel=1e-3)
        else:
            assert find_place(row["key"])[0].market_g_per_kwh is None


# --- names -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spelt", "key"),
    [
        ("FR", "FRA"), ("fra", "FRA"), ("France", "FRA"), ("NO", "NOR"), ("no", "NOR"), ("NA", "NAM"),
        ("UK", "GBR"), ("GB", "GBR"), ("South Korea", "KOR"), ("us", "USA"), ("united states", "USA"),
        ("CA", "CAN"), ("us-ca", "US-CA"), ("California", "US-CA"), ("Québec", "CA-QC"), ("wld", "WLD"),
        ("World", "WLD"), ("AWS:US-EAST-1", "aws:us-east-1"), ("us-east-1", "aws:us-east-1"),
        ("us_central1", "gcp:us-central1"), ("eastus", "azure:eastus"), ("  de ", "DEU"),
        ("Côte d'Ivoire", "CIV"), ("us-pr", "PRI"),
    ],
)  # fmt: skip
def test_names(spelt: str, key: str) -> None:
    assert resolve(spelt) == key


def test_alpha_2_codes_of_all_countries() -> None:
    for row in table("places.csv"):
        if row["kind"] == "country":
            assert resolve(row["alpha2"]) == resolve(row["alpha2"].lower()) == row["key"]


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ("frence", "France"),
        ("germny", "Germany"),
        ("virgina", "Virginia"),
        ("us-esat-1", "us-east-1"),
        ("gcp:us-central9", "gcp:us-central1"),
        ("US-VX", "US-VT"),
    ],
)
def test_a_misspelt_place_names_the_nearest(wrong: str, expected: str) -> None:
    with pytest.raises(UnknownNameError) as caught:
        find_place(wrong)
    assert expected in caught.value.nearest
    assert "`grid_g_per_kwh=`" in str(caught.value)


@pytest.mark.parametrize(("part", "country"), [("DE-BY", "DEU"), ("IN-MH", "IND"), ("CN-XZ", "CHN")])
def test_an_unknown_part_of_a_country_names_the_country(part: str, country: str) -> None:
    with pytest.raises(UnknownNameError, match=f"use {country}"):
        find_place(part)


def test_georgia_is_two_places() -> None:
    with pytest.raises(FootprintError, match="GEO, US-GA"):
        find_place("Georgia")
    assert resolve("US-GA") == "US-GA"
    assert resolve("GEO") == "GEO"


def test_a_region_name_of_two_providers_is_an_error_with_both(monkeypatch: pytest.MonkeyPatch) -> None:
    row = tables.cloud_regions()["aws:us-east-1"]
    shared = {"aws:here-1": row, "gcp:here-1": row}
    monkeypatch.setattr(names, "cloud_regions", lambda: shared)
    names.names.cache_clear()
    try:
        with pytest.raises(FootprintError, match="aws:here-1, gcp:here-1"):
            find_place("here-1")
        assert resolve("gcp:here-1") == "gcp:here-1"
    finally:
        names.names.cache_clear()


@pytest.mark.slow
@given(st.text(max_size=60) | st.sampled_from(["US-", ":", "aws:", "::", "\x00", "9" * 4000, "../../etc"]))
@settings(max_examples=200, deadline=None)
def test_any_text_is_a_place_or_one_clear_error(key: str) -> None:
    found, message = "", ""
    try:
        found = find_place(key)[0].key
    except FootprintError as error:
        message = str(error)
    assert (found in place_keys()) != (0 < len(message) < 400)


@pytest.mark.parametrize("hostile", [b"FRA", 5, 3.2, ["FRA"], float("nan"), object()])
def test_what_is_no_text_is_a_clear_error(hostile: object) -> None:
    with pytest.raises(FootprintError):
        find_place(hostile)  # type: ignore[arg-type]


# --- years -------------------------------------------------------------------------------


def test_a_year_that_is_there_is_used_silently() -> None:
    place, warnings = find_place("USA", year=2018)
    assert (place.year, place.g_per_kwh) == (2018, 462.59)  # Ember via Our World in Data
    assert warnings == ()


@pytest.mark.parametrize(("asked", "used"), [(2010, 2018), (2026, 2025), (2100, 2025), (2021, 2021)])
def test_the_nearest_year_is_used_and_said(asked: int, used: int) -> None:
    place, warnings = find_place("FRA", year=asked)
    assert place.year == used
    assert bool(warnings) == (asked != used)
    if warnings:
        assert str(used) in warnings[0]
        assert str(asked) in warnings[0]


def test_of_two_equally_near_years_the_later_is_used() -> None:
    assert find_place("US-EGRID", year=2017)[0].year == 2018  # EPA published 2016 and 2018


def test_the_interval_widens_with_the_distance_in_years() -> None:
    near, far = find_place("FRA", year=2018)[0], find_place("FRA", year=2010)[0]
    assert far.g_per_kwh == near.g_per_kwh
    growth = (
        math.log(far.high_g_per_kwh / far.g_per_kwh) ** 2
        - math.log(near.high_g_per_kwh / near.g_per_kwh) ** 2
    )
    assert growth == pytest.approx(8 * (1.6448536 * assumed("places.drift_low").value) ** 2, rel=1e-6)


@pytest.mark.parametrize("year", [0, -1, 1989, 2101, 10**12, 2020.5, float("nan"), "2020", True])
def test_an_impossible_year_is_a_clear_error(year: object) -> None:
    with pytest.raises(FootprintError, match="`year=` takes a year from 1990 to 2100"):
        find_place("FRA", year=year)  # type: ignore[arg-type]


# --- bases, given, speed -----------------------------------------------------------------


def test_a_given_intensity_has_no_interval() -> None:
    place = given_place(123.0)
    assert place.basis == "given"
    assert grid_quantity(place).mid == 123.0
    assert grid_quantity(place).spread == {}
    assert grid_quantity(given_place(0.0)).mid == 0.0
    assert "kg" in given_place(0.4).note


@pytest.mark.parametrize("value", [-1.0, math.nan, math.inf, -math.inf, 3000.1, 1e300])
def test_an_impossible_intensity_is_a_clear_error(value: float) -> None:
    with pytest.raises(FootprintError, match="`grid_g_per_kwh=`"):
        given_place(value)


def test_finding_a_place_loads_no_heavy_package() -> None:
    program = (
        "import sys; from footprint.catalog.places import find_place;"
        "from footprint.catalog.places import find_pue;"
        "find_place('gcp:us-central1'); find_pue(region='aws:us-east-1');"
        "print([m for m in ('numpy', 'pandas', 'pydantic', 'rapidfuzz', 'codecarbon') if m in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


@pytest.mark.parametrize("name", ["FRA,2025", "FRA,2025,lifecycle", "fra\nDEU", ",", "FRA,"])
def test_a_name_that_runs_on_into_other_fields_is_unknown(name: str) -> None:
    with pytest.raises(UnknownNameError):
        find_place(name)


@pytest.mark.parametrize(
    ("name", "key"),
    [("grid.csv", "FRA"), ("grid.csv", "WLD"), ("regions.csv", "aws:us-east-1"), ("pue.csv", "industry")],
)
def test_rows_of_a_key_are_those_of_the_whole_table(name: str, key: str) -> None:
    rows = table(name)
    first = next(iter(rows[0]))
    wanted = [row for row in rows if row[first] == key]
    assert wanted
    assert rows_of(name, key) == wanted
