"""Parses the output of ``sacct -P``: a header, then one row per job and per step, cells separated by bars.

Slurm does not escape a bar inside a job's name. `COMMAND` asks for the name as the last column, where a
bar is harmless. In other files a row is used if its other cells are valid for exactly one position of
the name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from footprint.errors import DataFileError, FootprintError
from footprint.integrations.slurm.jobs import (
    Job,
    Step,
    devices_of,
    moment,
    seconds,
    shown,
    tres_of,
    whole,
)
from footprint.records import replace

FIELDS = (
    "JobID", "JobIDRaw", "State", "ElapsedRaw", "AllocTRES", "ConsumedEnergyRaw", "NNodes", "NodeList",
    "Partition", "Cluster", "Submit", "Start", "End", "JobName",
)  # fmt: skip
COMMAND = f"sacct -P --noconvert --duplicates --format={','.join(FIELDS)}"
_FREE_TEXT = ("jobname", "submitline", "comment", "admincomment", "systemcomment", "workdir", "reason")
"""Columns whose text may hold a bar."""
_JOB_ID = r"(\d{1,20})(?:_(?:\d{1,20}|\[[^\]|]{0,400}\]))?(?:\+\d{1,9})?(?:\.([A-Za-z0-9_+]{1,40}))?"
_STATE = r"[A-Z_?]{1,30}\+?(?: by \S{1,40})?"


def parse(text: str, origin: str) -> tuple[list[Job], list[str]]:
    """The jobs of a text in its order, and one line for each unreadable part.

    Raises DataFileError if the text is no output of ``sacct -P`` with a header and the required columns.
    """
    jobs: list[Job] = []
    steps: list[list[Step]] = []
    latest: dict[tuple[str, str], int] = {}
    problems: list[str] = []
    orphans: dict[str, int] = {}
    for number, row in _rows(text, origin, problems):
        try:
            base, step = _ids(row)
            key = (row.get("cluster", ""), base)
            if step is None:
                jobs.append(_job(row))
                steps.append([])
                latest[key] = len(jobs) - 1
            elif key in latest:
                steps[latest[key]].append(_step(row, step))
            else:
                orphans[base] = orphans.get(base, 0) + 1
        except FootprintError as error:
            problems.append(f"line {number}: {error}: left out")
    if not text.endswith("\n"):
        problems.append(f"{origin}: its last line has no end: it may have been cut")
    for base, count in orphans.items():
        problems.append(
            f"job {base}: only {count} rows of its steps are here, not its own: left out "
            f"(sacct -j {base} gives it)"
        )
    return [replace(job, steps=tuple(own)) for job, own in zip(jobs, steps, strict=True)], problems


def _rows(text: str, origin: str, problems: list[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Line number and cells by lower-case column name of every row under a header."""
    header: list[str] | None = None
    closed = False
    for number, line in enumerate(text.split("\n"), 1):
        line = line.removesuffix("\r")
        if not line.strip():
            continue
        cells = line.split("|")
        names = [cell.strip().lower() for cell in cells]
        if "jobid" in names or "jobidraw" in names:
            closed = names[-1] == ""  # the lower-case option -p ends every line with a bar
            header = names[:-1] if closed else names
            _require_columns(header, origin)
            continue
        if header is None:
            raise DataFileError(f"{origin}: no header of sacct -P; make the file with: {COMMAND}")
        row = _fit(header, cells[:-1] if closed and cells[-1] == "" else cells)
        if row is None:
            problems.append(f"line {number}: {len(cells)} cells where the header has {len(header)}: left out")
        else:
            yield number, row
    if header is None:
        raise DataFileError(f"{origin}: empty; make the file with: {COMMAND}")


