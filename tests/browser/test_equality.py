"""The page computes what the program computes: the same scenarios in both.

Texts are equal, and so is nearly every number to its last digit. A few differ in their last bit, because
the C library here computes ``exp`` and ``pow`` with fused multiply-adds, which WebAssembly does not have.
"""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from footprint.cli.page.answers import answer
from footprint.cli.page.questions import NOT_OF_THE_PAGE
from footprint.estimator.fields import FLAG
from footprint.estimator.request import FIELDS
from tests.conftest import ROOT

pytestmark = pytest.mark.slow
COUNT = 60
BITS = 1e-15
"""Relative; a few units in the last place."""
EQUAL = 0.995
"""Share of the numbers that are equal to the last digit."""
HELD = ROOT / "tests" / "held" / "estimates.jsonl.gz"
CONFIG = {
    "model_type": "llama", "hidden_size": 512, "intermediate_size": 1408, "num_hidden_layers": 8,
    "num_attention_heads": 8, "vocab_size": 32000,
}  # fmt: skip


def scenarios() -> list[dict[str, Any]]:
    """Held scenarios, evenly spread over the file, and one with a pasted config."""
    lines = gzip.decompress(HELD.read_bytes()).decode().splitlines()
    requests = [json.loads(line)["request"] for line in lines]
    fit = [one for one in requests if not set(one) & set(NOT_OF_THE_PAGE)]
    chosen = fit[:: len(fit) // COUNT][:COUNT]
    questions = [{"ask": "estimate", "fields": {n: written(n, v) for n, v in one.items()}} for one in chosen]
    pasted = {"model": "config.json", "hw": "a100:8", "tokens": "2B"}
    return [*questions, {"ask": "estimate", "fields": pasted, "config": json.dumps(CONFIG)}]


def written(name: str, value: Any) -> str:
    if FIELDS[name].kind is FLAG:
        return "yes"
    return (
        ",".join(value)
        if isinstance(value, list)
        else repr(value)
        if isinstance(value, float)
        else str(value)
    )


def leaves(value: Any, where: str = "") -> Iterator[tuple[str, Any]]:
    """Every value of an answer with its place, but for the time at which it was made."""
    if isinstance(value, dict | list):
        for key, part in value.items() if isinstance(value, dict) else enumerate(value):
            if key != "created_at":
                yield from leaves(part, f"{where}.{key}")
    else:
        yield where, value


def test_the_page_equals_the_program(page: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "model"  # a config takes its name from its folder
    folder.mkdir()
    monkeypatch.chdir(folder)
    answered = numbers = same = 0
    for question in scenarios():
        there = page.evaluate("(question) => window.footprint.engine.ask(question)", question)
        here = json.loads(answer(json.dumps(question)))
        answered += "answer" in here
        for (where, one), (place, other) in zip(leaves(here), leaves(there), strict=True):
            assert where == place
            if isinstance(one, float) and isinstance(other, int | float):
                assert math.isclose(one, other, rel_tol=BITS), (question, where, one, other)
                numbers += 1
                same += one == other
            else:
                assert one == other, (question, where)
    assert answered >= 50  # the others are refused, in the same words
    assert same > EQUAL * numbers > 1000, (same, numbers)
