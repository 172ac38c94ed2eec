"""The numbers do not depend on how Python's `sum` adds floats, which changed in 3.12."""

from __future__ import annotations

import builtins
import gzip
import json
import re
from collections.abc import Iterable
from typing import Any

import pytest

from footprint.cli.page.answers import answer
from footprint.cli.page.questions import NOT_OF_THE_PAGE
from tests.browser.test_equality import HELD, written

COUNT = 12
PLAIN = (int, float)


def from_left(values: Iterable[Any], /, start: Any = 0) -> Any:
    """As Python's `sum` until 3.11."""
    for value in values:
        start = start + value
    return start


def compensated(values: Iterable[Any], /, start: Any = 0) -> Any:
    """As Python's `sum` since 3.12: Neumaier's, of plain numbers with a float among them."""
    given = list(values)
    if type(start) not in PLAIN or not {float} <= {type(one) for one in given} <= set(PLAIN):
        return from_left(given, start)
    total, lost = float(start), 0.0
    for one in given:
        new = total + one
        lost += (total - new) + one if abs(total) >= abs(one) else (one - new) + total
        total = new
    return total + lost


def questions() -> list[str]:
    lines = gzip.decompress(HELD.read_bytes()).decode().splitlines()
    fit = [
        one for one in (json.loads(line)["request"] for line in lines) if not set(one) & set(NOT_OF_THE_PAGE)
    ]
    chosen = fit[:: len(fit) // COUNT][:COUNT]
    return [
        json.dumps({"ask": "estimate", "fields": {n: written(n, v) for n, v in one.items()}})
        for one in chosen
    ]


def answers(monkeypatch: pytest.MonkeyPatch, adding: Any) -> list[str]:
    with monkeypatch.context() as patch:
        patch.setattr(builtins, "sum", adding)
        return [re.sub(r'"created_at": "[^"]*"', "", answer(one)) for one in questions()]


def test_the_two_ways_differ() -> None:
    """The example of Python's own notes on 3.12: ten tenths are one."""
    assert compensated([0.1] * 10) == 1.0 != from_left([0.1] * 10)


def test_an_answer_is_the_same_with_either(monkeypatch: pytest.MonkeyPatch) -> None:
    before, since = answers(monkeypatch, from_left), answers(monkeypatch, compensated)
    assert before == since
    assert sum('"answer"' in one for one in since) > COUNT / 2
