"""The chips that a plan chooses buy no less than those that people would try."""

from __future__ import annotations

import csv

import pytest

from footprint import FootprintError, plan
from footprint.decisions.rentable import rentable_chips
from tests.conftest import ROOT

CHIPS = ("h100", "a100", "b200", "h200", "l40s", "mi300x", "tpu-v5e", "tpu-v6e")


@pytest.mark.slow
@pytest.mark.parametrize("budgets", [["$10k"], ["500kgCO2e", "7d"]], ids=str)
def test_no_cluster_of_known_chips_buys_more(budgets: list[str]) -> None:
    found = plan(budgets, hw="auto", region="FRA")
    within = [*budgets, "30d"] if len(budgets) == 1 else budgets
    assert found.run is not None
    assert found.run.duration_h.mid <= (720 if len(budgets) == 1 else 168) * 1.001
    assert found.warnings[0].startswith("`hw='auto'`: ")
    best = 0.0
    for chip in CHIPS:
        for count in (8, 32, 128):
            try:
                best = max(best, plan(within, hw=f"{chip}:{count}", region="FRA").flop)
            except FootprintError:  # too little memory
                continue
    assert best > 0
    # Counts are powers of two, and only the chips that look best on one size are planned in full.
    assert found.flop >= 0.97 * best


def test_without_an_end_more_chips_are_always_better() -> None:
    for budget in ("7d", "1e22FLOP"):
        with pytest.raises(FootprintError, match="needs a budget of money"):
            plan(budget, hw="auto")


def test_what_is_trained_is_asked_of_budgets() -> None:
    for asked in ({"loss": 2.2}, {"model": "llama2-7b"}):
        with pytest.raises(FootprintError, match="needs a budget"):
            plan(**asked, hw="auto")  # type: ignore[arg-type]


def test_chips_have_an_offer_of_the_last_two_years_and_sensible_counts() -> None:
    """By the rows of the table: an offer of 2024 rents nothing out today."""
    newest: dict[str, str] = {}
    with (ROOT / "hardware_profiles" / "prices.csv").open() as file:
        for row in csv.DictReader(file):
            newest[row["accelerator"]] = max(row["dated"], newest.get(row["accelerator"], ""))
    last = max(newest.values())
    two_years_before = f"{int(last[:4]) - 2}{last[4:]}"
    counts = dict(rentable_chips())
    assert counts.keys() == {
        chip for chip, dated in newest.items() if dated >= two_years_before and not chip.startswith("xeon")
    }
    assert "a30" in newest.keys() - counts.keys()
    assert (counts["rtx3090"], counts["rtx3060-12gb"]) == (8, 4)
    assert min(counts[chip] for chip in ("h100-sxm5-80gb", "l40s", "gh200-96gb", "tpu-v5e")) >= 1024
