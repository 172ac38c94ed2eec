"""The shipped prices: every row checked, every quote computed a second time from the file."""

from __future__ import annotations

import csv
import tomllib
from collections import defaultdict

import numpy as np
import pytest
from pydantic import TypeAdapter

from footprint.catalog.assumptions import assumed
from footprint.catalog.files import hardware_folder, reference_folder, shipped_text
from footprint.catalog.prices import all_offers, find_price, providers
from footprint.catalog.prices import offers as rules
from footprint.catalog.prices.offer import PriceOffer
from footprint.schema import Source

COLUMNS = [
    "provider", "accelerator", "region", "purchase", "usd_per_accelerator_h", "scope", "instance",
    "accelerators_per_instance", "dated", "source", "basis", "note",
]  # fmt: skip
TABLE = "strubell-2019"


def raw_rows() -> list[dict[str, str]]:
    with (hardware_folder() / "prices.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_every_shipped_row_passes_the_schema() -> None:
    rows = raw_rows()
    check = TypeAdapter(PriceOffer)
    for row in rows:
        assert check.validate_python(row) in all_offers()
    assert len(all_offers()) == len(rows)
    assert list(rows[0]) == COLUMNS


def test_the_page_about_prices_counts_them_rightly() -> None:
    rows = raw_rows()
    page = (hardware_folder().parent / "docs" / "prices.md").read_text(encoding="utf-8")
    sellers = {row["provider"] for row in rows} - {TABLE}
    chips = {row["accelerator"] for row in rows}
    counted = f"{len(rows):,} of them, {len(sellers)} providers, {len(chips)} accelerators"
    assert counted in " ".join(page.split())
    dates = sorted(row["dated"] for row in rows)
    assert f"dated {dates[0]} to {dates[-1]}" in " ".join(page.split())


def test_no_row_stands_twice() -> None:
    rows = [tuple(row.values()) for row in raw_rows()]
    assert len(set(rows)) == len(rows)


def test_every_source_is_described_once() -> None:
    described: list[str] = []
    for path in sorted((reference_folder() / "sources").glob("*.toml")):
        described += tomllib.loads(path.read_text(encoding="utf-8"))
    used = {row["source"] for row in raw_rows()}
    used |= {entry["source"] for entry in tomllib.loads(_prices_toml("assumptions")).values()}
    assert [key for key in sorted(used) if described.count(key) != 1] == []


def test_every_source_of_prices_passes_the_schema_and_is_used() -> None:
    mine = tomllib.loads(_prices_toml("sources"))
    check = TypeAdapter(Source)
    for entry in mine.values():
        check.validate_python(entry)
    used = _prices_toml("assumptions") + (hardware_folder() / "prices.csv").read_text(encoding="utf-8")
    used += shipped_text("reference_data/electricity.csv")
    assert [key for key in mine if key not in used] == []


def _prices_toml(folder: str) -> str:
    return (reference_folder() / folder / "prices.toml").read_text(encoding="utf-8")


def test_every_provider_is_named_in_the_table_of_providers() -> None:
    with (reference_folder() / "providers.csv").open(encoding="utf-8", newline="") as file:
        named = {row["provider"]: row for row in csv.DictReader(file)}
    assert set(providers()) == set(named) == {row["provider"] for row in raw_rows()}
    aliases = [alias for row in named.values() for alias in row["aliases"].split(";") if alias]
    assert len(set(aliases) | set(named)) == len(aliases) + len(named)
    assert {row["kind"] for row in named.values()} == {"hyperscaler", "gpu_cloud", "marketplace", "table"}
    for name, row in named.items():
        for beginning in filter(None, row["only_seller_of"].split(";")):
            assert {r["provider"] for r in raw_rows() if r["accelerator"].startswith(beginning)} <= {
                name,
                TABLE,
            }


def test_the_quick_ways_into_the_file_agree_with_the_csv_reader() -> None:
    rows = raw_rows()
    assert rules.data_date() == max(row["dated"] for row in rows)
    for accelerator in {row["accelerator"] for row in rows}:
        wanted = [row["instance"] for row in rows if row["accelerator"] == accelerator]
        assert [found.instance for found in rules.offers_of(accelerator)] == wanted


def test_dates_are_iso_and_not_after_the_day_the_table_was_made() -> None:
    for row in raw_rows():
        year, *rest = (int(part) for part in row["dated"].split("-"))
        assert 2018 <= year <= 2026
        assert [12, 31][: len(rest)] >= rest
        assert all(len(part) == 2 for part in row["dated"].split("-")[1:])


def test_an_accelerator_of_two_gpus_is_priced_a_board() -> None:
    # AWS: p2.xlarge is one K80 GPU, half a board, at 0.90 an hour in us-east-1; Azure: NC6 likewise.
    boards = {
        (row["instance"], row["region"]): float(row["usd_per_accelerator_h"])
        * float(row["accelerators_per_instance"])
        for row in raw_rows()
        if row["accelerator"] == "k80" and row["purchase"] == "on_demand" and row["region"] == "us-east-1"
    }
    assert boards["p2.xlarge", "us-east-1"] == pytest.approx(0.90)
    assert boards["p2.8xlarge", "us-east-1"] == pytest.approx(7.20)
    assert boards["p2.16xlarge", "us-east-1"] == pytest.approx(14.40)
    assert find_price("k80", provider="aws", region="us-east-1").usd_per_accelerator_h.mid == pytest.approx(
        1.80
    )


def test_every_priced_accelerator_has_a_profile_and_is_priced_by_its_unit() -> None:
    profiles = {
        path.stem: tomllib.loads(path.read_text(encoding="utf-8"))
        for path in hardware_folder().glob("*.toml")
    }
    priced = {row["accelerator"] for row in raw_rows()}
    assert priced <= set(profiles)
    # a fraction of an accelerator is rented only where the seller counts the GPUs of a board
    shared = {row["accelerator"] for row in raw_rows() if float(row["accelerators_per_instance"]) < 1}
    assert shared == {
        name for name in priced if profiles[name]["unit"] == "board" and "devices_per_unit" in profiles[name]
    }
    assert shared == {"k80", "m60"}


def test_known_instance_prices_come_out_of_the_rows() -> None:
    # Public price lists, an hour: p5.48xlarge, p4d.24xlarge, ND96isr_H100_v5, dl1.24xlarge.
    for accelerator, provider, region, instance_usd_h in (
        ("h100-sxm5-80gb", "aws", "us-east-1", 55.04),
        ("a100-sxm4-40gb", "aws", "us-east-1", 21.9576),
        ("h100-sxm5-80gb", "azure", "eastus2", 98.32),
        ("gaudi1", "aws", "us-east-1", 13.10904),
    ):
        quote = find_price(accelerator, provider=provider, region=region)
        assert 8 * quote.usd_per_accelerator_h.mid == pytest.approx(instance_usd_h, rel=1e-4)


def test_strubell_2019_prices_are_those_of_footnote_7() -> None:
    # Strubell et al. 2019 (arXiv:1906.02243), footnote 7; TPUv2's 1.35 is what Table 3's costs imply.
    charged = {
        "p100-pcie-16gb": (0.43, 1.46),
        "v100-sxm2-16gb": (0.74, 2.48),
        "tpu-v2": (1.35, 4.50),
        "tpu-v3": (2.40, 8.00),
    }
    for accelerator, (preemptible, on_demand) in charged.items():
        for purchase, price in (("spot", preemptible), ("on_demand", on_demand)):
            quote = find_price(accelerator, purchase=purchase, year=2019)
            assert quote.usd_per_accelerator_h.mid == price
            assert quote.usd_per_accelerator_h.spread == {}  # as charged: one printed price
            assert quote.newest.startswith("2019")
            assert any("Strubell" in warning for warning in quote.warnings)
    # Table 3: BERT on 64 V100 for 79.2 h, and GPT-2 on 32 TPUv3 for 168 h.
    assert 64 * 79.2 * charged["v100-sxm2-16gb"][1] == pytest.approx(12571, abs=0.5)
    assert 32 * 168 * find_price("tpu-v3", year=2019).usd_per_accelerator_h.mid == 43008
    # Google's own list was a quarter of it, for the device had 4 chips.
    assert 4 * find_price("tpu-v2", year=2019, provider="gcp").usd_per_accelerator_h.mid == 4.50
    assert find_price("tpu-v3", year=2019, provider="gcp").usd_per_accelerator_h.mid == 2.00


def test_the_papers_table_never_enters_a_current_price() -> None:
    for accelerator in ("v100-sxm2-16gb", "p100-pcie-16gb", "tpu-v2", "tpu-v3"):
        quote = find_price(accelerator)
        assert "strubell2019-energy" not in quote.source
        assert quote.oldest > "2024"


def test_spread_of_a_single_provider_is_the_spread_between_providers_of_other_chips() -> None:
    ratios, weights = [], []
    for accelerator in sorted({row["accelerator"] for row in raw_rows()}):
        current = rules.current(
            [o for o in rules.offers_of(accelerator) if o.purchase == "on_demand" and o.provider != TABLE],
            rules.data_date(),
        )
        medians = np.array(
            list(
                rules.provider_medians(
                    rules.cheapest_sizes(rules.newest_each(rules.one_scope(current)))
                ).values()
            )
        )
        if len(medians) >= 5:
            pairs = (medians[:, None] / medians[None, :])[~np.eye(len(medians), dtype=bool)]
            ratios += pairs.tolist()
            weights += [1 / len(pairs)] * len(pairs)
    order = np.argsort(ratios)
    below = np.cumsum(np.array(weights)[order]) / sum(weights)
    low, high = (np.array(ratios)[order][np.searchsorted(below, share)] for share in (0.05, 0.95))
    factor = assumed("prices.one_provider_factor")
    assert factor.low == pytest.approx(low, rel=0.05)
    assert factor.high == pytest.approx(high, rel=0.05)


def test_the_commonest_chips_have_at_least_five_providers() -> None:
    common = (
        "a100-sxm4-40gb", "a100-sxm4-80gb", "a100-pcie-80gb", "h100-sxm5-80gb", "h100-pcie-80gb",
        "h200-sxm-141gb", "b200-sxm-180gb", "b300-sxm-288gb", "l4", "l40", "l40s", "v100-sxm2-16gb",
        "rtx4090", "rtx5090", "rtxa6000", "rtx6000ada", "rtxpro6000", "mi300x",
    )  # fmt: skip
    assert {name: find_price(name).providers for name in common if find_price(name).providers < 5} == {}


def test_spot_is_not_dearer_than_on_demand_at_the_same_provider_region_and_date() -> None:
    lists: dict[tuple[str, ...], dict[str, float]] = defaultdict(dict)
    for row in raw_rows():
        key = tuple(row[name] for name in ("provider", "accelerator", "region", "instance", "dated"))
        lists[key][row["purchase"]] = float(row["usd_per_accelerator_h"])
    both = {key: prices for key, prices in lists.items() if {"spot", "on_demand"} <= set(prices)}
    assert len(both) > 200
    assert {key: prices for key, prices in both.items() if prices["spot"] > prices["on_demand"]} == {}


def test_a_longer_reservation_is_not_dearer_at_the_same_provider_region_and_date() -> None:
    lists: dict[tuple[str, ...], dict[str, float]] = defaultdict(dict)
    for row in raw_rows():
        key = tuple(row[name] for name in ("provider", "accelerator", "region", "instance", "dated"))
        lists[key][row["purchase"]] = float(row["usd_per_accelerator_h"])
    for prices in lists.values():
        ladder = [prices[way] for way in ("on_demand", "reserved_1y", "reserved_3y") if way in prices]
        assert ladder == sorted(ladder, reverse=True)
