"""Every figure of both lectures is within its tolerance of the printed one; the page is as written."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from benchmarks.lectures import PAGE, Figure, answer, figure, figures, number, page, topics
from footprint.records import replace
from tests.conftest import ROOT

TOPICS = {topic["title"]: topic for topic in topics()}
FIGURE = Figure(what="", command="", printed=10.0, unit="", tolerance=0.01, low=9.0, mid=10.05, high=12.0)


@pytest.mark.parametrize("title", TOPICS)
def test_printed_figures_come_out(title: str) -> None:
    topic = TOPICS[title]
    assert [one for one in figures(topic) if not one.agrees] == []
    for command in topic.get("runs", []):
        assert answer(command)["schema"].startswith("footprint/")
    assert topic.get("figures") or topic.get("runs") or topic.get("open")


def test_the_page_is_what_the_program_writes() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "python -m benchmarks.lectures --write"


def test_the_commands_of_the_page_run_as_they_stand() -> None:
    """The program calls commands in its own process; a shell gives the same."""
    table = TOPICS["InstructGPT"]["figures"][0]
    command = [sys.executable, "-m", *table["command"].split(), "--format", "json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    days = json.loads(done.stdout)["rule_flop"] / (1e15 * 86_400)
    assert days == pytest.approx(4.9, rel=table["tolerance"])


@pytest.mark.parametrize(
    ("changes", "agrees"),
    [
        ({}, True),
        ({"mid": 10.2}, False),
        ({"tolerance": 0}, False),
        ({"tolerance": "digit", "mid": 10.4}, True),
        ({"tolerance": "digit", "mid": 10.6}, False),
        ({"tolerance": "interval", "mid": 11.9}, True),
        ({"tolerance": "interval", "low": 10.1}, False),
    ],
)
def test_what_agrees(changes: dict[str, float | str], agrees: bool) -> None:
    assert replace(FIGURE, **changes).agrees is agrees


def test_an_expression_takes_each_end_of_a_quantity() -> None:
    """A quotient of the interval: its ends change places."""
    command = "footprint estimate --model bert-base --hw v100:8 --region FRA"
    table = {"what": "", "command": command, "value": "1 / energy_kwh", "printed": 1, "tolerance": "interval"}
    found, energy = figure(table), answer(command)["energy_kwh"]
    assert (found.low, found.mid, found.high) == (1 / energy["high"], 1 / energy["mid"], 1 / energy["low"])


@pytest.mark.parametrize(
    ("value", "text"),
    [(4718592, "4,718,592"), (2.56e24, "2.56e24"), (0.462, "0.462"), (1234567.8, "1,234,570")],
)
def test_numbers(value: float, text: str) -> None:
    assert number(value) == text
