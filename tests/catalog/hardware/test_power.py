"""Power and embodied emissions of the profiles against what was rated, measured and published."""

from __future__ import annotations

import csv
import statistics

import pytest

from footprint.catalog.files import reference_folder
from footprint.catalog.hardware import all_accelerators, find_accelerator
from footprint.catalog.hardware.find import load_shipped
from footprint.schema import Accelerator

CHIPS = all_accelerators()
IDS = {"ids": lambda chip: chip.id}

# The node's rated maximum [W] as NVIDIA prints it for its own systems.
RATED_W = {
    ("p100-sxm2-16gb", "dgx-1p"): 3200,
    ("v100-sxm2-16gb", "dgx-1v"): 3500,
    ("v100-sxm3-32gb", "dgx-2"): 10_000,
    ("v100-sxm3-32gb-450w", "dgx-2h"): 12_000,
    ("a100-sxm4-80gb", "dgx-a100"): 6500,
    ("h100-sxm5-80gb", "dgx-h100"): 10_200,
    ("h200-sxm-141gb", "dgx-h200"): 10_200,
    ("b200-sxm-180gb", "dgx-b200"): 14_300,
    ("gb200", "gb200-nvl72"): 120_000,
}

BUSY = 0.97  # of TDP, a board that computes without waiting (MLPerf power logs, footprint.performance)


def _node(chip_id: str, form_id: str) -> tuple[Accelerator, float, float]:
    """A chip, its boards and its host in one busy node [W]."""
    chip = load_shipped(chip_id)
    form = next(form for form in chip.nodes if form.id == form_id)
    assert chip.tdp_w is not None
    return chip, BUSY * chip.tdp_w * form.accelerators, form.host_w


@pytest.mark.parametrize("chip", CHIPS, **IDS)
def test_every_chip_has_one_kind_of_power(chip: Accelerator) -> None:
    published = chip.tdp_w is not None
    assert published == (chip.measured_w is None)
    unknown = chip.kind == "tpu" or chip.vendor in ("AWS", "Apple") or chip.generation == "unknown"
    assert published != unknown
    if chip.measured_w is not None:
        assert chip.measured_low_w is not None
        assert chip.measured_high_w is not None
        assert chip.measured_low_w < chip.measured_w < chip.measured_high_w
    for form in chip.nodes:
        assert form.host_in_measured_w == (not published)
        if chip.measured_w is not None:
            assert form.host_w < 0.6 * chip.measured_w * form.accelerators
        if chip.tdp_w is not None and form.max_w is not None:
            assert chip.tdp_w * form.accelerators + form.host_w <= form.max_w
    if chip.idle_w is not None:
        assert chip.idle_w < 0.5 * (chip.tdp_w or chip.measured_w or 0.0)


@pytest.mark.parametrize(("chip_id", "form_id"), sorted(RATED_W))
def test_rated_maximum_of_the_makers_own_systems(chip_id: str, form_id: str) -> None:
    form = next(form for form in load_shipped(chip_id).nodes if form.id == form_id)
    assert form.max_w == RATED_W[chip_id, form_id]


def test_eight_v100_with_host_draw_what_was_measured() -> None:
    # 325 to 342 W a GPU with its host (Patterson et al. 2021, table 4); boards waited a tenth of the time.
    _, boards, host = _node("v100-sxm2-16gb", "dgx-1v")
    assert 8 * 325 <= 0.94 * boards + host <= 8 * 342 * 1.02
    assert 2400 < boards + host < 3500


def test_rented_p100_with_host_draw_what_was_measured() -> None:
    # 271 and 296 W a GPU with its host (Patterson et al. 2021, table 1).
    _, boards, host = _node("p100-pcie-16gb", "pcie-4")
    assert 4 * 271 < 0.94 * boards + host < 4 * 296


