"""What people call a place: towns, groups, beginnings of names, and what `regions search` finds."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from footprint.catalog.places import find_place, search_places
from footprint.catalog.places.groups import groups
from footprint.catalog.places.names import fold, meaning
from footprint.catalog.places.tables import cloud_regions, table
from footprint.errors import FootprintError, UnknownNameError
from tests.cli.run import footprint

# --- towns -------------------------------------------------------------------------------


def test_towns_of_cloud_regions_lie_where_their_providers_say() -> None:
    compared = 0
    towns: dict[str, set[str]] = {}
    for row in table("towns.csv"):
        towns.setdefault(row["town"], set()).add(row["place"])
    spoken = {row["name"] for row in table("places.csv")}
    for row in cloud_regions().values():
        if fold(row["location"]) in towns and row["location"] not in spoken:  # Washington is the state
            assert row["place"] in towns[fold(row["location"])], row
            if row["location"] != "Victoria":  # the state of Australia and the town in Canada
                assert meaning(row["location"]).key == row["place"], row
            compared += 1
    assert compared > 75


@pytest.mark.parametrize(
    ("town", "key"),
    [
        ("Paris", "FRA"), ("paris", "FRA"), ("Frankfurt", "DEU"), ("Ashburn", "US-VA"),
        ("council bluffs", "US-IA"), ("Dublin", "IRL"), ("Zurich", "CHE"), ("Zürich", "CHE"),
        ("São Paulo", "BRA"), ("sao paulo", "BRA"), ("Luleå", "SWE"), ("Lulea", "SWE"), ("Jülich", "DEU"),
        ("Barcelona", "ESP"), ("London", "GBR"), ("London, Ontario", "CA-ON"), ("Cambridge, MA", "US-MA"),
        ("Cambridge, UK", "GBR"), ("Paris, TX", "US-TX"), ("Paris, France", "FRA"), ("Tokyo", "JPN"),
        ("Washington, DC", "US-DC"), ("Washington", "US-WA"), ("Montreal", "CA-QC"), ("Hohhot", "CN-NM"),
    ],
)  # fmt: skip
def test_a_town_has_the_factor_of_its_state_or_country(town: str, key: str) -> None:
    place, _ = find_place(town)
    assert place.key == key
    assert place.g_per_kwh == find_place(key)[0].g_per_kwh
    assert place.provider is None


def test_a_town_is_named_in_the_answer() -> None:
    assert find_place("ashburn")[0].name == "Ashburn (Virginia)"


def test_keys_of_towns_are_their_names_folded() -> None:
    for row in table("towns.csv"):
        assert row["town"] == fold(row["name"]), row


@pytest.mark.parametrize(
    ("name", "candidates"),
    [("Cambridge", ("'Cambridge, GBR'", "'Cambridge, US-MA'")), ("Valencia", ("VEN", "ESP"))],
)
def test_towns_of_one_name_and_like_size_are_an_error_with_both(
    name: str, candidates: tuple[str, ...]
) -> None:
    with pytest.raises(FootprintError, match="ambiguous") as caught:
        find_place(name)
    assert all(one in str(caught.value) for one in candidates)


def test_what_an_ambiguous_name_lists_can_be_typed() -> None:
    with pytest.raises(FootprintError) as caught:
        find_place("Cambridge")
    listed = str(caught.value).split("write one of ")[1].split("', '")
    assert [find_place(one.strip("'"))[0].key for one in listed] == ["GBR", "US-MA"]


def test_a_town_that_is_not_known_takes_its_state_and_says_so() -> None:
    place, warnings = find_place("Paris, Texas")
    assert place.key == "US-TX"
    assert "read as Texas" in warnings[0]


# --- beginnings and misspellings ------------------------------------------------------------


@pytest.mark.parametrize(
    ("part", "key"), [("germ", "DEU"), ("united arab", "ARE"), ("netherl", "NLD"), ("council bl", "US-IA")]
)
def test_the_beginning_of_one_name_is_that_place_and_said(part: str, key: str) -> None:
    place, warnings = find_place(part)
    assert place.key == key
    assert "is read as" in warnings[0]


def test_the_beginning_of_several_names_is_an_error_with_them() -> None:
    with pytest.raises(FootprintError, match="ambiguous: write one of GIN, GNB, GNQ, PNG"):
        find_place("guine")


@pytest.mark.parametrize("name", ["Parris", "pariss", "paries", "Frankfurd", "Pakis tan", "Lundon"])
def test_no_code_of_a_country_is_offered_for_a_misspelt_name(name: str) -> None:
    with pytest.raises(UnknownNameError) as caught:
        find_place(name)
    codes = {row["key"] for row in table("places.csv")}
    assert caught.value.nearest
    assert not codes & set(caught.value.nearest)


@pytest.mark.parametrize(
    ("wrong", "right"), [("Londn", "London"), ("Frankfrt", "Frankfurt"), ("Pariss", "Paris")]
)
def test_a_misspelt_town_names_it(wrong: str, right: str) -> None:
    with pytest.raises(UnknownNameError) as caught:
        find_place(wrong)
    assert right in caught.value.nearest


# --- groups -----------------------------------------------------------------------------


def brute_mean(key: str, year: int) -> tuple[float, float, float]:
    """Mean, 5th and 95th percentile of a group's countries by generation, from the tables with numpy."""
    rows = [row for row in table("places.csv") if key in row["groups"].split("|") and row["generation_kwh"]]
    weights = np.array([float(row["generation_kwh"]) for row in rows])
    factors = np.array([_nearest_factor(row["key"], year) for row in rows])
    order = np.argsort(factors)
    shares = np.cumsum(weights[order]) / weights.sum()
    ends = [factors[order][np.searchsorted(shares, share)] for share in (0.05, 0.95)]
    return float(np.average(factors, weights=weights)), float(ends[0]), float(ends[1])


