"""What ``print``, the prompt and notebooks show: what the command shows, with nothing of a name as markup."""

from __future__ import annotations

import html
import re
import time
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import footprint
from footprint.catalog.models import find_model
from footprint.flops import count_step
from footprint.schema import StepShape
from footprint.tracking import Run
from tests.cli.run import footprint as command

GIVEN = {"model": "bert-base", "hw": "v100:8", "region": "FRA"}
NASTY = "<script>alert(1)</script> & $5 | `x`"
VOID = {"br"}


class Strict(HTMLParser):
    """Fails on tags that do not close each other in order; collects tags and text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def read(page: str) -> Strict:
    parser = Strict()
    parser.feed(page)
    parser.close()
    assert parser.open == []
    return parser


@pytest.fixture
def tracked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    with footprint.track(
        **GIVEN, total_steps=40, meter="constant:360W", flush_s=0.05, quiet=True, name=NASTY
    ) as run:
        for _ in range(20):
            time.sleep(0.02)
            run.step()
    return run


def test_an_estimate_prints_as_the_command_does() -> None:
    args = [part for name, value in GIVEN.items() for part in (f"--{name}", value)]
    shown = command("estimate", *args).out.strip()
    answer = footprint.estimate(**GIVEN)
    assert str(answer).startswith(shown)
    assert str(answer) == repr(answer)
    (warning,) = answer.warnings
    assert warning in " ".join(str(answer)[len(shown) :].split())


def test_markdown_is_that_of_the_command() -> None:
    args = [part for name, value in GIVEN.items() for part in (f"--{name}", value)]
    page = command("estimate", *args, "--format", "markdown").out.strip()
    moment = re.compile(r"\d{4}-\d\d-\d\d")
    assert moment.sub("", footprint.estimate(**GIVEN)._repr_markdown_()) == moment.sub("", page)


def test_html_has_every_row_and_no_markup_of_a_name() -> None:
    answer = footprint.estimate(**GIVEN, name=NASTY, runs=3)
    page = answer._repr_html_()
    seen = read(page)
    assert seen.tags <= {"div", "p", "b", "br", "table", "tr", "th", "td", "ul", "li", "details", "summary"}
    assert NASTY in seen.text
    assert html.escape(NASTY) in page
    for row in re.findall(r"^  (\w[\w ()]+?)  +(\S+ ?\S*)  ", str(answer), re.MULTILINE):
        assert row[0] in seen.text, row


def test_html_can_be_read_on_light_and_on_dark(tracked: Run) -> None:
    """Colours are left to the page; dollars are no formula for MathJax."""
    for answer in (footprint.estimate(**GIVEN), tracked.measurement, tracked.comparison, tracked.forecast):
        page = answer._repr_html_()  # type: ignore[union-attr]
        assert not re.search(r"[^-]color:|#[0-9a-f]{3}|rgb\(|background:(?!none)", page)
        assert "mathjax_ignore" in page


def test_a_measured_run(tracked: Run) -> None:
    for answer in (tracked.measurement, tracked.comparison, tracked.forecast):
        shown: Any = answer
        assert str(shown) == repr(shown)
        assert read(shown._repr_html_()).text == str(shown)
        assert str(shown) in shown._repr_markdown_()
    assert f"run {tracked.run_id}" in str(tracked.measurement)
    assert "for the work that was done (50 % of all)" in str(tracked.comparison)
    assert max(map(len, str(tracked.comparison).splitlines())) <= 80
    forecast = tracked.forecast
    assert forecast is not None
    assert f"{forecast.steps} steps done" in str(forecast)
    assert "energy, facility" in str(forecast)
    assert read(tracked.measurement._repr_html_()).tags == {"div", "pre"}  # type: ignore[union-attr]


def test_the_flops_of_a_step() -> None:
    step = count_step(find_model("gpt2").config, StepShape(sequences=8, sequence_length=1024))
    shown = command("flops", "--model", "gpt2", "--batch-size", "8", "--seq-len", "1024").out
    rows = [line for line in shown.splitlines() if line.startswith(("  forward", "  backward", "  training"))]
    assert len(rows) == 3
    assert all(row in str(step) for row in rows)


@pytest.mark.parametrize("make", [lambda: footprint.estimate(**GIVEN)])
def test_an_answer_is_a_record_all_the_same(make: Callable[[], Any]) -> None:
    import copy
    import dataclasses
    import pickle

    answer = make()
    assert copy.deepcopy(answer) == answer
    assert pickle.loads(pickle.dumps(answer)) == answer  # noqa: S301
    assert "energy_kwh" in {field.name for field in dataclasses.fields(answer)}