def test_busy_h100_nodes_draw_what_was_measured() -> None:
    # Air: 7,752 W (arXiv:2506.14551), 7,920 W median and 8,400 W at most (arXiv:2412.08602), all AC.
    _, boards, host = _node("h100-sxm5-80gb", "dgx-h100")
    assert boards + host == pytest.approx(statistics.mean((7752, 7920)), rel=0.02)
    form = load_shipped("h100-sxm5-80gb").nodes[0]
    assert boards + form.host_high_w == pytest.approx(8400, rel=0.02)


def test_immersed_h100_nodes_draw_what_mlperf_logged() -> None:
    _, boards, host = _node("h100-sxm5-80gb", "hgx-h100-immersion")
    with (reference_folder() / "published" / "mlperf_training_power.csv").open(encoding="utf-8") as file:
        logs = [row for row in csv.DictReader(file) if row["nodes"] == "1" and row["current"] == "ac"]
    rows = [row for row in logs if row["cooling"] == "immersion"]
    assert len(rows) == 6
    logged = [float(row["node_power_w"]) for row in rows]
    assert boards + host == pytest.approx(statistics.mean(logged), rel=0.02)
    form = next(form for form in load_shipped("h100-sxm5-80gb").nodes if form.cooling == "immersion")
    assert boards + form.host_low_w < min(logged)
    assert max(logged) < boards + form.host_high_w


def test_a_water_cooled_b200_node_draws_what_mlperf_logged() -> None:
    # Readings while it trains, by hand from the logs of one run each: BERT 9.9 to 10.0 kW between its
    # evaluations, LoRA 9.3 to 9.9 kW, Stable Diffusion 9.9 to 10.2 kW, all AC.
    _, boards, host = _node("b200-sxm-180gb", "hgx-b200-water")
    assert boards + host == pytest.approx(9_900, rel=0.05)
    form = next(form for form in load_shipped("b200-sxm-180gb").nodes if form.cooling == "water")
    assert boards + form.host_low_w < 9_600
    assert boards + form.host_high_w > 10_100


def test_tpus_draw_what_was_measured_with_their_host() -> None:
    # Means by run (Patterson et al. 2021, table 4; PaLM; GLaM): each within the stated bounds.
    for chip_id, runs in {
        "tpu-v2": (229, 227, 208),
        "tpu-v3": (310, 289, 288, 245),
        "tpu-v4": (378.5, 326),
    }.items():
        chip = load_shipped(chip_id)
        assert chip.measured_w == pytest.approx(statistics.mean(runs), rel=0.02)
        assert chip.measured_low_w is not None
        assert chip.measured_high_w is not None
        assert chip.measured_low_w < min(runs)
        assert max(runs) < chip.measured_high_w


def test_a_board_with_less_cooling_draws_less_host() -> None:
    for chip_id in ("h100-sxm5-80gb", "h200-sxm-141gb", "b200-sxm-180gb"):
        hosts = {form.cooling: form.host_w for form in load_shipped(chip_id).nodes if form.accelerators == 8}
        assert hosts["air"] > hosts["water"] > hosts["immersion"]


# ------------------------------------------------------------------------------- embodied


@pytest.mark.parametrize(
    ("chip_id", "published_kg"),
    [
        ("a100-sxm4-40gb", 127.6),  # Falk et al. 2025, teardown
        ("a100-sxm4-80gb", 150.0),  # Luccioni et al. 2022, BLOOM
        ("h100-sxm5-80gb", 1312 / 8),  # NVIDIA's footprint of the 8-GPU board
        ("b200-sxm-180gb", 2274 / 8),
        ("v100-sxm2-16gb", 150.0),  # Cloud Carbon Footprint's flat value
        ("tpu-v6e", 692.0),  # Schneider et al. 2025
    ],
)
def test_embodied_ranges_hold_the_published_values(chip_id: str, published_kg: float) -> None:
    chip = find_accelerator(chip_id)
    assert chip.embodied_low_kg is not None
    assert chip.embodied_high_kg is not None
    assert 0.99 * chip.embodied_low_kg <= published_kg <= 1.01 * chip.embodied_high_kg
