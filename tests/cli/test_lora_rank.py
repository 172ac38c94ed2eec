"""The rank of the adapters and their projections are said where nobody gave them, and only there."""

from __future__ import annotations

import json

import pytest

from footprint import estimate
from tests.cli.run import footprint

ESTIMATE = ("estimate", "--model", "llama3.1-8b", "--hw", "h100:8", "--tokens", "10M", "--method")
FLOPS = ("flops", "--model", "llama3.1-8b", "--seq-len", "128", "--method")


def ranks(*words: str) -> list[tuple[object, str]]:
    rows = json.loads(footprint(*words, "--format", "json").out)["assumptions"]
    return [(row["value"], row["option"]) for row in rows if row["name"] == "LoRA rank"]


@pytest.mark.parametrize("words", [ESTIMATE, FLOPS], ids=["estimate", "flops"])
@pytest.mark.parametrize("method", ["lora", "qlora"])
def test_a_rank_that_nobody_gave_is_listed(words: tuple[str, ...], method: str) -> None:
    ((value, option),) = ranks(*words, method)
    assert option == "--lora-rank"
    assert ranks(*words, method, "--lora-rank", str(value)) == []
    assert f"LoRA rank = {value}  [--lora-rank]" in footprint(*words, method).out


@pytest.mark.parametrize("words", [ESTIMATE, FLOPS], ids=["estimate", "flops"])
@pytest.mark.parametrize(
    ("method", "projections"),
    [("lora", "q_proj, v_proj"), ("qlora", "down_proj, gate_proj, k_proj, o_proj, q_proj, up_proj, v_proj")],
)
def test_projections_that_nobody_chose_are_listed(
    words: tuple[str, ...], method: str, projections: str
) -> None:
    """Of Llama, as Hugging Face PEFT has them, and every one for QLoRA."""
    for given, expected in (((), [projections]), (("--lora-targets", "q"), [])):
        rows = json.loads(footprint(*words, method, *given, "--format", "json").out)["assumptions"]
        assert [row["value"] for row in rows if row["option"] == "--lora-targets"] == expected


@pytest.mark.parametrize("words", [ESTIMATE, FLOPS], ids=["estimate", "flops"])
def test_full_training_has_no_rank(words: tuple[str, ...]) -> None:
    assert ranks(*words, "finetune") == []
    done = footprint(*words, "finetune", "--lora-rank", "8")
    assert done.code == 2
    assert "--lora-rank" in done.err


def test_the_rank_that_is_listed_is_the_one_that_is_counted() -> None:
    """An adapter of rank r has r x (inputs + outputs) parameters, so they are in proportion to r."""
    ((value, _),) = ranks(*FLOPS, "lora")
    whole, one = (
        json.loads(footprint(*FLOPS, "lora", *rank, "--format", "json").out)["parameters"]["trainable"]
        for rank in ((), ("--lora-rank", "1"))
    )
    assert whole == value * one


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--lora-dropout", "each"), "--lora-dropout needs --method lora or qlora"),
        (("--lora-rank", "8", "--lora-dropout", "each"), "--lora-rank and --lora-dropout need --method"),
    ],
)
def test_adapters_need_a_method_that_has_them(options: tuple[str, ...], said: str) -> None:
    done = footprint(*ESTIMATE, "finetune", *options)
    assert done.code == 2
    assert said in done.err


def test_dropout_of_adapters_keeps_a_copy_and_a_mask_of_their_inputs() -> None:
    """Each of Llama's 32 blocks adapts q and v, whose one input is 4,096 wide: a copy of 2 B, a mask of 1."""
    none, shared, each = (peak_gib(kind) for kind in ("none", "shared", "each"))
    one = 2 * 1024 * 32 * 4096 * (2 + 1) / 2**30
    assert shared - none == pytest.approx(one, rel=0.05)
    assert 2 * one < each - none < 3 * one


def peak_gib(dropout: str) -> float:
    estimated = estimate(
        model="llama3.1-8b", hw="h100-sxm5-80gb:1", tokens=1e7, method="lora", batch_size=2, micro_batch=2,
        seq_len=1024, recompute="none", stack="hf", lora_dropout=dropout,
    )  # fmt: skip
    assert estimated.memory is not None
    return estimated.memory.needed_gib.mid
