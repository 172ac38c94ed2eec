"""Terms of the step time against volumes and limits worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from footprint.performance.roofline.communication import exchange_s, hops_s
from footprint.performance.roofline.constants import load_constants
from footprint.performance.roofline.layout import Layout
from footprint.performance.roofline.machine import Machine
from footprint.performance.roofline.terms import bubble_share, step_terms
from tests.performance.helpers import BERT_BASE as SMALL
from tests.performance.helpers import LLAMA_8B, LLAMA_70B, QWEN3_30B, cluster, work

H100 = "h100-sxm5-80gb"


NO_OVERHEAD = {"ramp_depth": 0.0, "gap_s": 0.0, "link_hop_s": 0.0, "network_hop_s": 0.0}
"""Volumes and rates alone: what tiles, kernels and hops add is tested apart."""


def machine(text: str, precision: str = "bf16", year: int = 2024, **overrides: float) -> Machine:
    constants = load_constants().but(**{**NO_OVERHEAD, **overrides})
    return Machine(cluster(text), precision, year, constants, False)


def test_matmul_term_is_flops_over_rate():
    summed = work(LLAMA_8B, 8, 4096, attention="flash")
    m = machine(f"{H100}:8")
    terms = step_terms(summed, Layout(dp=8), m)
    flop = sum(line.dense_flop * 3 for line in summed.blocks if line.weights)
    assert terms["matmul"] == pytest.approx(flop / 8 / (989.5e12 * m.rate), rel=2e-3)


def test_the_power_limit_rule_is_for_one_silicon():
    # PCIe and SXM boards of the same chip differ; a chip without 16-bit units, or cut down, is another one.
    constants = load_constants()
    chip = cluster(f"{H100}:8").accelerator
    at_half = replace(chip, tdp_w=0.6 * chip.tdp_w)
    ratio = constants.matmul_rate(at_half, "bf16") / constants.matmul_rate(chip, "bf16")
    assert ratio == pytest.approx(0.6 ** constants["power_limit_exponent"])
    cut_down = replace(
        chip, peak_flop_per_s={name: 0.15 * peak for name, peak in chip.peak_flop_per_s.items()}
    )
    wide = replace(chip, peak_flop_per_s={"fp32": 6.7e13})
    # H20 itself has a benchmark of its products, which is more than a rule.
    h20 = replace(cluster("h20:8").accelerator, product_flop_per_s={})
    for other in (cut_down, wide):
        assert constants.matmul_rate(other, "bf16") == constants.matmul_rate(h20, "bf16")


def test_projections_of_a_state_space_model_are_products_like_any_other():
    mamba = {
        "model_type": "mamba", "hidden_size": 2560, "num_hidden_layers": 64, "vocab_size": 50280,
        "state_size": 16, "expand": 2, "conv_kernel": 4, "time_step_rank": 160,
    }  # fmt: skip
    m = machine(f"{H100}:1", ramp_depth=0.0)
    matmul_s = step_terms(work(mamba, 4, 2048), Layout(), m)["matmul"]
    rows, inner = 4 * 2048, 2 * 2560
    projections = 2 * rows * (2560 * 2 * inner + inner * (160 + 2 * 16) + 160 * inner + inner * 2560)
    read_state, convolution = 2 * rows * inner * 16, 2 * rows * inner * 4
    rates = load_constants()
    seconds = (
        projections / m.rate + read_state / rates["recurrence_rate"] + convolution / rates["convolution_rate"]
    )
    # Forward, and backward for the inputs and for the weights.
    assert matmul_s == pytest.approx(64 * 3 * seconds / m.peak, rel=0.02)


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
    assert four["pipeline_bubble"] == pytest.approx(_inside(four) * 3 / 32 / 4, rel=1e-9)


@pytest.mark.parametrize(("micro_batches", "chunks"), [(1, 4), (2, 1), (2, 4), (3, 2), (4, 4), (8, 2)])
def test_bubble_is_that_of_a_simulated_pipeline(micro_batches, chunks):
    stages = 4
    ends = {}
    free = [0] * stages
    # One slot a chunk of layers; a stage works groups of as many micro-batches as there are stages, as
    # Megatron-LM does. The backward pass is the same in reverse.
    for group in range(0, micro_batches, stages):
        for part in range(stages * chunks):
            for one in range(group, min(group + stages, micro_batches)):
                at = max(free[part % stages], ends.get((part - 1, one), 0))
                ends[part, one] = free[part % stages] = at + 1
    busy = micro_batches * chunks
    idle = (max(free) - busy) / busy
    assert bubble_share(stages, micro_batches, chunks) == pytest.approx(idle)


def test_stages_pass_activations_and_their_gradients_for_each_chunk():
    summed = work(LLAMA_70B, 32, 4096, attention="flash")
    m = machine(f"{H100}:32", stage_exposed=1.0, link_hop_s=0.0, network_hop_s=0.0)
    layout = Layout(tp=8, pp=4, micro_batch=1)
    passed = step_terms(summed, layout, m)["pipeline_parallel"]
    # Tokens x width x 2 bytes, forward and backward, an eighth a tensor rank, over the network.
    assert passed == pytest.approx(2 * 32 * 4096 * 8192 * 2 / 8 / 50e9, rel=1e-6)
    assert step_terms(summed, replace(layout, interleaving=5), m)["pipeline_parallel"] == pytest.approx(
        5 * passed
    )
    assert step_terms(summed, Layout(tp=8, dp=4, micro_batch=1), m)["pipeline_parallel"] == 0.0


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
    # The peak is twice that in 16 bits, and products reach a smaller share of it.
    share = load_constants()["narrow_over_sixteen"]
    assert narrow["matmul"] == pytest.approx(wide["matmul"] / 2 / share, rel=1e-3)
    assert 0.75 < share < 1.0
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


def test_tiles_fill_once_however_deep_a_product_is():
    # A forward product of depth k and its input gradient of depth n pay d / k and d / n of a pass;
    # the weight gradient is as deep as the batch.
    summed = work(LLAMA_8B, 8, 4096, attention="flash")
    plain = step_terms(summed, Layout(dp=8), machine(f"{H100}:8"))["matmul"]
    filled = step_terms(summed, Layout(dp=8), machine(f"{H100}:8", ramp_depth=40.0))["matmul"]
    depth = 40.0 * 989.5 / 312
    shapes = [
        (4096, 4096),
        (4096, 1024),
        (4096, 1024),
        (4096, 4096),
        (4096, 14336),
        (4096, 14336),
        (14336, 4096),
    ]
    flop = sum(k * n for k, n in shapes)
    added = sum(k * n * (depth / k + depth / n) for k, n in shapes)
    assert filled / plain - 1 == pytest.approx(added / (3 * flop), rel=0.01)


def test_gaps_between_kernels_add_up():
    summed = work(LLAMA_8B, 8, 4096, attention="flash")
    layout = Layout(dp=8)
    terms = step_terms(summed, layout, machine(f"{H100}:8", gap_s=1e-5))
    assert terms["launch"] == pytest.approx(1e-5 * summed.launches, rel=1e-9)


def test_experts_execute_one_after_the_other():
    # 16 local experts repeat each of their products' operations fifteen times more.
    summed = work(QWEN3_30B, 64, 4096, attention="flash")
    one = machine(f"{H100}:8", gap_s=1e-6, launch_s=0.0, expert_kernels=1.0)
    terms = step_terms(summed, Layout(dp=8, ep=8, micro_batch=8), one)
    assert terms["launch"] == pytest.approx(1e-6 * (summed.launches + 15 * summed.expert_launches), rel=1e-9)
    # Two products a layer (gate and up are one), each with its pass, its update and two gradients.
    assert summed.expert_launches == 48 * 2 * 4


def test_a_tree_has_as_many_levels_as_doublings():
    two_nodes = machine(f"{H100}:1024", link_hop_s=1e-6, network_hop_s=1e-5)
    assert hops_s(8, 1, two_nodes) == pytest.approx(3e-6)
    assert hops_s(1024, 1, two_nodes) == pytest.approx(3e-6 + 7e-5)
    assert hops_s(128, 8, two_nodes) == pytest.approx(7e-5)


def test_a_pipeline_gathers_sharded_weights_once():
    summed = work(LLAMA_70B, 64, 4096, attention="flash")
    m = machine(f"{H100}:64", data_exposed=1.0)
    piped = Layout(pp=8, dp=8, zero=3, micro_batch=1, interleaving=1)
    more = replace(piped, micro_batch=2)
    assert step_terms(summed, piped, m)["data_parallel"] == step_terms(summed, more, m)["data_parallel"]
    flat = Layout(dp=64, zero=3, micro_batch=0.5)
    whole = replace(flat, micro_batch=1)
    assert step_terms(summed, flat, m)["data_parallel"] > 1.9 * step_terms(summed, whole, m)["data_parallel"]


def test_a_higher_power_limit_lifts_the_rate():
    assert machine("gb300:8").rate / machine("gb200:8").rate == pytest.approx((1400 / 1200) ** 0.4, rel=1e-6)


@pytest.mark.parametrize("chip", ["a100-sxm4-80gb:8", "h100-sxm5-80gb:8"])
def test_the_first_fused_attention_is_slower_than_the_second(chip):
    # arXiv:2307.08691: the first reaches 25 to 40 % of an A100's peak and the second 50 to 73 %.
    first, second = (
        step_terms(
            work(LLAMA_8B, 8, 8192, attention="flash"), Layout(dp=8),
            Machine(cluster(chip), "bf16", year, load_constants(), True),
        )["attention"]
        for year in (2023, 2024)
    )  # fmt: skip
    assert 0.50 / 0.40 * 0.8 < first / second < 0.73 / 0.25


def _inside(terms: dict[str, float]) -> float:
    outside = ("pipeline_bubble", "data_parallel", "optimiser", "launch", "waiting")
    return sum(value for name, value in terms.items() if name not in outside)


def test_a_node_receives_the_shards_of_all_its_experts():
    # 64 accelerators, each with an eighth of the experts and an eighth of the weights of those: the other
    # seven eighths lie in seven other nodes. What enters a node is counted expert by expert.
    job = work(QWEN3_30B, 64, 4096)
    m = machine(f"{H100}:64")
    sharded = Layout(dp=64, ep=8, zero=3)
    without = replace(job, expert_parameters=0.0)
    seconds = exchange_s(job, sharded, m, 1.0) - exchange_s(without, sharded, m, 1.0)
    holders = [(node, place) for node in range(8) for place in range(8)]
    entering = sum(
        job.expert_parameters / 8 / 8 * 2  # bytes of 16-bit weights that another node holds
        for place in range(8)
        for node, other in holders
        if other == place and node != 0
    )
    network_byte_per_s = cluster(f"{H100}:64").node.network_byte_per_s
    # Two gathers and one scatter.
    assert seconds == pytest.approx(3 * entering / network_byte_per_s, rel=1e-6)
