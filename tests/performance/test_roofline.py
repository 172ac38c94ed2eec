"""Terms of the step time against volumes and limits worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from footprint.performance.constants import load_constants
from footprint.performance.layout import Layout
from footprint.performance.machine import Machine
from footprint.performance.roofline import step_terms
from tests.performance.helpers import BERT_BASE as SMALL
from tests.performance.helpers import LLAMA_8B, LLAMA_70B, cluster, work

H100 = "h100-sxm5-80gb"


def machine(text: str, precision: str = "bf16", year: int = 2024, **overrides: float) -> Machine:
    return Machine(cluster(text), precision, year, load_constants().but(**overrides), False)


def test_matmul_term_is_flops_over_rate():
    summed = work(LLAMA_8B, 8, 4096, attention="flash")
    m = machine(f"{H100}:8")
    terms = step_terms(summed, Layout(dp=8), m)
    flop = sum(line.dense_flop * 3 for line in summed.blocks if line.weights)
    assert terms["matmul"] == pytest.approx(flop / 8 / (989.5e12 * m.rate), rel=2e-3)


def test_tensor_parallel_traffic_is_megatrons():
    # Four all-reduces a layer and step of tokens x width x 2 bytes, each 2 (t - 1) / t a rank.
    summed = work(LLAMA_70B, 2, 4096, attention="flash")
    m = machine(f"{H100}:8", tensor_exposed_since_2023=1.0)
    terms = step_terms(summed, Layout(tp=8), m)
    volume = 80 * 4 * 2 * 7 / 8 * (2 * 4096 * 8192 * 2)
    assert terms["tensor_parallel"] == pytest.approx(volume / 450e9, rel=1e-6)


def test_tensor_parallelism_across_nodes_uses_the_network():
    summed = work(LLAMA_70B, 2, 4096, attention="flash")
    m = machine(f"{H100}:16")
    within = step_terms(summed, Layout(tp=8, dp=2, micro_batch=1), m)["tensor_parallel"]
    across = step_terms(summed, Layout(tp=16, micro_batch=2), m)["tensor_parallel"]
    # Twice the tokens a rank and 15/16 over 7/8, at 50 instead of 450 GB/s.
    assert across / within == pytest.approx(2 * (15 / 16) / (7 / 8) * 450 / 50, rel=1e-6)


def test_bubble_is_that_of_the_schedule():
    summed = work(LLAMA_70B, 32, 4096, attention="flash")
    m = machine(f"{H100}:32")
    layout = Layout(tp=8, pp=4, micro_batch=1)
    one = step_terms(summed, layout, m)
    assert one["pipeline_bubble"] == pytest.approx(_inside(one) * 3 / 32, rel=1e-9)
    four = step_terms(summed, replace(layout, interleaving=4), m)
    assert four["pipeline_bubble"] == pytest.approx(one["pipeline_bubble"] / 4, rel=1e-9)


def test_full_recompute_repeats_the_forward_pass_of_the_blocks():
    summed = work(LLAMA_8B, 8, 4096, attention="flash")
    m = machine(f"{H100}:8")
    plain = step_terms(summed, Layout(dp=8), m)
    again = step_terms(summed, Layout(dp=8, recompute="full"), m)
    assert again["matmul"] == pytest.approx(plain["matmul"] * 4 / 3, rel=1e-3)
    assert again["head"] == plain["head"]
    half = step_terms(summed, Layout(dp=8, recompute="full", recomputed=0.5), m)
    assert half["matmul"] == pytest.approx(plain["matmul"] * 7 / 6, rel=1e-3)


def test_gradients_of_one_node_cross_its_links_once():
    summed = work(LLAMA_8B, 8, 128, attention="flash")
    m = machine(f"{H100}:8", data_exposed=1.0)
    terms = step_terms(summed, Layout(dp=8), m)
    assert terms["data_parallel"] == pytest.approx(2 * 7 / 8 * 8.03e9 * 2 / 450e9, rel=2e-3)


def test_sharing_a_node_shares_its_network():
    # Sixteen replicas on two nodes: what a node receives, it receives once.
    summed = work(LLAMA_8B, 16, 128, attention="flash")
    m = machine(f"{H100}:16", data_exposed=1.0)
    terms = step_terms(summed, Layout(dp=16), m)
    assert terms["data_parallel"] == pytest.approx(2 * 15 / 16 * 8.03e9 * 2 / 400e9, rel=2e-3)


def test_narrow_products_are_faster_but_attention_and_head_are_not():
    summed = work(LLAMA_8B, 8, 4096, attention="flash")
    wide = step_terms(summed, Layout(dp=8), machine(f"{H100}:8", "bf16"))
    narrow = step_terms(summed, Layout(dp=8), machine(f"{H100}:8", "fp8"))
    assert narrow["matmul"] == pytest.approx(wide["matmul"] / 2, rel=1e-3)
    assert narrow["attention"] == wide["attention"]
    assert narrow["casts"] > 0 == wide["casts"]


def test_small_steps_cannot_be_faster_than_their_launches():
    summed = work(SMALL, 8, 1, attention="flash")
    m = machine(f"{H100}:1")
    terms = step_terms(summed, Layout(micro_batch=8), m)
    launches = summed.launches * m.constants["launch_s"]
    assert _inside(terms) + terms["launch"] == pytest.approx(launches, rel=1e-9)


def test_a_power_limited_hopper_is_slower_than_its_peak_says():
    full, limited = machine(f"{H100}:8").rate, machine("h100-sxm5-96gb:8").rate
    assert limited / full == pytest.approx((500 / 700) ** 0.4, rel=5e-3)


def _inside(terms: dict[str, float]) -> float:
    outside = ("pipeline_bubble", "data_parallel", "optimiser", "launch")
    return sum(value for name, value in terms.items() if name not in outside)
