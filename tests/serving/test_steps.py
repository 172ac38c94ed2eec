"""The time of a step against arithmetic on data sheets, and bounds that no answer may cross."""

from __future__ import annotations

import math
from typing import Any

import pytest

from footprint.catalog.hardware import parse_cluster
from footprint.catalog.models import find_model
from footprint.serving import inference
from footprint.serving.engine import Constants, Spread, engine_ids, find_engine, load_engine
from footprint.serving.model import Lists
from footprint.serving.steps import Layout, Terms, Weights, decode_terms, host_s, ideal
from footprint.validation.published.serving_rows import PEAK, serving_cases

H100 = parse_cluster("h100-sxm5-80gb:8")[0].accelerator


def step(batch: float, reached: Constants = PEAK, precision: str = "bf16", tp: int = 1) -> Terms:
    lists = Lists(find_model("llama3.1-8b").config, 512)
    model = lists.served()
    layout = Layout(chips=tp, tp=tp)
    context = lists.context(640, model.token_flop)
    return decode_terms(ideal(model, context, Weights(precision=precision), H100, layout, batch), reached)


def test_a_step_reads_weights_once_and_every_cache() -> None:
    weights = 2 * (8_030_261_248 - 128_256 * 4096 - 65 * 4096)  # without the table and the norms
    for batch in (1, 64):
        terms = step(batch)
        assert terms.memory_s == pytest.approx((weights + batch * 640 * 131_072) / 3.35e12, rel=1e-9)


def test_products_of_a_step() -> None:
    flop = 2 * (8_030_261_248 - 128_256 * 4096 - 65 * 4096) + 4 * 32 * 4096 * 640
    assert step(64).compute_s == pytest.approx(64 * flop / 989e12, rel=1e-3)
    assert step(64, precision="fp8").compute_s == pytest.approx(64 * flop / 1979e12, rel=1e-3)
    assert step(64, precision="int8").compute_s == step(64).compute_s  # expanded to 16 bits


def test_chips_divide_the_weights_and_exchange() -> None:
    one, four = step(8), step(8, tp=4)
    assert four.read_s == pytest.approx(one.read_s / 4)
    assert one.exchange_s == 0 < four.exchange_s


def test_the_bound_is_what_takes_most() -> None:
    assert step(1).bound == "memory"
    slow_host = PEAK._replace(step_host_s=1.0)
    assert step(1, slow_host).bound == "host"
    assert step(5000).bound == "memory"  # the cache of long contexts


def test_an_eager_host_works_ahead_of_the_device() -> None:
    """Two times added with exponent 1 are their sum, with 2 a hypotenuse, with a large one the longer."""
    device = step(8).time_s
    for host in (0.25 * device, 4 * device):
        both = [
            step(8, PEAK._replace(step_host_s=host, overlap_exponent=p)).time_s for p in (1.0, 2.0, 500.0)
        ]
        assert both[0] == pytest.approx(device + host)
        assert both[1] == pytest.approx(math.hypot(device, host))
        assert both[2] == pytest.approx(max(device, host), rel=2e-3)


def test_the_host_needs_longer_for_a_sequence_of_a_deep_model() -> None:
    each = PEAK._replace(sequence_host_s=1e-4)
    assert host_s(32, 64, each) == pytest.approx(64e-4)
    assert host_s(64, 64, each) / host_s(32, 64, each) == pytest.approx(2**0.3)
    assert host_s(64, 0, PEAK._replace(step_host_s=1e-3, layer_host_s=1e-5)) == pytest.approx(1.64e-3)


def test_the_host_needs_longer_for_a_large_vocabulary() -> None:
    """Llama 3.1 chooses among 128,256 words."""
    each = PEAK._replace(word_host_s=1e-5)
    assert step(64, each).host_s == pytest.approx(64 * 1.28256e-5)


