"""The data of places against what others published: codes, values, derivations, intervals."""

from __future__ import annotations

import json
import math
from pathlib import Path

import codecarbon
import numpy as np
import pycountry
import pytest
from pydantic import TypeAdapter

from footprint.catalog.assumptions import assumed
from footprint.catalog.files import read_toml, reference_folder
from footprint.catalog.places.find import (
    all_places,
    find_place,
    grid_quantity,
    place_keys,
)
from footprint.catalog.places.spread import life_cycle_g_per_kwh
from footprint.catalog.places.tables import table
from footprint.schema import Place
from tests.catalog.places.rows import GridRow, PlaceRow, RegionRow, Row, TariffRow, TownRow

LB_PER_MWH = 0.45359237  # g/kWh; the international pound
CODECARBON = Path(codecarbon.__file__).parent / "data"


def load(name: str) -> dict:
    with (CODECARBON / name).open(encoding="utf-8") as file:
        return json.load(file)


def rows_of(key: str) -> dict[int, float]:
    return {int(r["year"]): float(r["g_per_kwh"]) for r in table("grid.csv") if r["key"] == key}


# --- the files ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("grid.csv", GridRow), ("places.csv", PlaceRow), ("regions.csv", RegionRow), ("towns.csv", TownRow),
        ("electricity.csv", TariffRow),
    ],
)  # fmt: skip
def test_every_row_is_typed(name: str, kind: type[Row]) -> None:
    TypeAdapter(list[kind]).validate_python(table(name))


def test_every_row_names_a_described_source_and_a_place() -> None:
    described = set()
    for path in (reference_folder() / "sources").glob("*.toml"):
        described |= set(read_toml(path))
    known = {row["key"] for row in table("places.csv")}
    for name in (
        "grid.csv", "grid_monthly.csv", "regions.csv", "pue.csv", "water.csv", "towns.csv", "electricity.csv",
    ):  # fmt: skip
        for row in table(name):
            assert row["source"] in described, (name, row)
            assert row.get("market_source", "") in described | {""}, row
            if name != "pue.csv":
                assert (row.get("place") or row["key"]) in known, (name, row)
    for number in read_toml(reference_folder() / "assumptions" / "places.toml").values():
        assert number["source"] in described


def test_no_place_has_two_factors_for_one_year_or_none_at_all() -> None:
    seen = [(r["key"], r["year"], r["accounting"]) for r in table("grid.csv")]
    assert len(seen) == len(set(seen))
    assert {key for key, _, _ in seen} == {r["key"] for r in table("places.csv") if r["kind"] != "group"}


def test_country_codes_are_those_of_iso_3166() -> None:
    countries = [row for row in table("places.csv") if row["kind"] == "country"]
    assert len(countries) >= 200
    for row in countries:
        assert pycountry.countries.get(alpha_3=row["key"]).alpha_2 == row["alpha2"]


@pytest.mark.parametrize(
    ("prefix", "types", "absent"),
    [
        ("US", {"State", "District"}, set()),
        ("CA", {"Province", "Territory"}, set()),
        ("CN", {"Province", "Municipality", "Autonomous region"}, {"CN-XZ", "CN-TW"}),
    ],
)
def test_states_and_provinces_are_complete(prefix: str, types: set[str], absent: set[str]) -> None:
    iso = {s.code: s.name for s in pycountry.subdivisions.get(country_code=prefix) if s.type in types}
    ours = {r["key"]: r["name"] for r in table("places.csv") if r["key"].startswith(prefix + "-")}
    ours = {key: name for key, name in ours.items() if len(key) == 5}
    assert set(ours) == set(iso) - absent
    if prefix == "US":
        assert ours == iso


def test_every_place_is_a_valid_record_within_its_interval() -> None:
    everything = all_places()
    references = {row["key"] for row in table("places.csv") if row["kind"] == "reference"}
    TypeAdapter(list[Place]).validate_python(everything)
    assert [place.key for place in everything] == place_keys()
    assert len({place.key for place in everything}) == len(everything)
    for place in everything:
        quantity = grid_quantity(place)
        assert quantity.low == pytest.approx(place.low_g_per_kwh)
        assert quantity.high == pytest.approx(place.high_g_per_kwh)
        assert place.basis == ("direct" if place.key in references else "lifecycle")


