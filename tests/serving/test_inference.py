"""Answers of `footprint.inference`: their arithmetic, their chain, what they refuse."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

import footprint
from footprint.catalog.models import find_model
from footprint.errors import FootprintError
from footprint.flops import operation_list
from footprint.flops.listing.written import as_config, as_text
from footprint.records import replace
from footprint.results.decisions.inference import Inference
from footprint.schema import StepShape

LOAD = {"prompt_tokens": 512, "output_tokens": 256}


def served(**fields: object) -> Inference:
    return footprint.inference(**{"model": "llama3.1-8b", "hw": "h100:1", **LOAD, **fields})


@pytest.fixture(scope="module")
def one() -> Inference:
    return served(batch_size=32, engine="vllm", region="FRA", usd_per_hour=2.0, pue=1.2, requests=1e6)


def test_the_keys_of_the_contract(one: Inference) -> None:
    record = one.to_json()
    assert record["schema"] == "footprint/inference/1"
    assert {
        "model", "cluster", "engine", "workload", "memory", "prefill", "decode", "requests_per_s",
        "it_power_w", "energy_j_per_output_token", "per_1000_requests", "techniques", "break_even",
        "assumptions", "warnings",
    } <= record.keys()  # fmt: skip
    assert {"weights_gib", "kv_bytes_per_token", "largest_batch"} <= record["memory"].keys()
    assert {"tokens_per_s", "ttft_s", "bound"} <= record["prefill"].keys()
    assert {"tokens_per_s", "itl_s", "bound"} <= record["decode"].keys()
    assert {"low", "mid", "high"} == record["per_1000_requests"]["cost_usd"].keys()


def test_the_chain_by_hand(one: Inference) -> None:
    hours = 1000 / one.requests_per_s.mid / 3600
    kwh = one.it_power_w.mid * hours / 1000 * 1.2
    thousand = one.per_1000_requests
    assert thousand.energy_kwh.mid == pytest.approx(kwh)
    assert thousand.co2e_kg is not None
    assert thousand.co2e_kg.mid == pytest.approx(kwh * one.grid_g_per_kwh.mid / 1000)
    assert thousand.cost_usd is not None
    assert thousand.cost_usd.mid == pytest.approx(2.0 * hours)
    assert one.total is not None
    assert one.total.energy_kwh.mid == pytest.approx(1000 * kwh)
    assert one.energy_j_per_output_token is not None
    assert one.energy_j_per_output_token.mid == pytest.approx(
        one.accelerator_power_w.mid / (one.requests_per_s.mid * 256)
    )


def test_weights_and_cache(one: Inference) -> None:
    assert one.memory.weights_gib == pytest.approx(2 * 8_030_261_248 / 2**30)
    assert one.memory.kv_bytes_per_token == 131_072
    assert one.memory.kv_bytes_per_sequence == 131_072 * 768


def test_energy_of_a_token_falls_with_the_batch() -> None:
    answer = served(engine="vllm", batch_size=64)
    first, chosen, largest = answer.batches
    assert (first.which, chosen.which, largest.which) == ("one", "chosen", "largest")
    ratio = first.energy_j_per_output_token.mid / largest.energy_j_per_output_token.mid
    assert ratio > 6


def test_an_unset_batch_is_wide_and_said() -> None:
    unset, given = served(engine="vllm"), served(engine="vllm", batch_size=32)
    assert "batch_size" in unset.requests_per_s.spread
    assert unset.requests_per_s.high / unset.requests_per_s.low > 4 * (
        given.requests_per_s.high / given.requests_per_s.low
    )
    (said,) = [str(row.value) for row in unset.assumptions if row.option == "--batch-size"]
    # A cache of 8 bits holds more sequences than the one of 16 bits whose largest batch is printed.
    assert f"from 1 to {unset.memory.largest_batch}, or in a cache of 8 bits, while they grow, " in said
    assert int(said.split()[-1]) > 2 * unset.memory.largest_batch


def test_an_unnamed_engine_is_wider_than_a_named_one() -> None:
    named, unnamed = served(batch_size=32, engine="vllm"), served(batch_size=32)
    assert unnamed.requests_per_s.high / unnamed.requests_per_s.low > 2 * (
        named.requests_per_s.high / named.requests_per_s.low
    )
    assert unnamed.engine.id is None


def test_no_board_draws_more_than_its_limit() -> None:
    answer = served(batch_size=512, engine="vllm")
    assert answer.accelerator_power_w.high <= 700 * 1.001


def test_replicas_share_the_batch() -> None:
    one, eight = served(batch_size=8, engine="vllm"), served(hw="h100:8", tp=1, batch_size=64, engine="vllm")
    assert eight.workload.replicas_count == 8
    assert eight.requests_per_s.mid == pytest.approx(8 * one.requests_per_s.mid)


def test_models_that_decode_nothing() -> None:
    answer = footprint.inference(model="vit-base-16", hw="l4:1", batch_size=64)
    assert answer.items is not None
    assert answer.decode is None
    assert answer.items.energy_j_per_item.mid == pytest.approx(
        answer.accelerator_power_w.mid / answer.items.items_per_s.mid
    )
    assert footprint.inference(model="bert-base", hw="l4:1", prompt_tokens=128).items is not None
    assert footprint.inference(model="whisper-small", hw="l4:1", prompt_tokens=1, output_tokens=50).decode


def listed(model: str, path: Path, **sizes: int) -> str:
    """The operation file of a built-in model, as a trace would write it."""
    shape = StepShape(sequences=1, **sizes)
    made = operation_list(find_model(model).config, shape)
    about = {"sequence_length": None, "image_size": None, "target_sequence_length": None, **sizes}
    path.write_text(as_text(as_config(replace(made, family="traced"), **about)), encoding="utf-8")
    return str(path)


def test_an_operation_list_is_served_as_the_model_it_came_from(tmp_path: Path) -> None:
    """The same products, weights and layers give the same rates, whether a formula or a file says them."""
    fields: dict[str, Any] = {"hw": "l4:1", "batch_size": 64}
    named = footprint.inference(model="vit-base-16", **fields)
    path = listed("vit-base-16", tmp_path / "v.ops.json", image_size=224)
    answer = footprint.inference(model=path, **fields)
    assert answer.items is not None
    assert named.items is not None
    assert answer.items.items_per_s.mid == pytest.approx(named.items.items_per_s.mid)
    assert answer.memory == named.memory
    assert any("as it was traced" in text for text in answer.warnings)


def test_an_operation_list_of_text_has_its_length_and_writes_nothing(tmp_path: Path) -> None:
    path = listed("bert-base", tmp_path / "b.ops.json", sequence_length=96)
    assert footprint.inference(model=path, hw="l4:1").workload.prompt_tokens == 96
    with pytest.raises(FootprintError, match=r"`prompt_tokens=97`.*was traced at 96"):
        footprint.inference(model=path, hw="l4:1", prompt_tokens=97)
    with pytest.raises(FootprintError, match="its cache is not known"):
        footprint.inference(model=path, hw="l4:1", prompt_tokens=96, output_tokens=8)


def test_small_against_large_models() -> None:
    """The lecture's figure: InstructGPT's 1.3B has 132 (Table D.1) times fewer parameters than 175B."""
    answer = footprint.inference(model="gpt3-1.3b,gpt3-175b", hw="a100:8", **LOAD, batch_size=8)
    small, large = answer.models
    assert small.parameters_ratio == pytest.approx(132, rel=0.02)
    assert large.parameters_ratio == 1
    assert small.energy_kwh.mid < large.energy_kwh.mid


def test_models_may_be_a_list() -> None:
    answer = served(model=["llama3.1-8b", "llama3.1-70b"], hw="h100:8")
    assert [one.model for one in answer.models] == ["llama3.1-8b", "llama3.1-70b"]
    with pytest.raises(FootprintError, match="must be a name"):
        served(model=[])


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"batch_size": 100_000}, "does not fit"),
        ({"model": "llama3.1-405b"}, "more accelerators"),
        ({"batch_size": 4, "concurrency": 4}, "contradict"),
        ({"engine": "nonsense"}, "unknown engine"),
        ({"technique": "magic"}, "unknown technique"),
        ({"output_tokens": None}, "output_tokens"),
        ({"paths": 10}, "technique"),
        ({"hw": "h100:8", "tp": 3}, "does not divide"),
        ({"prompt_tokens": -5}, "above 0"),
        ({"nonsense": 1}, "unknown field"),
        ({"model": "vit-base-16"}, "writes no tokens"),
        ({"precision": "fp3"}, "one of"),
        ({"model": ","}, "names no model"),
        ({"model": "clip-vit-large-14", "prompt_tokens": None, "output_tokens": None}, "prompt_tokens"),
    ],
)
def test_bad_input(fields: dict[str, object], words: str) -> None:
    given = {name: value for name, value in fields.items() if value is not None}
    kept = {name: value for name, value in LOAD.items() if name not in fields}
    with pytest.raises(FootprintError, match=words):
        footprint.inference(**{"model": "llama3.1-8b", "hw": "h100:1", **kept, **given})


def test_a_prompt_beyond_the_context_is_warned() -> None:
    answer = footprint.inference(model="gpt2", hw="l4:1", prompt_tokens=1000, output_tokens=100)
    assert any("1,024 positions" in warning for warning in answer.warnings)


def test_more_requests_than_fit_wait() -> None:
    """Memory holds sequences of the mean length: 512 read and half of 256 written, instead of all 768."""
    answer, full = served(concurrency=100_000), served(batch_size=1)
    largest = full.memory.largest_batch
    assert largest * 768 / 640 <= answer.workload.batch_size < (largest + 1) * 768 / 640
    assert any("wait" in warning for warning in answer.warnings)
    # An engine that caches 8 bits holds twice as many, which serve more, but never twice as much.
    fewer, more = answer.requests_per_s.spread["batch_size"]
    assert fewer < 0 < more < math.log(2)
    assert served(concurrency=largest).requests_per_s.spread.keys() == {"engine"}


@pytest.mark.parametrize(
    ("load", "tokens_per_s"),
    [
        # brand-o/normiebench issue 40: llama.cpp on Metal, Q4_K_M; no fit reads it
        ({"model": "llama3.1-8b", "hw": "apple-m1-max", "precision": "int4", "engine": "llama.cpp",
          "batch_size": 1, "prompt_tokens": 1, "output_tokens": 128}, 46.2),
        # MLPerf Inference v4.1, NVIDIA and AMD, llama2-70b-99, Offline; no fit reads them
        ({"model": "llama2-70b", "hw": "h200:8", "tp": 1, "precision": "fp8", "engine": "tensorrt-llm",
          "concurrency": 10**5, "prompt_tokens": 300, "output_tokens": 291}, 31302.7),
        ({"model": "llama2-70b", "hw": "mi300x:8", "tp": 1, "precision": "fp8", "engine": "vllm-2024",
          "concurrency": 10**5, "prompt_tokens": 300, "output_tokens": 293}, 23514.8),
        # TensorRT-LLM 1.0's overview, Llama 3.1 8B, 128/2048: full load, with and without its batch
        ({"model": "llama3.1-8b", "hw": "h100:1", "precision": "fp8", "engine": "tensorrt-llm",
          "concurrency": 3000, "prompt_tokens": 128, "output_tokens": 2048}, 22714.0),
        ({"model": "llama3.1-8b", "hw": "h100:1", "precision": "fp8", "engine": "tensorrt-llm",
          "prompt_tokens": 128, "output_tokens": 2048}, 22714.0),
    ],
)  # fmt: skip
def test_published_rates_lie_in_the_interval(load: dict[str, Any], tokens_per_s: float) -> None:
    rate = footprint.inference(**load).requests_per_s * load["output_tokens"]
    assert rate.low <= tokens_per_s <= rate.high
    if "batch_size" in load or "concurrency" in load:
        assert rate.high / rate.low < 8


@pytest.mark.parametrize(("hw", "tokens_per_s"), [("apple-m1-max", 408.23), ("rtx4090", 7138.99)])
def test_a_prompt_of_a_laptop_takes_what_was_published(hw: str, tokens_per_s: float) -> None:
    """XiongjieDai's GPU benchmarks, Llama 3 8B in Q4_K_M, 512 tokens."""
    answer = footprint.inference(
        model="llama3-8b", hw=hw, precision="int4", engine="llama.cpp", batch_size=1, prompt_tokens=512,
        output_tokens=128,
    )  # fmt: skip
    seconds = answer.prefill.ttft_s
    assert seconds.low <= 512 / tokens_per_s <= seconds.high
    assert seconds.mid == pytest.approx(512 / tokens_per_s, rel=0.3)


