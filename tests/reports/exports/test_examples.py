"""docs/examples holds what the commands write. After a change: python -m benchmarks.examples --write."""

from __future__ import annotations

import json
from typing import Any

import pytest

from benchmarks.examples import FOLDER, RECORD, commands, output, page, record_text


def test_the_record_is_the_estimate_of_today() -> None:
    kept, now = (json.loads(text) for text in ((FOLDER / RECORD).read_text(), record_text()))
    same(kept, now)


def same(one: Any, other: Any, at: str = "") -> None:
    assert type(one) is type(other), at
    if isinstance(one, dict):
        assert list(one) == list(other), at
        for key, part in one.items():
            same(part, other[key], f"{at}.{key}")
    elif isinstance(one, list):
        assert len(one) == len(other), at
        for left, right in zip(one, other, strict=True):
            same(left, right, at)
    elif isinstance(one, float):
        assert other == pytest.approx(one, rel=1e-9), at
    else:
        assert one == other, at


@pytest.mark.parametrize("name", commands())
def test_a_file_is_what_its_command_writes(name: str) -> None:
    assert output(commands()[name]) == (FOLDER / name).read_text(encoding="utf-8")


def test_every_file_is_listed() -> None:
    assert (FOLDER / "README.md").read_text(encoding="utf-8") == page()
    assert {path.name for path in FOLDER.iterdir()} == {
        "README.md",
        "plain.md",
        "quick-start.ipynb",
        RECORD,
        *commands(),
    }
