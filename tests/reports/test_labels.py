"""Text for people has words where the data have keys."""

from __future__ import annotations

import re

import pytest

import footprint
from footprint.reports.estimate_text import render

KEY = re.compile(r"\b[a-z]+[a-z_]*\.[a-z][a-z_]+\b")
SCENARIOS = [
    {"model": "bert-base", "hw": "v100:8"},
    {"model": "llama3.1-8b", "hw": "h100:512", "purchase": "spot"},
    {"model": "gemma3-1b", "hw": "rtx4090:1", "method": "lora", "samples": 1e4},
    {"model": "gpt2-xl", "hw": "h100:64", "capital_usd": 3e4, "region": "FRA"},
    {"hw": "v100:8", "hours": 100.0},
    {"model": "resnet-50", "hw": "cpu:2"},
]


@pytest.mark.parametrize("markdown", [False, True])
@pytest.mark.parametrize("given", SCENARIOS, ids=lambda given: given["hw"])
def test_no_key_of_the_data_is_in_the_text(given: dict, markdown: bool) -> None:
    try:
        answer = footprint.estimate(**given)
    except footprint.FootprintError as error:
        pytest.skip(str(error))
    text = render(answer, markdown=markdown, spread=True)
    assert KEY.findall(re.sub(r"llama3\.1-8b|qwen2\.5\S*", "", text)) == []


def test_the_answer_says_what_was_trained() -> None:
    text = render(footprint.estimate(model="llama3-8b", hw="h100:1", method="lora", lora_rank=8, samples=1e4))
    assert "LoRA (" in text
    assert "rank 8)" in text
    assert "312 steps of 32 x 2,048 tokens" in text.replace("\n", " ")  # 10,000 / 32 = 312.5


def test_whole_numbers_are_exact() -> None:
    given = {"model": "gpt2", "hw": "h100:8", "batch_size": 512, "seq_len": 1024, "steps": 3125}
    assert "3,125 steps" in render(footprint.estimate(**given))
