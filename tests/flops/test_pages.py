"""The pages that programs write say what the code counts now."""

from __future__ import annotations

from benchmarks import flops_proof, model_types


def test_the_proof_page_has_our_numbers() -> None:
    """After a change: python benchmarks/flops_proof.py, where torch and transformers are installed."""
    assert flops_proof.problems(flops_proof.PAGE.read_text(encoding="utf-8")) == []


def test_a_wrong_number_on_the_proof_page_is_found() -> None:
    text = flops_proof.PAGE.read_text(encoding="utf-8")
    row = next(line for line in text.splitlines() if " gpt2-xl, " in line)
    assert flops_proof.problems(text.replace(row, row.replace("1,557,611,200", "1,557,611,201")))
    assert flops_proof.problems(text.replace(row + "\n", ""))


def test_the_page_of_model_types_has_our_families() -> None:
    """After a change: python benchmarks/model_types.py."""
    text = model_types.PAGE.read_text(encoding="utf-8")
    assert model_types.problems(text) == []
    assert model_types.problems(text.replace("`llama`, ", ""))
    assert "not as it was found: afmoe" in model_types.problems(text.replace("`afmoe`, ", ""))
