"""PUE and water against what providers, surveys and papers published."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from footprint.catalog.assumptions import assumed
from footprint.catalog.places import find_place, find_pue
from footprint.catalog.places.tables import cloud_regions, table
from footprint.catalog.places.water import find_water
from footprint.errors import FootprintError

Z90 = 1.6448536269514722


class PueRow(BaseModel):
    model_config = ConfigDict(extra="forbid")
    provider: str = Field(pattern=r"^[a-z-]+$")
    region: str
    year: int = Field(ge=2007, le=2025)
    scope: Literal["region", "geography", "fleet", "industry"]
    pue: float | Literal[""]
    wue_l_per_kwh: float | Literal[""]
    source: str
    basis: Literal["measured", "derived", "assumed"]
    note: str


def test_every_row_is_typed_once_and_within_physics() -> None:
    rows = TypeAdapter(list[PueRow]).validate_python(table("pue.csv"))
    assert len({(r.provider, r.region, r.year, r.source) for r in rows}) == len(rows)
    for row in rows:
        assert row.pue == "" or 1.0 < row.pue <= 2.5
        assert row.wue_l_per_kwh == "" or 0 < row.wue_l_per_kwh < 4
        assert row.pue != "" or row.wue_l_per_kwh != ""


def test_every_provider_has_a_figure_for_its_whole_fleet() -> None:
    rows = table("pue.csv")
    fleets = {r["provider"] for r in rows if r["region"] == "" and r["pue"]}
    assert fleets == {r["provider"] for r in rows}


def test_regions_and_geographies_are_those_of_the_region_table() -> None:
    keys = set(cloud_regions())
    homes = {(key.partition(":")[0], row["geography"]) for key, row in cloud_regions().items()}
    for row in table("pue.csv"):
        if row["scope"] == "region":
            assert f"{row['provider']}:{row['region']}" in keys
        if row["scope"] == "geography":
            assert (row["provider"], row["region"]) in homes


# --- the industry ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("year", "published"),
    # Uptime Institute, Global Data Center Survey, annual average PUE
    [
        (2007, 2.5), (2011, 1.98), (2013, 1.65), (2018, 1.58), (2019, 1.67), (2020, 1.59), (2021, 1.57),
        (2022, 1.55), (2023, 1.58), (2024, 1.56), (2025, 1.54),
    ],
)  # fmt: skip
def test_industry_average_is_uptime_s_of_the_year(year: int, published: float) -> None:
    fact = find_pue(year=year)
    assert (fact.pue.mid, fact.year, fact.provider) == (published, year, "industry")
    assert fact.warnings == ()


def test_industry_interval_holds_the_sites_that_were_published() -> None:
    """Public clouds' 1.25, on-premises 1.63 (IDC) and nearly every cloud region; not 1.0."""
    fact = find_pue(year=2024)
    assert fact.pue.low > 1.0
    assert fact.pue.low < 1.25 < 1.63 < fact.pue.high <= 2.0
    assert fact.pue.high == pytest.approx(1 + 0.56 * 1.75)
    assert fact.pue.spread.keys() == {"pue"}


def test_no_year_means_the_newest() -> None:
    assert find_pue().year == max(int(r["year"]) for r in table("pue.csv") if r["scope"] == "industry")


@pytest.mark.parametrize(
    ("asked", "used"), [(1990, 2007), (2009, 2011), (2015, 2013), (2016, 2018), (2090, 2025)]
)
def test_the_nearest_year_is_used_and_said(asked: int, used: int) -> None:
    fact = find_pue(year=asked)
    assert fact.year == used
    assert str(asked) in fact.warnings[0]
    assert str(used) in fact.warnings[0]