def _nearest_factor(key: str, year: int) -> float:
    rows = [row for row in table("grid.csv") if row["key"] == key and row["accounting"] == "lifecycle"]
    best = min(rows, key=lambda row: (abs(int(row["year"]) - year), -int(row["year"])))
    return float(best["g_per_kwh"])


@pytest.mark.slow
@pytest.mark.parametrize(
    "key", ["EU", "AFRICA", "ASIA", "EUROPE", "NORTH-AMERICA", "OCEANIA", "SOUTH-AMERICA"]
)
@pytest.mark.parametrize("year", [None, 2021])
def test_a_group_is_the_mean_of_its_countries_by_generation(key: str, year: int | None) -> None:
    place, _ = find_place(key, year=year)
    mean, low, high = brute_mean(key, year or 9999)
    assert place.g_per_kwh == pytest.approx(mean, rel=1e-12)
    assert place.low_g_per_kwh <= low * 1.0001
    assert place.high_g_per_kwh >= high * 0.9999


def test_the_european_union_has_27_members() -> None:
    assert len(groups()["EU"]) == 27


def test_all_continents_together_are_the_world_of_ember() -> None:
    continents = [members for key, members in groups().items() if key != "EU"]
    means = [find_place(key, year=2023)[0].g_per_kwh for key in groups() if key != "EU"]
    weights = [math.fsum(members.values()) for members in continents]
    world = np.average(means, weights=weights)
    # The weights are of 2022 and 2023, and some factors older.
    assert world == pytest.approx(find_place("WLD", year=2023)[0].g_per_kwh, rel=0.02)


@pytest.mark.parametrize(
    ("name", "key"), [("eu", "EU"), ("European Union", "EU"), ("EU27", "EU"), ("asia", "ASIA")]
)
def test_groups_have_names(name: str, key: str) -> None:
    assert find_place(name)[0].key == key


# --- the search of the command line -----------------------------------------------------------


def test_search_of_paris_is_france_and_the_regions_there() -> None:
    rows = json.loads(footprint("regions", "search", "paris", "--format", "json").out)["rows"]
    keys = [row["key"] for row in rows]
    assert keys == ["FRA", "aws:eu-west-3", "azure:francecentral", "gcp:europe-west9"]


@pytest.mark.parametrize(
    "text", ["paris", "germ", "FRA", "EU", "Council Bluffs", "aws:us-east-1", "France", "Cambridge, MA"]
)
def test_search_begins_with_what_region_takes(text: str) -> None:
    assert search_places(text)[0].key == find_place(text)[0].key


def test_search_of_nothing_is_everything_and_of_rubbish_little() -> None:
    assert len(search_places(" ")) > 400
    assert len(search_places("xqzxqz")) <= 10


def test_an_ambiguous_region_is_exit_2() -> None:
    done = footprint("estimate", "--model", "bert-base", "--hw", "v100:8", "--region", "Cambridge")
    assert done.code == 2
    assert "'Cambridge, US-MA'" in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("short", "suggested"),
    [("TX", ["US-TX"]), ("GER", ["Germany"]), ("SPA", ["Spain"]), ("FRN", []), ("zz", [])],
)
def test_a_short_text_is_no_likeness_of_a_code(short: str, suggested: list[str]) -> None:
    """Any three letters are one letter from the codes of many countries."""
    with pytest.raises(UnknownNameError) as caught:
        find_place(short)
    assert list(caught.value.nearest) == suggested


@pytest.mark.parametrize("provider", ["aws", "azure", "gcp"])
def test_a_provider_is_no_place(provider: str) -> None:
    with pytest.raises(
        UnknownNameError, match=f"{provider} is a provider; its regions are {provider}:"
    ) as caught:
        find_place(provider)
    assert not caught.value.nearest


@pytest.mark.parametrize(("spoken", "state"), [("NYC", "US-NY"), ("sf", "US-CA"), ("Washington DC", "US-DC")])
def test_towns_by_their_short_names(spoken: str, state: str) -> None:
    assert find_place(spoken)[0].factor_key == state or find_place(spoken)[0].key == state