def test_experts_in_8_bits_wait_for_their_inputs_in_each_layer() -> None:
    """Llama 4 Maverick has experts in 24 of its 48 layers; integers are expanded to 16 bits."""
    each = PEAK._replace(quantise_s=1e-4)
    assert step(8, each, "fp8").host_s == 0.0
    lists = Lists(find_model("llama4-maverick").config, 512)
    model, context = lists.served(), lists.context(640, lists.served().token_flop)
    for precision, expected in (("fp8", 24e-4), ("int8", 0.0), ("bf16", 0.0)):
        layout = Layout(chips=8, tp=1, ep=8)
        one = ideal(model, context, Weights(precision=precision), H100, layout, 8)
        assert decode_terms(one, each).host_s == pytest.approx(expected)


def test_experts_that_chips_divide_wait_for_the_fullest_chip() -> None:
    """Mixtral 8x7B by hand: 32 layers of 8 experts of 3 x 4096 x 14336, 2 of which a token chooses."""
    lists = Lists(find_model("mixtral-8x7b").config, 512)
    model, context = lists.served(), lists.context(640, lists.served().token_flop)
    expert = 3 * 4096 * 14336
    weights, slower = Weights(precision="bf16"), PEAK._replace(divided_factor=1.5)
    for layout, share in ((Layout(chips=4, tp=1, ep=4), 1.0), (Layout(chips=4, tp=4), 0.0)):
        one = ideal(model, context, weights, H100, layout, 64)
        even, uneven = decode_terms(one, PEAK), decode_terms(one, slower)
        read_s = 32 * 8 * expert * (1 - 0.75**64) * 2 / 4 / 3.35e12
        assert uneven.memory_s - even.memory_s == pytest.approx(share * 0.5 * read_s)
        others = 32 * (2 * 4096 * 4096 + 2 * 4096 * 1024 + 8 * 4096) + 32_000 * 4096
        of_experts = 32 * 2 * expert / (32 * 2 * expert + others)
        assert uneven.compute_s / even.compute_s == pytest.approx(1 + share * 0.5 * of_experts)


@pytest.mark.parametrize("name", [*engine_ids(), "typical"])
def test_no_engine_is_faster_than_the_data_sheet(name: str) -> None:
    engine = load_engine(name)
    assert 0 < engine.constants.memory_share < 1
    assert 0 < engine.constants.matmul_share < 1
    assert engine.constants.expert_factor >= 1
    for spread in (engine.dense, engine.experts):
        assert 0 < spread.low_factor < spread.high_factor


def test_an_interval_of_device_and_host_follows_from_their_shares() -> None:
    """By hand: 6 ms of device and 4 ms of host; half and twice the one, a quarter and thrice the other."""
    reached = PEAK._replace(memory_share=0.5, matmul_share=0.5, step_host_s=4e-3)

    def time_s(constants: Constants) -> float:
        return 2e-3 / constants.memory_share + 1e-3 / constants.matmul_share + constants.step_host_s

    fast, slow = Spread(0.6, 2.0, 0.25, 3.0).ends(time_s, reached)
    assert fast == pytest.approx((6 * 0.6 + 4 * 0.25) / 10)
    assert slow == pytest.approx((6 * 2 + 4 * 3) / 10)
    assert Spread(0.6, 2.0).ends(time_s, reached) == (0.6, 2.0)
    # No end is faster than the data sheet: 3 ms of the device at its full rates.
    assert Spread(0.1, 2.0, 1.0, 1.0).ends(time_s, reached)[0] == pytest.approx((3 + 4) / 10)


def test_without_a_name_a_load_that_waits_for_its_host_is_less_certain() -> None:
    def width(**load: Any) -> float:
        found = inference(prompt_tokens=512, output_tokens=256, hw="h100:1", **load).requests_per_s
        return found.high / found.low

    assert width(model="gpt2", batch_size=64) > 2 * width(model="llama3.1-8b", batch_size=1)


def test_aliases_name_the_newest() -> None:
    assert find_engine("vllm").id == "vllm-2026"
    assert find_engine("vLLM 2024").id == "vllm-2024"
    assert find_engine("TRT-LLM").id == "tensorrt-llm-2025"
    assert find_engine("ollama").id == "llama.cpp-2024"
    assert find_engine("SGLang").id == "sglang-2026"
    assert find_engine(None).id == "typical"


def test_no_measured_row_beats_its_bandwidth_bound() -> None:
    rows = list(serving_cases())
    assert len(rows) > 850
    assert not [case.id for case in rows if case.measured_s < case.best_s]