# --- providers ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("provider", "region", "year", "pue", "wue"),
    [
        ("aws", None, 2025, 1.14, 0.12),  # Amazon's sustainability page
        ("aws", None, 2024, 1.15, 0.15),
        ("aws", "us-east-1", 2024, 1.15, 0.12),
        ("aws", "eu-central-1", 2024, 1.35, 0.01),
        ("aws", "ap-southeast-3", 2025, 1.29, 2.85),
        ("aws", "ap-south-1", 2022, 1.43, None),
        ("gcp", "us-central1", 2025, (1.11 + 1.07) / 2, None),  # two campuses at Council Bluffs
        ("gcp", "europe-west1", 2025, 1.08, None),
        ("gcp", None, 2021, 1.10, None),
        ("azure", "westus3", 2024, 1.13, None),
        ("azure", "westus3", 2023, 1.18, 1.63),  # Li et al. 2023, table 1
        ("azure", "southeastasia", 2024, 1.30, None),
        ("azure", "francecentral", 2025, 1.16, 0.03),  # Microsoft, EMEA
        ("azure", None, 2022, 1.18, None),
        ("meta", None, 2023, 1.08, None),
    ],
)
def test_providers_figures(
    provider: str, region: str | None, year: int, pue: float, wue: float | None
) -> None:
    fact = find_pue(provider=provider, region=region, year=year)
    assert fact.pue.mid == pytest.approx(pue, abs=1e-9)
    assert (fact.year, fact.provider) == (year, provider)
    assert fact.warnings == ()
    if wue is not None:
        assert fact.wue_l_per_kwh is not None
        assert fact.wue_l_per_kwh.mid == wue
        assert fact.wue_year == year


@pytest.mark.parametrize(
    ("region", "year", "level", "pue"),
    [
        ("eu-north-1", 2025, "eu-north-1", 1.09),
        ("eu-south-1", 2025, "europe", 1.11),  # Milan publishes none: Europe's
        ("mx-central-1", 2025, "north-america", 1.14),
        ("il-central-1", 2025, "il-central-1", 1.27),
    ],
)
def test_region_then_geography_then_fleet(region: str, year: int, level: str, pue: float) -> None:
    fact = find_pue(provider="aws", region=region, year=year)
    assert (fact.region, fact.pue.mid) == (level, pue)


def test_gcp_regions_without_a_campus_have_the_fleet_s_average() -> None:
    fact = find_pue(region="gcp:europe-west3")
    assert (fact.provider, fact.region, fact.pue.mid) == ("gcp", "", 1.09)


@pytest.mark.parametrize(
    ("provider", "region"),
    [
        ("aws", "us-east-1"), (None, "us-east-1"), (None, "aws:us-east-1"), ("amazon", "US-EAST-1"),
        ("AWS", "aws:us-east-1"),
    ],
)  # fmt: skip
def test_ways_to_name_a_region(provider: str | None, region: str) -> None:
    assert find_pue(provider=provider, region=region, year=2025) == find_pue(
        region="aws:us-east-1", year=2025
    )


def test_another_provider_s_region_says_nothing() -> None:
    assert find_pue(provider="azure", region="aws:us-east-1") == find_pue(provider="azure")


@pytest.mark.parametrize("region", [None, "FRA", "US-VA", "", "WLD", "given"])
def test_a_place_that_is_no_cloud_region_has_the_industry_s(region: str | None) -> None:
    assert find_pue(region=region) == find_pue()


def test_a_provider_that_publishes_nothing_has_the_industry_s_and_a_warning() -> None:
    fact = find_pue(provider="lambda", region="FRA")
    assert fact.pue == find_pue().pue
    assert "no PUE of lambda" in fact.warnings[0]


# --- spreads -----------------------------------------------------------------------------


def test_fitted_spread_of_regions_is_what_numpy_finds() -> None:
    for column, excess, name in (("pue", 1.0, "pue_region"), ("wue_l_per_kwh", 0.0, "wue_region")):
        known = {
            (r["provider"], r["region"], int(r["year"])): float(r[column]) - excess
            for r in table("pue.csv")
            if r["scope"] == "region" and r[column]
        }
        logs = [
            math.log(known[p, r, y + 1] / value)
            for (p, r, y), value in known.items()
            if (p, r, y + 1) in known
        ]
        assert len(logs) > 12
        assert assumed(f"places.{name}").value == pytest.approx(np.sqrt(np.mean(np.square(logs))), rel=1e-3)