def test_layers_that_chips_divide_work_one_after_another() -> None:
    """llama.cpp puts layers on two chips and lets one work: the same speed as one chip, not twice."""
    one, two = (
        footprint.inference(
            model="llama3.1-8b", hw=f"rtx4090:{chips}", precision="int4", engine="llama.cpp", batch_size=1,
            prompt_tokens=512, output_tokens=128,
        )
        for chips in (1, 2)
    )  # fmt: skip
    assert (two.workload.tp, two.workload.pp) == (1, 2)
    assert two.decode.tokens_per_s.mid == pytest.approx(one.decode.tokens_per_s.mid, rel=0.02)
    assert two.memory.largest_batch > 2 * one.memory.largest_batch


def test_an_engine_that_caches_8_bits_holds_twice_as_many() -> None:
    wide, narrow = (
        served(engine=name, precision="fp8", batch_size=32) for name in ("vllm-2026", "tensorrt-llm-2025")
    )
    assert narrow.memory.kv_bytes_per_token * 2 == wide.memory.kv_bytes_per_token
    assert narrow.memory.largest_batch == pytest.approx(2 * wide.memory.largest_batch, abs=1)
    assert served(engine="tensorrt-llm-2025", batch_size=32).memory.kv_bytes_per_token == 131_072


def test_each_batch_of_the_table_has_the_ends_of_its_own_load() -> None:
    """At the largest batch the host of an unknown engine costs more of the time than at batch 1."""
    one, *_, largest = served().batches
    width = [row.tokens_per_s.high / row.tokens_per_s.low for row in (one, largest)]
    alone = served(batch_size=1).batches[0]
    assert one.tokens_per_s.spread["engine"] == pytest.approx(alone.tokens_per_s.spread["engine"])
    assert width[1] != pytest.approx(width[0], rel=0.01)


def test_it_is_shown_and_framed(one: Inference) -> None:
    assert "1,000 requests" in str(one)
    assert "<" in one._repr_html_()
    frame = one.to_frame()
    assert list(frame["batch_size"]) == [row.batch_size for row in one.batches]


@pytest.mark.parametrize(("engine", "batch", "warned"), [("llama.cpp", 1, False), ("llama.cpp", 2, True),
                                                         ("sglang", 1, False), ("sglang", 16, True),
                                                         ("vllm-2026", 256, False)])  # fmt: skip
def test_a_batch_that_no_row_of_the_engine_has_is_warned_of(engine: str, batch: int, warned: bool) -> None:
    """By serving.csv llama.cpp and SGLang's dense models were measured with one sequence."""
    said = served(engine=engine, batch_size=batch).warnings
    assert any("have a batch of at most 1:" in one for one in said) == warned


def test_an_engine_without_rows_of_experts_says_so() -> None:
    said = served(model="mixtral-8x7b", hw="h100:2", engine="gpt-fast", batch_size=1).warnings
    assert any("with experts are not known" in one for one in said)
