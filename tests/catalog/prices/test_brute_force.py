"""Every default price computed a second time from the text of the table, following docs/prices.md."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from footprint.catalog.files import hardware_folder, reference_folder
from footprint.catalog.prices import find_price
from footprint.catalog.prices.evidence import silicon
from footprint.errors import MissingFactError

TABLE = "strubell-2019"
Row = dict[str, str]


def read(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


ROWS = read(hardware_folder() / "prices.csv")
KIND = {row["provider"]: row["kind"] for row in read(reference_folder() / "providers.csv")}
NEWEST = max(row["dated"] for row in ROWS)
SINCE = f"{int(NEWEST[:4]) - 2}{NEWEST[4:]}"
CHIPS = sorted({row["accelerator"] for row in ROWS})
BOUGHT = sorted({(row["accelerator"], row["purchase"]) for row in ROWS})
FORM = re.compile(r"-(sxm\d*|pcie|nvl|workstation|\d+gb)\b.*")


def chip_of(accelerator: str) -> str:
    return FORM.sub("", accelerator)


def prices_by_provider(rows: list[Row]) -> dict[str, list[float]]:
    """The prices that count of each provider: newest of a region, cheapest of a size."""
    found = defaultdict(list)
    by_region = defaultdict(list)
    for row in rows:
        by_region[row["provider"], row["region"]].append(row)
    for (provider, _), listed in by_region.items():
        day = max(row["dated"] for row in listed)
        sizes = defaultdict(list)
        for row in listed:
            if row["dated"] == day:
                sizes[row["accelerators_per_instance"]].append(float(row["usd_per_accelerator_h"]))
        found[provider] += [min(prices) for prices in sizes.values()]
    return found


def medians(rows: list[Row]) -> dict[str, float]:
    return {provider: float(np.median(prices)) for provider, prices in prices_by_provider(rows).items()}


def current_on_demand(accelerator: str) -> dict[str, float]:
    return medians(
        [
            row for row in ROWS
            if row["accelerator"] == accelerator and row["purchase"] == "on_demand" and row["dated"] >= SINCE
            and row["scope"] == "instance" and row["provider"] != TABLE
        ]
    )  # fmt: skip


def evidence(accelerator: str, purchase: str) -> tuple[dict[str, float], int]:
    """The price of each provider, and the number of offers."""
    bought = [row for row in ROWS if row["purchase"] == purchase]
    own = [row for row in bought if row["accelerator"] == accelerator]
    own = [row for row in own if row["dated"] >= SINCE] or own
    own = [row for row in own if row["provider"] != TABLE] or own
    others = [
        row for row in bought
        if row["accelerator"] != accelerator and chip_of(row["accelerator"]) == chip_of(accelerator)
        and row["scope"] == "instance" and row["provider"] != TABLE
    ]  # fmt: skip
    if any(row["scope"] == "instance" for row in own):
        own = [row for row in own if row["scope"] == "instance"]
    elif others:
        own = []
    young = [row for row in others if row["dated"] >= SINCE]
    others = young or ([] if own else others)
    if any(row["scope"] != "instance" or row["provider"] == TABLE for row in own):
        others = []
    found = medians(own)
    count = sum(map(len, prices_by_provider(own).values()))
    mine = current_on_demand(accelerator)
    shared = {
        variant: sorted(set(mine) & set(current_on_demand(variant)))
        for variant in {row["accelerator"] for row in others}
    }
    for variant in sorted(shared, key=lambda name: (-len(shared[name]), name)):
        theirs = current_on_demand(variant)
        both = shared[variant]
        ratio = np.median([mine[one] / theirs[one] for one in both]) if len(both) >= 2 else 1.0
        fresh = [row for row in others if row["accelerator"] == variant and row["provider"] not in found]
        count += sum(map(len, prices_by_provider(fresh).values()))
        found |= {provider: float(ratio * price) for provider, price in medians(fresh).items()}
    return found, count


def median_of_commonest_kinds(found: dict[str, float]) -> float:
    kinds = defaultdict(list)
    for provider, price in found.items():
        kinds[KIND[provider]].append(price)
    most = max(map(len, kinds.values()))
    return float(np.median([price for prices in kinds.values() if len(prices) == most for price in prices]))


@pytest.mark.parametrize(("accelerator", "purchase"), BOUGHT)
def test_a_default_price_equals_a_second_computation(accelerator: str, purchase: str) -> None:
    found, count = evidence(accelerator, purchase)
    expected = median_of_commonest_kinds(found)
    quote = find_price(accelerator, purchase=purchase)
    price = quote.usd_per_accelerator_h
    if purchase == "spot" and any("spot is no cheaper" in warning for warning in quote.warnings):
        usual, _ = evidence(accelerator, "on_demand")
        assert median_of_commonest_kinds(usual) < expected
        assert price.mid == pytest.approx(median_of_commonest_kinds(usual))
        return
    assert price.mid == pytest.approx(expected)
    assert quote.providers == len(found)
    assert quote.offers == count
    every = list(found.values())
    if len(every) >= 5:
        assert price.low == pytest.approx(min(expected, np.percentile(every, 5)))
        assert price.high == pytest.approx(max(expected, np.percentile(every, 95)))
        assert f"p5-p95 over {len(every)} providers" in quote.interval
    elif len(every) >= 2:
        assert (price.low, price.high) == (pytest.approx(min(every)), pytest.approx(max(every)))
        assert f"min-max over {len(every)} providers" in quote.interval
    else:
        assert quote.interval.startswith("single provider")


def test_the_answer_says_which_kind_of_provider_the_median_is() -> None:
    interval = find_price("v100-sxm2-16gb").interval
    assert interval == "median of 3 hyperscalers; p5-p95 over 7 providers"
    assert KIND["aws"] == KIND["oracle"] == KIND["azure"] == "hyperscaler"


def test_the_price_of_a_v100_is_that_of_the_three_who_list_it_at_three_dollars() -> None:
    lists = [current_on_demand("v100-sxm2-16gb")[name] for name in ("aws", "oracle")]
    lists.append(current_on_demand("v100-pcie-16gb")["azure"])
    for variant in ("v100-sxm2-16gb", "v100-sxm2-32gb", "v100-pcie-16gb", "v100-pcie-32gb"):
        assert min(lists) <= find_price(variant).usd_per_accelerator_h.mid <= max(lists)


@pytest.mark.parametrize("accelerator", CHIPS)
def test_spot_is_never_above_on_demand(accelerator: str) -> None:
    sellers = {row["provider"] for row in ROWS if row["accelerator"] == accelerator} - {TABLE}
    for provider in [None, *sorted(sellers)]:
        try:
            spot = find_price(accelerator, purchase="spot", provider=provider)
            usual = find_price(accelerator, provider=provider)
        except MissingFactError:
            continue
        assert spot.usd_per_accelerator_h.mid <= usual.usd_per_accelerator_h.mid, provider


@pytest.mark.parametrize(
    ("accelerator", "chip"),
    [
        ("v100-sxm2-16gb", "v100"), ("v100s-pcie-32gb", "v100s"), ("a100-pcie-80gb", "a100"),
        ("h100-nvl-94gb", "h100"), ("gh200-96gb", "gh200"), ("tpu-v4", "tpu-v4"), ("mi300x", "mi300x"),
        ("titanx-pascal", "titanx-pascal"), ("rtxpro6000-workstation", "rtxpro6000"),
        ("apple-m1-max", "apple-m1-max"), ("quadro-rtx-6000", "quadro-rtx-6000"), ("max-1550", "max-1550"),
    ],
)  # fmt: skip
def test_silicon(accelerator: str, chip: str) -> None:
    assert silicon(accelerator) == chip == chip_of(accelerator)


def test_variants_of_one_silicon_are_one_generation() -> None:
    from footprint.catalog.hardware import all_accelerators

    chips = defaultdict(set)
    for chip in all_accelerators([]):
        chips[silicon(chip.id)].add((chip.vendor, chip.generation))
    assert {name for name, kinds in chips.items() if len(kinds) > 1} == set()
