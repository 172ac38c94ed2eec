"""From the JSON object of a journal's line to its record; what has a wrong type becomes the default.

A line comes with a checksum, so what is wrong in it was written so: by another version, or by hand. A
reader goes on without it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from footprint.meters.base import Channel
from footprint.tracking.journal.lines import (
    Board,
    BudgetLine,
    EndLine,
    EstimateLine,
    FaultLine,
    ForecastHours,
    FoundLine,
    JournalLine,
    MeterLine,
    PhaseTotal,
    StartLine,
    StateLine,
)
from footprint.tracking.process.identity import Identity

Raw = Mapping[str, Any]


def parse_line(raw: Raw) -> JournalLine | None:
    """The record of one line; None for a kind that this version does not know."""
    parse = _PARSERS.get(str(raw.get("type")))
    return None if parse is None else parse(raw)


def _start(raw: Raw) -> StartLine:
    flush_s = _number(raw.get("flush_s"))
    return StartLine(
        run_id=_text(raw, "run_id"),
        process=_identity(_object(raw.get("process"))),
        started_at=_text(raw, "started_at"),
        boot_s=_number(raw.get("boot_s")),
        flush_s=flush_s,
        look_s=_number(raw.get("look_s")) or flush_s,
        given=_object(raw.get("given")),
        version=_text(raw, "version"),
        name_is_shared=raw.get("name_is_shared") is not False,
        schema=_text(raw, "schema"),
    )


def _identity(raw: Raw) -> Identity:
    return Identity(
        host=_text(raw, "host"),
        boot_id=_text(raw, "boot_id"),
        pid=_count(raw.get("pid")),
        process_start=_text(raw, "process_start"),
        launcher=_text(raw, "launcher", "none"),
        rank=_count(raw.get("rank")),
        local_rank=_count(raw.get("local_rank")),
        world_size=max(1, _count(raw.get("world_size"), 1)),
        local_world_size=max(1, _count(raw.get("local_world_size"), 1)),
        node_rank=_count(raw.get("node_rank")),
        nodes=max(1, _count(raw.get("nodes"), 1)),
        restart=_count(raw.get("restart")),
        launch=_text(raw, "launch"),
        job=_text(raw, "job"),
        metered_by_parent=bool(raw.get("metered_by_parent")),
    )


def _found(raw: Raw) -> FoundLine:
    return FoundLine(given=_object(raw.get("given")))


def _estimate(raw: Raw) -> EstimateLine:
    return EstimateLine(record=_object(raw.get("record")))


def _meter(raw: Raw) -> MeterLine:
    channels = tuple(
        Channel(component=_text(one, "component"), how=_how(one), source=_text(one, "source"))
        for one in _objects(raw.get("channels"))
    )
    boards = tuple(
        Board(uuid=_text(one, "uuid"), name=_text(one, "name"), index=_count(one.get("index")))
        for one in _objects(raw.get("devices"))
    )
    return MeterLine(boot_s=_number(raw.get("boot_s")), channels=channels, devices=boards)


def _how(raw: Raw) -> Any:
    how = raw.get("how")
    return how if how in ("measured", "modelled", "absent") else "modelled"


def _state_fields(raw: Raw) -> dict[str, Any]:
    phases = _object(raw.get("phases"))
    used = raw.get("used")
    return {
        "boot_s": _number(raw.get("boot_s")),
        "run_s": _number(raw.get("run_s")),
        "suspended_s": _number(raw.get("suspended_s")),
        "steps": _count(raw.get("steps")),
        "tokens": _number(raw.get("tokens")),
        "samples": _number(raw.get("samples")),
        "step_s": _number_or_none(raw.get("step_s")),
        "kwh": _amounts(raw.get("kwh")),
        "unseen_s": _amounts(raw.get("unseen_s")),
        "stood_in_s": _amounts(raw.get("stood_in_s")),
        "cpu_s": _number_or_none(raw.get("cpu_s")),
        "waited_s": _number_or_none(raw.get("waited_s")),
        "machine_share": _number_or_none(raw.get("machine_share")),
        "phases": {
            name: PhaseTotal(s=_number(part.get("s")), kwh=_number(part.get("kwh")))
            for name, part in phases.items()
            if isinstance(part, dict)
        },
        "device_kwh": _amounts(raw.get("device_kwh")),
        "used": tuple(map(str, used)) if isinstance(used, list) else (),
        "forecast": _forecast(raw.get("forecast")),
        "faults": _count(raw.get("faults")) or None,
    }


def _state(raw: Raw) -> StateLine:
    return StateLine(**_state_fields(raw))


def _end(raw: Raw) -> EndLine:
    error = raw.get("error")
    return EndLine(
        **_state_fields(raw),
        status=_text(raw, "status", "completed"),
        error=None if error is None else str(error),
    )


def _forecast(value: Any) -> ForecastHours | None:
    if not isinstance(value, list) or len(value) != 4:
        return None
    progress, low_h, mid_h, high_h = map(_number, value)
    return ForecastHours(progress=progress, low_h=low_h, mid_h=mid_h, high_h=high_h)


def _fault(raw: Raw) -> FaultLine:
    what = _text(raw, "what")[:300]
    return FaultLine(what=what, component=_text(raw, "component"), run_s=_number(raw.get("run_s")))


def _budget(raw: Raw) -> BudgetLine:
    return BudgetLine(
        budget=_text(raw, "budget"),
        value=_number(raw.get("value")),
        forecast=_number_or_none(raw.get("forecast")),
        reached=raw.get("reached") is True,
        stop=_count(raw.get("stop")) or None,
        why=_text(raw, "why") or None,
    )


_PARSERS: dict[str, Callable[[Raw], JournalLine]] = {
    "start": _start, "found": _found, "estimate": _estimate, "meter": _meter, "state": _state, "end": _end,
    "fault": _fault, "budget": _budget,
}  # fmt: skip


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _number_or_none(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _count(value: Any, default: int = 0) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else default


def _text(raw: Raw, name: str, default: str = "") -> str:
    return str(raw.get(name, default))


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _objects(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _amounts(value: Any) -> dict[str, float]:
    return {name: _number(amount) for name, amount in _object(value).items()}
