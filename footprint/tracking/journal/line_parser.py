"""From the JSON object of a journal's line to its record; a value that cannot be becomes the default.

A line comes with a checksum, so what is wrong in it was written so: by another version, or by hand. Each
value is checked against its type and the bounds that any real run keeps, and what is wrong is noted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, get_args

from footprint.meters.base import Channel
from footprint.tracking.journal.fields import MOST_BYTE, MOST_COUNT, MOST_KWH, MOST_S, Fields
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
    ProgramLine,
    StartLine,
    StateLine,
)
from footprint.tracking.process.identity import MOST_PROCESSES, Identity
from footprint.vocabulary import How

Raw = Mapping[str, Any]
MOST_NAME = 1_000
HOWS = get_args(How)
STATUSES = ("completed", "failed", "interrupted", "terminated", "stopped_by_budget", "killed")


def parse_line(raw: Raw, notes: list[str] | None = None) -> JournalLine | None:
    """The record of one line; None for a kind that this version does not know.

    ``notes`` takes a few words for each value that was not taken.
    """
    kind = raw.get("type")
    parse = _PARSERS.get(kind) if isinstance(kind, str) else None
    return None if parse is None else parse(Fields(raw, [] if notes is None else notes))


def _start(line: Fields) -> StartLine:
    flush_s = line.number("flush_s")
    return StartLine(
        run_id=line.text("run_id", most=MOST_NAME),
        process=_identity(line.part("process")),
        started_at=_moment(line),
        boot_s=line.number("boot_s"),
        flush_s=flush_s,
        look_s=line.number("look_s") or flush_s,
        given=_given(line),
        version=line.text("version", most=MOST_NAME),
        name_is_shared=line.flag("name_is_shared", default=True),
        schema=line.text("schema"),
    )


def _moment(line: Fields) -> str:
    text = line.text("started_at", most=MOST_NAME)
    try:
        if not text or datetime.fromisoformat(text).timestamp() >= 0:
            return text
    except (ValueError, OverflowError, OSError):
        pass
    line.note("started_at", text, "a moment")
    return ""


_GIVEN_TEXTS = ("model", "hw", "region", "csv", "budget", "name", "meter")
_GIVEN_NUMBERS = ("total_steps", "total_tokens", "initial_step")


def _given(line: Fields) -> dict[str, Any]:
    """The arguments of a run: those of ``track()`` of their own type, those of an estimate any JSON value."""
    given = line.plain("given")
    for name in _GIVEN_TEXTS:
        value = given.get(name)
        if value is not None and (value.__class__ is not str or "\0" in value):
            line.note(f"given {name}", given.pop(name), "a text")
    for name in _GIVEN_NUMBERS:
        value = given.get(name)
        if value is not None and (value.__class__ not in (int, float) or value < 0):
            line.note(f"given {name}", given.pop(name), "a number from 0")
    return given


def _identity(said: Fields) -> Identity:
    def count(name: str, least: int = 0) -> int:
        return max(least, said.count(name, most=MOST_PROCESSES))

    return Identity(
        host=said.text("host", most=MOST_NAME),
        boot_id=said.text("boot_id", most=MOST_NAME),
        pid=said.count("pid", most=2**31),
        process_start=said.text("process_start", most=MOST_NAME),
        launcher=said.text("launcher", "none", most=MOST_NAME),
        rank=count("rank"),
        local_rank=count("local_rank"),
        world_size=count("world_size", 1),
        local_world_size=count("local_world_size", 1),
        node_rank=count("node_rank"),
        nodes=count("nodes", 1),
        restart=count("restart"),
        launch=said.text("launch", most=MOST_NAME),
        job=said.text("job", most=MOST_NAME),
        metered_by_parent=said.flag("metered_by_parent"),
        image=said.text("image", most=MOST_NAME),
    )


def _found(line: Fields) -> FoundLine:
    return FoundLine(given=_given(line))


def _program(line: Fields) -> ProgramLine:
    return ProgramLine(
        pid=line.count("pid", most=2**31), process_start=line.text("process_start", most=MOST_NAME)
    )


def _estimate(line: Fields) -> EstimateLine:
    return EstimateLine(record=line.plain("record"))


def _meter(line: Fields) -> MeterLine:
    channels = tuple(
        Channel(component=one.text("component"), how=_how(one), source=one.text("source"))
        for one in line.parts("channels")
    )
    boards = tuple(
        Board(uuid=one.text("uuid"), name=one.text("name"), index=one.count("index"))
        for one in line.parts("devices")
    )
    return MeterLine(boot_s=line.number("boot_s"), channels=channels, devices=boards)


def _how(channel: Fields) -> Any:
    return channel.choice("how", HOWS, "modelled")


def _state_fields(line: Fields) -> dict[str, Any]:
    phases = line.part("phases")
    return {
        "boot_s": line.number("boot_s"),
        "run_s": line.number("run_s"),
        "suspended_s": line.number("suspended_s"),
        "steps": line.count("steps"),
        "tokens": line.number("tokens", most=MOST_COUNT),
        "samples": line.number("samples", most=MOST_COUNT),
        "step_s": line.number_or_none("step_s"),
        "losses": _losses(line) if "losses" in line.raw else (),
        "kwh": line.amounts("kwh", most=MOST_KWH),
        "unseen_s": line.amounts("unseen_s"),
        "stood_in_s": line.amounts("stood_in_s"),
        "cpu_s": line.number_or_none("cpu_s", least=-MOST_S),
        "waited_s": line.number_or_none("waited_s", least=-MOST_S),
        "machine_share": line.number_or_none("machine_share", least=-1.0, most=1.0),
        "peak_byte": line.number_or_none("peak_byte", most=MOST_BYTE),
        "phases": {name: _phase(phases.part(name)) for name in phases.raw},
        "device_kwh": line.amounts("device_kwh", most=MOST_KWH),
        "used": line.texts("used"),
        "forecast": _forecast(line),
        "faults": line.count("faults") or None,
        "marks": line.counts("marks"),
    }


def _phase(part: Fields) -> PhaseTotal:
    return PhaseTotal(
        s=part.number("s", least=-MOST_S), kwh=part.number("kwh", least=-MOST_KWH, most=MOST_KWH)
    )


def _state(line: Fields) -> StateLine:
    return StateLine(**_state_fields(line))


def _end(line: Fields) -> EndLine:
    return EndLine(
        **_state_fields(line),
        status=line.choice("status", STATUSES, "completed"),
        error=line.text("error") or None,
    )


def _forecast(line: Fields) -> ForecastHours | None:
    hours = line.numbers("forecast")
    if not hours:
        return None
    if len(hours) != 4:
        line.note("forecast", hours, "progress and three times")
        return None
    return ForecastHours(*hours)


def _losses(line: Fields) -> tuple[LossPoint, ...]:
    found = []
    for boot_s, loss in line.rows("losses", 2):
        part = line.of({"boot_s": boot_s, "loss": loss})
        found.append(LossPoint(
            part.number("boot_s"), part.number_or_none("loss", least=-MOST_COUNT, most=MOST_COUNT)
        ))  # fmt: skip
    return tuple(found)


def _fault(line: Fields) -> FaultLine:
    return FaultLine(
        what=line.text("what")[:300], component=line.text("component"), run_s=line.number("run_s")
    )


def _budget(line: Fields) -> BudgetLine:
    return BudgetLine(
        budget=line.text("budget"),
        value=line.number("value", most=MOST_COUNT),
        forecast=line.number_or_none("forecast", most=MOST_COUNT),
        reached=line.flag("reached"),
        stop=line.count("stop") or None,
        why=line.text("why") or None,
    )


_PARSERS: dict[str, Callable[[Fields], JournalLine]] = {
    "start": _start, "found": _found, "program": _program,
    "estimate": _estimate, "meter": _meter, "state": _state, "end": _end,
    "fault": _fault, "budget": _budget,
}  # fmt: skip
