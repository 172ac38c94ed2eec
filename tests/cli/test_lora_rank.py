"""The rank of the adapters and their projections are said where nobody gave them, and only there."""

from __future__ import annotations

import json

import pytest

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
