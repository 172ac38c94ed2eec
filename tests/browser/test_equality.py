"""The page computes what the program computes: the same scenarios in both.

Texts are equal, and so is every number to its last digit: the package computes ``exp``, ``log`` and powers
itself, because those of the C library here and of WebAssembly differ in their last bit.
"""

from __future__ import annotations

import gzip
import json
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
    answered = numbers = 0
    for question in scenarios():
        there = page.evaluate("(question) => window.footprint.engine.ask(question)", question)
        here = json.loads(answer(json.dumps(question)))
        answered += "answer" in here
        for (where, one), (place, other) in zip(leaves(here), leaves(there), strict=True):
            assert where == place
            if isinstance(one, float) and isinstance(other, int):
                other = float(other)  # JavaScript writes large numbers without a point
            assert one == other, (question, where)
            numbers += isinstance(one, float)
    assert answered >= 50  # the others are refused, in the same words
    assert numbers > 9000
