"""Parses the output of ``sacct --json`` of Slurm 21.08 to 25: a list of jobs with their steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from footprint.catalog.checks.limits import parse_json
from footprint.errors import DataFileError, FootprintError
from footprint.integrations.slurm.jobs import Job, Step, devices_of, json_number, moment, shown

MOST_VALUES = 8_000_000
"""Of a dump, which may hold many thousand jobs."""


def parse(text: str, origin: str) -> tuple[list[Job], list[str]]:
    """The jobs of a dump in its order, and one line for each unreadable part.

    Raises DataFileError if the text is no JSON or has no list of jobs.
    """
    try:
        tree = parse_json(text, origin, most_values=MOST_VALUES)
    except DataFileError as error:
        raise DataFileError(f"{error}: not the whole output of sacct --json") from None
    entries = tree.get("jobs") if isinstance(tree, dict) else None
    if not isinstance(entries, list):
        raise DataFileError(f"{origin}: JSON without a list of jobs: make the file with sacct --json")
    jobs: list[Job] = []
    problems: list[str] = []
    for number, entry in enumerate(entries, 1):
        try:
            jobs.append(_job(_table(entry)))
        except FootprintError as error:
            problems.append(f"entry {number} of jobs: {error}: left out")
    return jobs, problems


def _table(value: Any) -> Mapping[str, Any]:
    """A JSON object; an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _job(entry: Mapping[str, Any]) -> Job:
    raw = json_number(entry.get("job_id"))
    if raw is None:
        raise FootprintError("no job_id")
    tres = _tres(_table(entry.get("tres")).get("allocated"))
    devices, slices = devices_of(tres)
    time = _table(entry.get("time"))
    energy = tres.get("energy", "")
    return Job(
        job_id=_job_id(entry, int(raw)),
        raw_id=str(int(raw)),
        name=shown(entry.get("name") or "", 80),
        state=_state(entry.get("state")),
        elapsed_s=json_number(time.get("elapsed")),
        devices=devices,
        slices=slices,
        nodes=_whole(entry.get("allocation_nodes")) or _whole_text(tres.get("node", "")),
        node_list=shown(entry.get("nodes") or "", 120),
        partition=shown(entry.get("partition") or ""),
        cluster=shown(entry.get("cluster") or ""),
        submit_s=_moment(time.get("submission")),
        start_s=_moment(time.get("start")),
        energy_j=float(energy) if energy else None,
        steps=tuple(_step(_table(step)) for step in _list(entry.get("steps"))),
    )


def _job_id(entry: Mapping[str, Any], raw: int) -> str:
    """``123_4`` for an array task, ``123+1`` for a component of a het job, else the number."""
    for holder, sign, own, part in (
        ("array", "_", "job_id", "task_id"),
        ("het", "+", "job_id", "job_offset"),
    ):
        table = _table(entry.get(holder))
        parent, index = json_number(table.get(own)), json_number(table.get(part))
        if parent and index is not None:
            return f"{int(parent)}{sign}{int(index)}"
    return str(raw)


def _state(value: Any) -> str:
    """``COMPLETED`` of a text, a list of flags, or ``{"current": either}``."""
    if isinstance(value, dict):
        value = value.get("current")
    if isinstance(value, list):
        value = value[0] if value else None
    return shown(value.split()[0], 30) if isinstance(value, str) and value.strip() else "UNKNOWN"


def _tres(entries: Any) -> dict[str, str]:
    """``{"gres/gpu:v100": "4"}`` of ``[{"type": "gres", "name": "gpu:v100", "count": 4}]``."""
    found: dict[str, str] = {}
    for entry in map(_table, _list(entries)):
        count = json_number(entry.get("count"))
        kind, name = entry.get("type"), entry.get("name")
        if count is None or not isinstance(kind, str):
            continue
        key = f"{kind}/{name}" if isinstance(name, str) and name else kind
        if count != int(count):
            raise FootprintError(f"{shown(key)}: {count} is not a whole number")
        found[key.lower()] = str(int(count))
    return found


def _step(entry: Mapping[str, Any]) -> Step:
    time = _table(entry.get("time"))
    consumed = _table(_table(entry.get("statistics")).get("energy")).get("consumed")
    return Step(
        name=_step_name(_table(entry.get("step")).get("id")),
        elapsed_s=json_number(time.get("elapsed")),
        start_s=_moment(time.get("start")),
        nodes=_whole(_table(entry.get("nodes")).get("count")),
        energy_j=json_number(consumed),
        energy_wraps=not isinstance(consumed, dict),
    )


def _step_name(value: Any) -> str:
    """``batch`` of ``"batch"``, ``"123.batch"`` or ``{"step_id": "batch"}``."""
    if isinstance(value, dict):
        value = value.get("step_id")
    return shown(value).rpartition(".")[2]


def _moment(value: Any) -> float | None:
    number = json_number(value)
    return None if number is None else moment(str(int(number)))


def _whole(value: Any) -> int | None:
    number = json_number(value)
    return None if number is None else int(number)


def _whole_text(text: str) -> int | None:
    return int(text) if text else None
