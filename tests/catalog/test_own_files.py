"""A site and a price list of one's own."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import footprint as package
from footprint.catalog.places import find_place
from footprint.catalog.prices import find_price
from footprint.errors import DataFileError, FootprintError, MissingFactError
from tests.cli.run import footprint

SITE = """schema = "footprint/site/1"
name = "Machine room B"
place = "FRA"
grid_g_per_kwh = 20
pue = 1.15
electricity_usd_per_kwh = 0.11
valid_from = "2025-01-01"
valid_until = "2026-06-30"
"""
PRICES = """accelerator,usd_per_accelerator_h,purchase,dated
h100,2.10,on_demand,2026-10-01
h100,2.50,,2026-10-01
h100,1.10,spot,2026-10-01
v100,0.9,,
"""
JOB = {"model": "bert-base", "step_time_s": 1.0}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FOOTPRINT_TODAY", "2026-01-15")
    file = tmp_path / "room-b.toml"
    file.write_text(SITE, encoding="utf-8")
    return file


@pytest.fixture
def prices(tmp_path: Path) -> Path:
    file = tmp_path / "prices.csv"
    file.write_text(PRICES, encoding="utf-8")
    return file


def test_the_facts_of_a_site_are_those_of_its_file(site: Path) -> None:
    answer = package.estimate(hw="v100:8", region=str(site), owned=True, **JOB)
    assert answer.grid_g_per_kwh.mid == 20
    assert answer.pue.mid == 1.15
    assert answer.energy_kwh.mid == pytest.approx(1.15 * answer.it_energy_kwh.mid)
    assert answer.co2e_kg.mid == pytest.approx(0.02 * answer.energy_kwh.mid)
    assert answer.cost_usd.mid == pytest.approx(0.11 * answer.energy_kwh.mid)
    assert answer.place.name == "Machine room B"


def test_options_override_a_site(site: Path) -> None:
    answer = package.estimate(hw="v100:8", region=str(site), pue=1.4, grid_g_per_kwh=100.0, **JOB)
    assert (answer.pue.mid, answer.grid_g_per_kwh.mid) == (1.4, 100.0)


def test_what_a_site_leaves_out_is_that_of_its_place(tmp_path: Path) -> None:
    file = tmp_path / "lab.toml"
    file.write_text('schema = "footprint/site/1"\nname = "Lab"\nplace = "Paris"\n', encoding="utf-8")
    assert find_place(str(file))[0].g_per_kwh == find_place("FRA")[0].g_per_kwh


def test_a_site_in_the_data_folder_goes_by_its_name(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "data" / "sites"
    folder.mkdir(parents=True)
    (folder / "room-b.toml").write_text(SITE, encoding="utf-8")
    monkeypatch.setenv("FOOTPRINT_DATA", str(tmp_path / "data"))
    assert find_place("Room-B")[0].g_per_kwh == 20


@pytest.mark.parametrize(
    ("day", "said"), [("2026-01-15", ""), ("2026-07-01", "valid until"), ("2024-12-31", "valid from")]
)
def test_a_site_outside_its_dates_says_so(
    site: Path, day: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOOTPRINT_TODAY", day)
    _, warnings = find_place(str(site))
    assert bool(warnings) == bool(said)
    assert said in "".join(warnings)


@pytest.mark.parametrize(
    ("find", "put", "says"),
    [
        ("grid_g_per_kwh = 20", "grid_g_per_kwh = -1", "grid_g_per_kwh"),
        ("grid_g_per_kwh = 20", "grid_g_per_kwh = nan", "grid_g_per_kwh"),
        ("pue = 1.15", "pue = 0.9", "pue"), ("pue = 1.15", 'pue = "1.15"', "pue"),
        ("pue = 1.15", "puee = 1.15", "puee"), ("2025-01-01", "2025-13-01", "valid_from"),
        ("2025-01-01", "2027-01-01", "after valid_until"), ("site/1", "site/2", "schema"),
        ('"FRA"', '"Cambridge"', "ambiguous"), ('"FRA"', '"other.toml"', "not another site"),
        ('"Machine room B"', '"x\\u001b[31m"', "name"), ("2025-01-01", "2025-01-01x", "valid_from"),
    ],
)  # fmt: skip
def test_a_wrong_site_is_exit_2_and_names_the_field(site: Path, find: str, put: str, says: str) -> None:
    assert find in SITE
    site.write_text(SITE.replace(find, put, 1), encoding="utf-8")
    for args in (
        ("check", str(site)),
        ("estimate", "--model", "bert-base", "--hw", "v100:8", "--region", str(site)),
    ):
        done = footprint(*args)
        assert done.code == 2, args
        assert says in done.err
        assert "Traceback" not in done.err


def test_the_price_of_a_list_is_the_median_of_its_offers(prices: Path) -> None:
    quote = find_price("h100-sxm5-80gb", provider=str(prices))
    assert quote.usd_per_accelerator_h.mid == np.median([2.10, 2.50])
    assert (quote.offers, quote.provider, quote.newest) == (2, "prices.csv", "2026-10-01")
    assert (
        find_price("h100-sxm5-80gb", provider=str(prices), purchase="spot").usd_per_accelerator_h.mid == 1.10
    )
    answer = package.estimate(hw="v100:8", provider=str(prices), region="aws:us-east-1", **JOB)
    assert answer.cost_usd.mid == pytest.approx(0.9 * answer.accelerator_h.mid)


def test_a_list_of_tables_is_the_same_list(prices: Path, tmp_path: Path) -> None:
    file = tmp_path / "prices.toml"
    file.write_text('[[offers]]\naccelerator = "h100"\nusd_per_accelerator_h = 2.5\n', encoding="utf-8")
    assert find_price("h100-sxm5-80gb", provider=str(file)).usd_per_accelerator_h.mid == 2.5
    assert footprint("check", str(file)).code == 0


def test_a_chip_that_a_list_lacks_is_an_error_with_what_it_has(prices: Path) -> None:
    with pytest.raises(MissingFactError, match="it has h100-sxm5-80gb on_demand"):
        find_price("a100-sxm4-80gb", provider=str(prices))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "accelerator"), ("accelerator,usd\nh100,1\n", "did you mean"),
        ("accelerator,usd_per_accelerator_h\nh10,1\n", "offer 1"),
        ("accelerator,usd_per_accelerator_h\nh100,-1\n", "above 0"),
        ("accelerator,usd_per_accelerator_h\nh100,nan\n", "above 0"),
        ("accelerator,usd_per_accelerator_h\nh100,1e9\n", "at most"),
        ("accelerator,usd_per_accelerator_h\nh100,1,2\n", "3 fields"),
        ("accelerator,usd_per_accelerator_h,purchase\nh100,1,free\n", "purchase"),
        ("accelerator,usd_per_accelerator_h,dated\nh100,1,soon\n", "dated"),
        ("accelerator,usd_per_accelerator_h\n" + "h100,1\n" * 6000, "5,000"),
        ("accelerator,usd_per_accelerator_h\n" + "h" * 3000 + ",1\n", "2000"),
        ('accelerator,usd_per_accelerator_h\n"h100,1\n', "CSV"),
        ("accelerator,usd_per_accelerator_h,accelerator\nh100,1,h100\n", "twice"),
    ],
)  # fmt: skip
def test_a_wrong_list_is_exit_2_and_says_where(prices: Path, text: str, says: str) -> None:
    prices.write_text(text, encoding="utf-8")
    for args in (
        ("check", str(prices)),
        ("estimate", "--model", "bert-base", "--hw", "h100:8", "--provider", str(prices)),
    ):
        done = footprint(*args)
        assert done.code == 2, args
        assert says in done.err, done.err
        assert "Traceback" not in done.err


@pytest.mark.parametrize(("name", "kind"), [("room-b.toml", "site"), ("prices.csv", "prices")])
def test_check_reads_both(site: Path, prices: Path, name: str, kind: str) -> None:
    done = footprint("check", str(site.parent / name), "--format", "json")
    assert done.code == 0
    assert json.loads(done.out)["kind"] == kind


def test_a_missing_file_is_one_message(tmp_path: Path) -> None:
    with pytest.raises(DataFileError):
        find_place(str(tmp_path / "none.toml"))
    with pytest.raises(FootprintError):
        find_price("h100-sxm5-80gb", provider=str(tmp_path / "none.csv"))