# --- published values --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "year", "published", "tolerance"),
    [
        ("WLD", 2024, 473, 0.006),  # Ember, Global Electricity Review 2025 (revised to 471 in 2026)
        ("WLD", 2023, 480, 0.02),  # Ember, Global Electricity Review 2024
        ("USA", 2023, 369, 0.08),  # Ember, Global Electricity Review 2024; raised in the 2025 edition
        ("FRA", 2023, 56, 0.06),  # Ember 2024 edition
        ("POL", 2023, 662, 0.02),  # Ember 2024 edition
        ("DEU", 2023, 381, 0.05),  # Ember, European Electricity Review 2024
        ("SWE", 2022, 41, 0.01),
        ("NOR", 2023, 30, 0.03),
        ("IND", 2023, 713, 0.01),  # Ember, India 2023
    ],
)
def test_yearly_values_are_embers(key: str, year: int, published: float, tolerance: float) -> None:
    place, warnings = find_place(key, year=year)
    assert place.year == year
    assert warnings == ()
    assert place.g_per_kwh == pytest.approx(published, rel=tolerance)


@pytest.mark.slow
def test_countries_agree_with_an_older_edition_of_the_same_series() -> None:
    """The 2024 edition, in another package: typing errors would show, revisions are small."""
    older = load("private_infra/global_energy_mix.json")
    logs, large = [], []
    for key, mix in older.items():
        ours = rows_of(key).get(mix["year"])
        if ours and mix.get("carbon_intensity"):
            logs.append(abs(math.log(ours / mix["carbon_intensity"])))
            if mix["total_TWh"] > 50:
                large.append(logs[-1])
    assert len(logs) > 190
    assert len(large) > 50
    assert float(np.quantile(logs, 0.5)) < 0.03  # grids of 0.1 TWh are rounded to 0.01 TWh
    assert float(np.quantile(large, 0.5)) < 0.015
    assert max(large) < 0.15


def test_us_states_are_egrid_in_pounds() -> None:
    published = load("private_infra/2023/usa_emissions.json")
    direct = {r["key"]: float(r["g_per_kwh"]) for r in table("grid.csv") if r["source"] == "epa-egrid2023"}
    states = {v["regionCode"]: v["emissions"] for k, v in published.items() if not k.startswith("_")}
    assert len(states) == 52
    for code, lb_per_mwh in states.items():
        key = "US-EGRID" if code == "usa" else f"US-{code}"
        assert direct[key] == pytest.approx(lb_per_mwh * LB_PER_MWH, abs=5e-4)
    assert direct["US-WY"] == pytest.approx(831.55, abs=0.01)  # 1,833.3 lb/MWh


def test_older_us_averages_are_egrid_in_pounds() -> None:
    for year, lb_per_mwh in ((2016, 998.443), (2018, 947.2), (2019, 884.2)):
        assert rows_of("US-EGRID")[year] == pytest.approx(lb_per_mwh * LB_PER_MWH, abs=1e-3)


def test_strubell_s_factor_is_0_954_pounds() -> None:
    place, _ = find_place("US-STRUBELL2019")
    assert place.basis == "direct"
    assert place.g_per_kwh == pytest.approx(0.954 * 453.59237, abs=1e-3)
    assert place.low_g_per_kwh == place.g_per_kwh == place.high_g_per_kwh
    assert grid_quantity(place).spread == {}


def test_chinese_provinces_are_the_official_factors() -> None:
    published = load("private_infra/2023/china_provincial_emissions.json")["data"]
    ours = {r["key"]: float(r["g_per_kwh"]) for r in table("grid.csv") if r["source"] == "mee-nbs-2025-47"}
    assert ours == {key: province["emission_factor"] for key, province in published.items()}