def test_overhead_spreads_by_its_scope() -> None:
    fact = find_pue(region="aws:us-east-1", year=2025)
    factor = math.exp(Z90 * assumed("places.pue_region").value)
    assert fact.pue.low == pytest.approx(1 + 0.15 / factor)
    assert fact.pue.high == pytest.approx(1 + 0.15 * factor)


def test_intervals_hold_what_came_next() -> None:
    """A region's next year within its interval, and regions within their fleet's, 85 % or more."""
    rows = [r for r in table("pue.csv") if r["scope"] == "region" and r["pue"]]
    known = {(r["provider"], r["region"], int(r["year"])): float(r["pue"]) for r in rows}
    next_year = []
    for (provider, region, year), _ in known.items():
        if (provider, region, year + 1) in known:
            pue = find_pue(provider=provider, region=region, year=year).pue
            next_year.append(pue.low <= known[provider, region, year + 1] <= pue.high)
    assert len(next_year) > 40
    assert np.mean(next_year) >= 0.85
    in_fleet = []
    for (provider, _, year), value in known.items():
        fleet = find_pue(provider=provider, year=year).pue
        in_fleet.append(fleet.low <= value <= fleet.high)
    assert np.mean(in_fleet) >= 0.8


def test_no_interval_reaches_below_1_or_above_what_evaporation_allows() -> None:
    for key in cloud_regions():
        fact = find_pue(region=key)
        assert fact.pue.low > 1.0
        if fact.wue_l_per_kwh is not None:
            assert fact.wue_l_per_kwh.high <= 4.0 + 1e-9  # 1.8 l evaporated per IT kWh at PUE 1.2, twice


# --- water -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "published"),
    # Li et al. 2023, "Making AI Less Thirsty", table 1: off-site EWIF, an independent list
    [("USA", 3.142), ("US-AZ", 4.959), ("US-TX", 1.287), ("US-VA", 2.385), ("US-WA", 9.501),
     ("US-IA", 3.104), ("IRL", 1.476)],
)  # fmt: skip
def test_off_site_water_agrees_with_another_list(place: str, published: float) -> None:
    fact = find_water(find_place(place)[0], find_pue())
    assert fact.off_site_l_per_kwh is not None
    assert fact.off_site_l_per_kwh.mid == pytest.approx(published, rel=0.04)


def test_water_scopes_are_kept_apart() -> None:
    place, _ = find_place("aws:us-east-1")
    site = find_pue(region="aws:us-east-1", year=2024)
    water = find_water(place, site)
    assert water.on_site_l_per_kwh == site.wue_l_per_kwh
    assert water.on_site_l_per_kwh is not None
    assert water.off_site_l_per_kwh is not None
    assert water.on_site_l_per_kwh.mid == 0.12  # per kWh of IT energy
    assert water.off_site_l_per_kwh.mid == pytest.approx(2.312704)  # per kWh of electricity
    assert water.off_site_l_per_kwh.spread.keys() == {"water:US-VA"}
    assert (water.on_site_source, water.off_site_source) == ("aws-pue-wue", "wri-2020")
    assert water.off_site_l_per_kwh.low < 3.0  # Virginia's other eGRID subregion has 2.37


def test_unknown_water_is_absent_and_said() -> None:
    water = find_water(find_place("HKG")[0], find_pue())
    assert water.on_site_l_per_kwh is None
    assert water.off_site_l_per_kwh is None
    assert len(water.warnings) == 2


# --- hostile -----------------------------------------------------------------------------


@given(st.text(max_size=40), st.text(max_size=40), st.integers())
@settings(max_examples=150, deadline=None)
def test_any_text_gives_a_pue_or_one_clear_error(provider: str, region: str, year: int) -> None:
    if not 1990 <= year <= 2100:
        with pytest.raises(FootprintError, match="`year=`"):
            find_pue(provider=provider, region=region, year=year)
        year = 2024
    fact = find_pue(provider=provider, region=region, year=year)
    assert 1.0 < fact.pue.low <= fact.pue.mid <= fact.pue.high
