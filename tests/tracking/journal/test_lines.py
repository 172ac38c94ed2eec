"""Every kind of line comes back from its JSON as it was, and a wrong value costs no more than itself."""

from __future__ import annotations

import json

import pytest

from footprint.meters.base import Channel
from footprint.tracking.journal.codec import decode, encode
from footprint.tracking.journal.line_parser import parse_line
from footprint.tracking.journal.lines import (
    Board,
    BudgetLine,
    EndLine,
    EstimateLine,
    FaultLine,
    ForecastHours,
    FoundLine,
    JournalLine,
    LossPoint,
    MeterLine,
    PhaseTotal,
    StartLine,
    StateLine,
    to_json,
)
from footprint.tracking.process.identity import Identity

STATE = StateLine(
    boot_s=12.5, run_s=2.5, suspended_s=0.5, steps=7, tokens=448.0, samples=14.0, step_s=0.25,
    losses=(LossPoint(11.5, 0.75), LossPoint(12.0, None), LossPoint(12.25, -2.0)),
    kwh={"cpu": 1e-5, "ram": 2e-6}, unseen_s={"cpu": 0.1}, stood_in_s={"cpu": 0.2}, cpu_s=2.25, waited_s=0.0,
    machine_share=0.5, phases={"train": PhaseTotal(s=2.0, kwh=1e-5)}, device_kwh={"GPU-a": 3e-6},
    used=("GPU-a",), forecast=ForecastHours(0.1, 0.9, 1.0, 1.2), faults=3,
)  # fmt: skip
LINES: list[JournalLine] = [
    StartLine(
        run_id="r", process=Identity(host="a", boot_id="b", pid=5, launcher="slurm", rank=1, world_size=2),
        started_at="2026-03-01T10:00:00.000+00:00", boot_s=10.0, flush_s=5.0, look_s=0.5,
        given={"hw": "v100:8", "batch_size": 4}, version="0.1.0", name_is_shared=False,
    ),
    FoundLine(given={"hw": "v100:8", "hw_detected": True}),
    EstimateLine(record={"schema": "footprint/estimate/1", "duration_h": {"mid": 1.0}}),
    MeterLine(
        boot_s=10.5,
        channels=(Channel(component="cpu", how="modelled", source="load"),),
        devices=(Board(uuid="GPU-a", name="Board", index=1),),
    ),
    STATE,
    StateLine(boot_s=1.0),
    EndLine.after(STATE, "failed", "ValueError: nan"),
    EndLine.after(STATE, "completed", ""),
    FaultLine(what="cpu: no value", component="cpu", run_s=1.5),
    BudgetLine(budget="2 kWh", value=1.5, forecast=2.5, reached=True, stop=70),
    BudgetLine(budget="2 kWh", value=1.5, why="there is no journal folder"),
]  # fmt: skip


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.kind)
def test_a_line_comes_back_as_it_was(line: JournalLine) -> None:
    raw = decode(encode(to_json(line)))
    assert raw is not None
    assert raw["type"] == line.kind
    assert parse_line(raw) == line


def test_the_fields_of_a_state_are_those_that_earlier_versions_read() -> None:
    assert json.loads(json.dumps(to_json(STATE))) == {
        "type": "state", "boot_s": 12.5, "run_s": 2.5, "suspended_s": 0.5, "steps": 7, "tokens": 448.0,
        "samples": 14.0, "step_s": 0.25, "kwh": {"cpu": 1e-5, "ram": 2e-6}, "unseen_s": {"cpu": 0.1},
        "stood_in_s": {"cpu": 0.2}, "cpu_s": 2.25, "waited_s": 0.0, "machine_share": 0.5,
        "phases": {"train": {"s": 2.0, "kwh": 1e-5}}, "device_kwh": {"GPU-a": 3e-6}, "used": ["GPU-a"],
        "forecast": [0.1, 0.9, 1.0, 1.2], "faults": 3,
        "losses": [[11.5, 0.75], [12.0, None], [12.25, -2.0]],
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["start", "found", "estimate", "meter", "state", "end", "fault", "budget"])
@pytest.mark.parametrize("wrong", [None, "text", -1, [1], {"a": 1}, [{"a": None}], True, 1e400])
def test_a_wrong_value_becomes_the_default(kind: str, wrong: object) -> None:
    names = {name for line in LINES for name in to_json(line)} - {"type"}
    line = parse_line({**dict.fromkeys(names, wrong), "type": kind})
    assert line is not None
    encode(to_json(line))  # and may be written again


def test_an_unknown_kind_is_left_out() -> None:
    assert parse_line({"type": "later", "steps": 1}) is None
    assert parse_line({"steps": 1}) is None