def test_canadian_provinces_are_mix_times_life_cycle_medians() -> None:
    medians = {
        "coal": 820, "naturalGas": 490, "petroleum": 840, "biomass": 230, "solar": 48, "wind": 11,
        "hydro": 24, "nuclear": 12,
    }  # fmt: skip
    mixes = load("private_infra/2023/canada_energy_mix.json")
    assert len(mixes) == 13
    for name, mix in mixes.items():
        shares = {fuel: mix.get(fuel, 0.0) for fuel in medians}
        expected = sum(medians[fuel] * share for fuel, share in shares.items()) / sum(shares.values())
        place, _ = find_place(name)
        assert place.key.startswith("CA-")
        assert place.g_per_kwh == pytest.approx(expected, abs=0.01)
        assert place.evidence == "derived"
    for fuel, key in {**{f: f for f in medians}, "naturalGas": "gas", "petroleum": "oil"}.items():
        assert assumed(f"places.fuel_{key}").value == medians[fuel]


# --- life-cycle from direct --------------------------------------------------------------


def test_derived_factor_by_hand() -> None:
    place, warnings = find_place("US-IA")
    direct = 634.156 * LB_PER_MWH  # eGRID2023, Iowa
    assert place.g_per_kwh == pytest.approx(1.17 * direct + 24.0 * (1 - direct / 476.0), rel=1e-5)
    assert place.evidence == "derived"
    assert "derived" in place.note
    assert any("derived" in warning for warning in warnings)


def test_low_carbon_share_is_never_negative() -> None:
    coal = life_cycle_g_per_kwh(900.0, upstream_ratio=1.1, low_carbon_g_per_kwh=24.0, fossil_g_per_kwh=476.0)
    assert coal == pytest.approx(990.0)


@pytest.mark.parametrize(("country", "key"), [("USA", "us"), ("CHN", "cn")])
def test_upstream_numbers_follow_from_ipcc_medians_and_generation(country: str, key: str) -> None:
    mix = load("private_infra/global_energy_mix.json")[country]
    coal, gas = mix["coal_TWh"], mix["gas_TWh"]
    direct = coal * 760 + gas * 370
    with_fuel_chain = coal * (760 + 9.6 + 47) + gas * (370 + 1.6 + 91)
    assert assumed(f"places.upstream_{key}").value == pytest.approx(with_fuel_chain / direct, abs=0.01)
    assert assumed(f"places.fossil_direct_{key}").value == pytest.approx(direct / (coal + gas), rel=0.01)
    assert assumed(f"places.upstream_{key}").low == pytest.approx((760 + 9.6 + 47) / 760, abs=0.01)
    assert assumed(f"places.upstream_{key}").high == pytest.approx((370 + 1.6 + 91) / 370, abs=0.01)
    low_carbon = {"nuclear": 12, "wind": 11, "solar": 48, "hydroelectricity": 24, "biofuel": 230}
    terms = [(mix[f"{fuel}_TWh"], g) for fuel, g in low_carbon.items()]
    mean = sum(t * g for t, g in terms) / sum(t for t, _ in terms)
    plants = assumed("places.low_carbon_plants")
    assert plants.low < mean < plants.high
    if key == "us":
        assert plants.value == pytest.approx(mean, rel=0.06)


def test_derivation_reproduces_the_national_life_cycle_factor() -> None:
    """Applied to eGRID's US average it must give Ember's life-cycle US average of that year."""
    direct = rows_of("US-EGRID")[2023]
    derived = life_cycle_g_per_kwh(
        direct, upstream_ratio=1.17, low_carbon_g_per_kwh=24.0, fossil_g_per_kwh=476.0
    )
    assert derived == pytest.approx(rows_of("USA")[2023], rel=0.08)


def test_life_cycle_is_never_below_the_stacks() -> None:
    """A published life-cycle factor under the measured direct one of its year is not shipped."""
    rows = table("grid.csv")
    direct = {(r["key"], r["year"]): float(r["g_per_kwh"]) for r in rows if r["accounting"] == "direct"}
    pairs = [
        (float(r["g_per_kwh"]), direct[r["key"], r["year"]])
        for r in rows
        if r["accounting"] == "lifecycle" and (r["key"], r["year"]) in direct
    ]
    assert len(pairs) == 9
    assert all(life_cycle >= stacks for life_cycle, stacks in pairs)
    for (key, _), stacks in direct.items():
        if len(key) == 5:
            assert find_place(key, year=2023)[0].g_per_kwh >= stacks
