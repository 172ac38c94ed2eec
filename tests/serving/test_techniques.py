"""Techniques and break-even against the published figures."""

from __future__ import annotations

import pytest

import footprint
from footprint.equations import break_even_requests
from footprint.errors import FootprintError
from footprint.serving.prompting import find_technique, technique_ids
from footprint.serving.techniques import calls_of

QUESTION, DIRECT = 61.5, 5.0
"""Mean tokens of a GSM8K question, and of a direct answer."""


def tokens(name: str, *, shared: bool = True) -> float:
    technique = find_technique(name)
    calls = calls_of(technique, 0, DIRECT, technique.paths_count, shared=shared)
    return calls.prompts * (QUESTION + calls.prompt_tokens) + calls.calls * calls.output_tokens


@pytest.mark.parametrize(
    ("name", "shared", "ratio"),
    [
        ("few-shot", True, 30.8),
        ("self-consistency", True, 54),
        ("self-consistency", False, 443),
    ],
)
def test_tokens_over_the_plain_call(name: str, shared: bool, ratio: float) -> None:
    """At 2 FLOP a parameter and token, FLOP are as tokens."""
    assert tokens(name, shared=shared) / (QUESTION + DIRECT) == pytest.approx(ratio, rel=0.002)


def test_chain_of_thought_writes_seven_times_as_much() -> None:
    assert find_technique("cot").output_ratio == pytest.approx(36.4 / 5.0)


@pytest.mark.parametrize(
    ("name", "prompt", "written", "plain", "usd"),
    [
        ("tot", 13_879, 5_479, (1000, 18), 0.745),
        ("best-of", 1_000, 1_800, (1000, 18), 0.138),
        ("cot-best-of", 2_185, 6_749, (1000, 18), 0.470),
        ("tot-writing", 2_903, 3_999, (400, 900), 0.327),
    ],
)
def test_a_search_takes_the_tokens_of_its_logs(
    name: str, prompt: int, written: int, plain: tuple[int, int], usd: float
) -> None:
    """Yao et al. 2023, Tables 7 and 8, and their dollars at GPT-4's price of then (30 and 60 a million)."""
    technique = find_technique(name)
    calls = calls_of(technique, *plain, technique.paths_count, shared=technique.paths_count > 1)
    read, wrote = calls.prompts * calls.prompt_tokens, calls.calls * calls.output_tokens
    assert read == pytest.approx(prompt, rel=0.001)
    assert wrote == pytest.approx(written, rel=0.001)
    assert (30 * read + 60 * wrote) / 1e6 == pytest.approx(usd, abs=0.0005)


def test_answers_are_sampled_where_a_technique_writes_several() -> None:
    sampled = {name for name in technique_ids() if find_technique(name).is_sampled}
    assert sampled == {"cot", "self-consistency", "best-of", "cot-best-of"}
    load = {"model": "gpt2", "hw": "a100:1", "prompt_tokens": 100, "output_tokens": 10, "batch_size": 8}
    rows = footprint.inference(**load, technique="best-of", paths=7).techniques
    assert [row.paths_count for row in rows] == [1, 7, 7]
    assert rows[1].output_tokens == pytest.approx(70)
    with pytest.raises(FootprintError, match="self-consistency"):
        footprint.inference(**load, technique="tot", paths=7)
    with pytest.raises(FootprintError, match="best-of"):
        footprint.inference(**load, technique="best-off")


def test_exact_counts_lie_near_the_tokens() -> None:
    answer = footprint.inference(
        model="gpt3-13b", hw="a100:8", prompt_tokens=62, output_tokens=5, batch_size=32,
        technique="few-shot,self-consistency",
    )  # fmt: skip
    rows = {(row.technique, row.shared_prefill): row for row in answer.techniques}
    assert rows["plain", None].flop_ratio == 1
    assert rows["few-shot", None].flop_ratio == pytest.approx(30.8, rel=0.04)  # with attention
    assert rows["self-consistency", True].flop_ratio == pytest.approx(54, rel=0.04)
    assert rows["self-consistency", False].flop_ratio == pytest.approx(443, rel=0.04)
    assert rows["self-consistency", True].paths_count == 40
    assert rows["self-consistency", True].energy_kwh.mid < rows["self-consistency", False].energy_kwh.mid


def test_bloom_breaks_even_after_109_million_requests() -> None:
    """Luccioni et al. 2022 (arXiv:2211.02001): 433,196 kWh trained; 914 kWh for 230,768 requests."""
    assert break_even_requests(433_196, 914 / 230_768 * 1000) == pytest.approx(109e6, rel=0.005)


def test_a_small_aligned_model_pays_after_some_requests() -> None:
    answer = footprint.inference(
        model="gpt3-1.3b,gpt3-13b", hw="a100:8", prompt_tokens=300, output_tokens=100, batch_size=16,
        break_even=True,
    )  # fmt: skip
    small, large = (row.energy_kwh.mid for row in answer.models)
    (energy,) = [row for row in answer.break_even if "aligned" in row.against and row.quantity == "energy"]
    training = footprint.estimate(
        model="gpt3-1.3b", hw="a100-sxm4-80gb:8", method="finetune", samples=203_600, batch_size=64
    )
    assert energy.requests is not None
    assert energy.requests.mid == pytest.approx(training.energy_kwh.mid / (large - small) * 1000)


def test_break_even_of_an_answer() -> None:
    answer = footprint.inference(
        model="gpt2", hw="a100:8", prompt_tokens=100, output_tokens=50, batch_size=32, break_even=True
    )
    first = answer.break_even[0]
    assert first.requests is not None
    training = footprint.estimate(model="gpt2", hw="a100-sxm4-80gb:8").energy_kwh.mid
    request = answer.per_1000_requests.energy_kwh.mid / 1000
    assert first.requests.mid == pytest.approx(training / request)
    assert first.requests.low < first.requests.mid < first.requests.high
    assert {row.quantity for row in answer.break_even} == {"energy", "cost"}


def test_a_training_that_does_not_fit_is_said_without_its_options() -> None:
    answer = footprint.inference(
        model="llama3.1-8b", hw="h100:1", prompt_tokens=100, output_tokens=50, batch_size=8, break_even=True
    )
    (row,) = [row for row in answer.break_even if row.against == "serving exceeds training"]
    # 16 bytes a parameter are 120 GiB, above the 80 of the chip.
    assert row.requests is None
    assert "does not fit into the 80 GiB" in row.note
    assert not any(word in row.note for word in ("`", "method", "force"))
    said = " ".join(str(answer).split())
    assert "serving exceeds training, energy: cannot be said: by the predicted memory" in said
    assert "never" not in said