def _require_columns(header: Sequence[str], origin: str) -> None:
    wanted = {"elapsedraw": ("elapsedraw", "elapsed"), "alloctres": ("alloctres",), "state": ("state",)}
    missing = [name for name, any_of in wanted.items() if not set(any_of) & set(header)]
    if missing:
        proper = {name.lower(): name for name in FIELDS}
        lacking = ", ".join(proper[name] for name in missing)
        raise DataFileError(f"{origin}: column {lacking} is missing; make the file with: {COMMAND}")


def _fit(header: Sequence[str], cells: list[str]) -> dict[str, str] | None:
    """Cells by column; None if they do not fit the header."""
    extra = len(cells) - len(header)
    if extra < 0:
        return None
    if extra == 0:
        return dict(zip(header, cells, strict=True))
    for column in _FREE_TEXT:
        if column not in header:
            continue
        at = header.index(column)
        joined = [*cells[:at], "|".join(cells[at : at + extra + 1]), *cells[at + extra + 1 :]]
        row = dict(zip(header, joined, strict=True))
        if _makes_sense(row):
            return row
    return None


def _makes_sense(row: Mapping[str, str]) -> bool:
    """Whether every cell of a column with a known form has that form."""
    forms = {
        "jobid": _JOB_ID, "jobidraw": _JOB_ID, "state": _STATE, "elapsedraw": r"\d{0,20}",
        "alloctres": r"(?:[^|=,]+=[^|=,]+(?:,|$))*", "consumedenergyraw": r"\d{0,20}", "nnodes": r"\d{0,10}",
    }  # fmt: skip
    return all(re.fullmatch(form, row[name]) for name, form in forms.items() if name in row)


def _ids(row: Mapping[str, str]) -> tuple[str, str | None]:
    """Raw id of the job, and the step's name where the row is a step's."""
    for column in ("jobidraw", "jobid"):
        if column in row:
            found = re.fullmatch(_JOB_ID, row[column].strip())
            if found is None:
                raise FootprintError(f"{shown(row[column])!r} is no job number")
            base = found.group(1) if column == "jobidraw" else row[column].strip().partition(".")[0]
            return base, found.group(2)
    raise AssertionError("a header has one of the two")


def _job(row: Mapping[str, str]) -> Job:
    notes: list[str] = []
    tres = tres_of(row["alloctres"])
    devices, slices = devices_of(tres)
    job_id = (row.get("jobid") or row["jobidraw"]).strip()
    return Job(
        job_id=shown(job_id),
        raw_id=shown((row.get("jobidraw") or job_id).strip()),
        name=shown(row.get("jobname", "").strip(), 80),
        state=shown((row["state"].split() or ["UNKNOWN"])[0].rstrip("+"), 30) or "UNKNOWN",
        elapsed_s=_elapsed_s(row),
        devices=devices,
        slices=slices,
        nodes=whole(row.get("nnodes") or tres.get("node", "")),
        node_list=shown(row.get("nodelist", ""), 120),
        partition=shown(row.get("partition", "")),
        cluster=shown(row.get("cluster", "")),
        submit_s=moment(row.get("submit", "")),
        start_s=moment(row.get("start", "")),
        energy_j=_energy_j(row, notes),
        notes=tuple(notes),
    )


def _step(row: Mapping[str, str], name: str) -> Step:
    notes: list[str] = []
    return Step(
        name=name,
        elapsed_s=_elapsed_s(row),
        start_s=moment(row.get("start", "")),
        nodes=whole(row.get("nnodes") or tres_of(row["alloctres"]).get("node", "")),
        energy_j=_energy_j(row, notes),
    )


def _elapsed_s(row: Mapping[str, str]) -> float | None:
    return seconds(row["elapsedraw"] if "elapsedraw" in row else row["elapsed"])


def _energy_j(row: Mapping[str, str], notes: list[str]) -> float | None:
    """Joules of a row; an unreadable cell gives a note, because the rest of the row may be valid."""
    text = row.get("consumedenergyraw", "")
    try:
        joules = whole(text)
    except FootprintError as error:
        notes.append(f"ConsumedEnergyRaw: {error}")
        return None
    return None if joules is None else float(joules)
