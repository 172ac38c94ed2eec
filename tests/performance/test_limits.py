"""The fast end of a step time: what a chip allows, against counts by hand and every published step."""

from __future__ import annotations

import pytest

from footprint import estimate, plan
from footprint.catalog.assumptions import assumed
from footprint.decisions.sweeps import sweep
from footprint.performance.roofline.constants import load_constants
from footprint.performance.roofline.limits import NEAREST, products_s
from footprint.performance.roofline.machine import Machine
from footprint.results.estimate import Estimate
from footprint.validation.published.throughput import countable_cases
from tests.performance.helpers import GPT_1B, cluster, work

CUT = "highest MFU that the chip allows, where the interval is cut"


def machine(text: str, precision: str = "bf16") -> Machine:
    return Machine(cluster(text), precision, 2026, load_constants())


def test_the_time_of_the_products_is_that_of_a_count_by_hand():
    # 12 h^2 weights a layer and the head, three passes; of attention a causal half, and its scores once more.
    width, layers, length, sequences = 2048, 24, 2048, 8
    weights = 12 * width**2 * layers + width * 51200
    products = 6 * weights * length * sequences
    attention = (3 + 1 + 3) * width * length**2 * layers * sequences
    best, fused = assumed("time.matmul_rate_hopper").high, assumed("time.flash_rate_hopper_tuned").high
    by_hand = (products / best + attention / fused) / 989.4e12
    found = products_s(work(GPT_1B, sequences, length), machine("h100-sxm5-80gb:8"))
    assert found == pytest.approx(by_hand, rel=2e-3)


def test_no_published_step_is_faster_than_a_chip_allows():
    nearest: dict[bool, float] = {}
    for case, whole, _ in countable_cases():
        if case.scope == "step":
            one = Machine(case.cluster, case.precision, case.year, load_constants(), case.native)
            share = products_s(whole, one) / case.cluster.count / case.measured_s
            wide = case.precision == "fp32"
            nearest[wide] = max(nearest.get(wide, 0.0), share)
    # Neither without the one source in fp32, nor with it, does a step come nearer than the limit.
    assert 0.7 < nearest[False] < nearest[True] < NEAREST


def cut_of(found: Estimate) -> float | None:
    """The MFU at which an answer says that its interval is cut."""
    return next((float(row.value) for row in found.assumptions if row.name == CUT), None)


def test_the_fast_end_is_cut_where_the_chip_ends_and_the_answer_says_so():
    scenario = {"model": "llama3-8b", "hw": "h100-sxm5-80gb:64", "tokens": 1e12, "batch_size": 512}
    found = estimate(**scenario)
    limit = cut_of(found)
    assert found.mfu is not None
    assert found.step_time_s is not None
    assert found.mfu.mid < found.mfu.high == pytest.approx(limit)
    assert 0.7 < found.mfu.high < 0.85
    assert found.mfu.high / found.mfu.mid == pytest.approx(found.step_time_s.mid / found.step_time_s.low)
    # A slower job has its whole interval.
    slow = estimate(**scenario, precision="fp8", stack="megatron", tp=8, pp=1)
    assert cut_of(slow) is None


@pytest.mark.parametrize("given", [{}, {"batch_size": 512}, {"batch_size": 512, "seq_len": 4096}])
def test_several_causes_together_are_cut_too(given: dict[str, int]):
    """A decoder of which only the size is known: its time, its shape and sizes that nobody gave."""
    found = estimate(parameters=2e9, tokens=1e12, hw="a100-sxm4-80gb:64", **given)
    limit = cut_of(found)
    assert limit is not None
    assert found.mfu is not None
    assert found.step_time_s is not None
    assert len(found.mfu.spread) == 4 - len(given)
    assert found.mfu.mid < found.mfu.high == pytest.approx(limit)
    # Without other lengths the work is fixed, so the time has the ratio of the MFU.
    slower, faster = found.step_time_s.mid / found.step_time_s.low, found.mfu.high / found.mfu.mid
    assert slower == pytest.approx(faster) if "seq_len" in given else slower >= 0.99 * faster


def test_a_plan_has_the_cut_of_its_estimate():
    found = plan("7d", hw="rtx4090:1", region="FRA")
    assert found.run is not None
    assert found.mfu is not None
    assert found.mfu.mid < found.mfu.high == pytest.approx(cut_of(found.run))
    assert found.mfu.high <= 1.0
    rows = [row for row in found.assumptions if row.name == CUT]
    assert len(rows) == 1


def test_a_measured_step_is_not_cut():
    # The anchor's step has an MFU of about 0.8, more than any published one.
    anchor = "llama3-8b h100-sxm5-80gb:64 tokens_per_second=1e6 batch_size=512"
    scenario = {"model": "llama3-8b", "hw": "h100-sxm5-80gb:64", "tokens": 1e12, "batch_size": 512}
    anchored, free = estimate(**scenario, anchor=anchor), estimate(**scenario)
    assert anchored.mfu is not None
    assert free.mfu is not None
    assert anchored.mfu.mid > free.mfu.mid
    assert anchored.mfu.high > free.mfu.high == pytest.approx(cut_of(free))
    # Only the peak itself cuts a measured one.
    assert cut_of(anchored) in (None, 1.0)


@pytest.mark.parametrize("model", ["llama3-8b", "bert-base"])
def test_a_sweep_has_the_intervals_of_its_estimates_for_one_and_for_many(model: str):
    clusters = ["h100-sxm5-80gb:1", "h100-sxm5-80gb:8", "b200-sxm-180gb:1", "b200-sxm-180gb:8"]
    fixed = {"model": model, "tokens": 1e10, "batch_size": 64, "force": True}
    rows = sweep({"hw": clusters}, **fixed).columns
    for place, hw in enumerate(clusters):
        one = estimate(hw=hw, **fixed)
        assert one.mfu is not None
        for end in ("low", "mid", "high"):
            assert rows[f"mfu_{end}"][place] == pytest.approx(getattr(one.mfu, end)), (hw, end)


def test_a_sweep_cuts_several_causes_as_its_estimates_do():
    fixed = {"parameters": 2e9, "tokens": 1e12}
    clusters = ["a100-sxm4-80gb:8", "a100-sxm4-80gb:64"]
    rows = sweep({"hw": clusters}, **fixed).columns
    for place, hw in enumerate(clusters):
        one = estimate(hw=hw, **fixed)
        assert one.mfu is not None
        for name, quantity in {"mfu": one.mfu, "duration_h": one.duration_h}.items():
            for end in ("low", "mid", "high"):
                assert rows[f"{name}_{end}"][place] == pytest.approx(getattr(quantity, end)), (hw, name, end)
