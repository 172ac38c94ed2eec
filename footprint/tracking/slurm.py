"""Jobs that nobody tracked, from Slurm's own accounts (``sacct``).

Slurm lists a job and its steps as separate rows that overlap in time, so rows are never added
blindly: the job's own row counts where it has an energy, else steps one after the other add up
and steps at the same time do not. ``ConsumedEnergyRaw`` is in joules, is the whole node's, and
is empty, zero or a huge placeholder where the site runs no energy plugin.
"""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from footprint.errors import DataFileError, FootprintError
from footprint.tracking.journal import Journal
from footprint.units import JOULE_PER_KWH

FIELDS = "JobIDRaw,JobName,State,ElapsedRaw,AllocTRES,ConsumedEnergyRaw,NNodes,NodeList,Partition,Start,End"
MOST_NODE_W = 20_000.0
"""More than this a node is a placeholder or another job's energy, not a reading."""
_STATUS = {
    "COMPLETED": "completed", "FAILED": "failed", "NODE_FAIL": "failed", "OUT_OF_MEMORY": "failed",
    "BOOT_FAIL": "failed", "DEADLINE": "terminated", "TIMEOUT": "terminated", "PREEMPTED": "terminated",
    "CANCELLED": "interrupted", "RUNNING": "running", "SUSPENDED": "running", "REQUEUED": "terminated",
}  # fmt: skip
_MOST_TEXT = 64 * 1024 * 1024


@dataclass(slots=True)
class Step:
    """One row of sacct that is a step of a job."""

    name: str
    joule: float | None
    start_s: float
    end_s: float


@dataclass(slots=True)
class Job:
    """One job (or one requeue of it) and its steps."""

    job_id: str
    name: str
    status: str
    elapsed_s: float
    nodes: int
    gpus: int
    gpu_type: str
    started_at: str
    joule: float | None
    steps: list[Step] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def energy_kwh(self) -> float | None:
        """Energy of the job's nodes as Slurm measured it [kWh]; None where it did not."""
        joule = self.joule if self.joule is not None else self._from_steps()
        if joule is None or self.elapsed_s <= 0:
            return None
        if joule / self.elapsed_s > MOST_NODE_W * self.nodes:
            self.notes.append(f"ConsumedEnergyRaw of {joule:.3g} J is impossible and was left out")
            return None
        return joule / JOULE_PER_KWH

    def _from_steps(self) -> float | None:
        """Steps in a row add up, steps at the same time count once; the batch step spans them all."""
        numbered = sorted(
            (step for step in self.steps if step.joule and step.name.isdigit()), key=lambda step: step.start_s
        )
        total, busy_until, peak = 0.0, float("-inf"), 0.0
        for step in numbered:
            joule = step.joule or 0.0
            if step.start_s >= busy_until:
                total, peak = total + joule, joule
            elif joule > peak:
                total, peak = total + joule - peak, joule
            busy_until = max(busy_until, step.end_s)
        batch = max((step.joule or 0.0 for step in self.steps if not step.name.isdigit()), default=0.0)
        best = max(total, batch)
        return best if best > 0 else None


def ask_sacct(job: str) -> str:
    """What ``sacct`` says of a job.

    Raises:
        FootprintError: no sacct here, or it failed.
    """
    if not re.fullmatch(r"[0-9]+([_+.][0-9]+)?", job):
        raise FootprintError(f"{job[:64]!r} is neither a file nor a Slurm job number")
    command = ["sacct", "-j", job, "-P", "--noconvert", f"--format={FIELDS}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603
    except FileNotFoundError:
        raise FootprintError(
            f"sacct is not installed here; on the cluster: {' '.join(command)} > job.txt, "
            "then footprint slurm job.txt"
        ) from None
    except subprocess.TimeoutExpired:
        raise FootprintError("sacct did not answer within 60 s") from None
    if done.returncode:
        raise FootprintError(f"sacct failed: {done.stderr.strip()[:200]}")
    return done.stdout


def read_jobs(text: str, origin: str = "sacct") -> list[Job]:
    """The jobs in the output of ``sacct -P`` (with its header line) or ``sacct --json``.

    Raises:
        DataFileError: neither of the two, or no job in it.
    """
    if len(text) > _MOST_TEXT:
        raise DataFileError(f"{origin}: larger than {_MOST_TEXT} bytes, so not sacct's output")
    jobs = _from_json(text, origin) if text.lstrip().startswith("{") else _from_table(text, origin)
    if not jobs:
        raise DataFileError(f"{origin}: holds no job that ran")
    return jobs


def _from_table(text: str, origin: str) -> list[Job]:
    try:
        rows = list(csv.DictReader(io.StringIO(text), delimiter="|"))
    except csv.Error:
        rows = []
    names = set(rows[0]) if rows else set()
    if not {"JobID", "JobIDRaw"} & names or not {"Elapsed", "ElapsedRaw"} & names:
        raise DataFileError(
            f"{origin}: not sacct's output; use: sacct -j JOB -P --noconvert --format={FIELDS}"
        )
    jobs: list[Job] = []
    for row in rows:
        job_id, _, step = (row.get("JobIDRaw") or row.get("JobID") or "").partition(".")
        if not step:
            jobs.append(_job(job_id, row))
        elif jobs and jobs[-1].job_id == job_id:
            jobs[-1].steps.append(
                Step(
                    step,
                    _joule(row.get("ConsumedEnergyRaw")),
                    _time_s(row.get("Start")),
                    _time_s(row.get("End")),
                )
            )
    return [job for job in jobs if job.elapsed_s > 0]


def _job(job_id: str, row: Mapping[str, str]) -> Job:
    gpus, gpu_type = _gpus(row.get("AllocTRES") or "")
    state = (row.get("State") or "").split()
    return Job(
        job_id=job_id,
        name=(row.get("JobName") or "")[:60],
        status=_STATUS.get(state[0].rstrip("+") if state else "", "failed"),
        elapsed_s=_elapsed_s(row.get("ElapsedRaw") or row.get("Elapsed") or ""),
        nodes=int(row["NNodes"]) if (row.get("NNodes") or "").isdigit() else 1,
        gpus=gpus,
        gpu_type=gpu_type,
        started_at=_iso(row.get("Start") or ""),
        joule=_joule(row.get("ConsumedEnergyRaw")),
    )


def _from_json(text: str, origin: str) -> list[Job]:
    """``sacct --json`` (data parser 0.0.39 and later): times in seconds, energy in joules."""
    try:
        listed = json.loads(text).get("jobs")
    except (ValueError, AttributeError, RecursionError):
        listed = None
    if not isinstance(listed, list):
        raise DataFileError(f"{origin}: not the output of sacct --json")
    jobs = []
    for entry in listed:
        time = entry.get("time") or {}
        tres = ((entry.get("tres") or {}).get("allocated")) or []
        names = [f"{t.get('type')}/{t.get('name')}".rstrip("/") + f"={t.get('count')}" for t in tres]
        gpus, gpu_type = _gpus(",".join(names))
        state = (entry.get("state") or {}).get("current") or ["FAILED"]
        job = Job(
            job_id=str(entry.get("job_id", "")),
            name=str(entry.get("name", ""))[:60],
            status=_STATUS.get(state[0] if isinstance(state, list) else str(state), "failed"),
            elapsed_s=float(_plain(time.get("elapsed")) or 0.0),
            nodes=int(_plain(entry.get("allocation_nodes")) or 1),
            gpus=gpus,
            gpu_type=gpu_type,
            started_at=_iso_of(float(_plain(time.get("start")) or 0.0)),
            joule=_joule(next((t.get("count") for t in tres if t.get("type") == "energy"), None)),
        )
        for step in entry.get("steps") or []:
            times = step.get("time") or {}
            used = ((step.get("tres") or {}).get("consumed") or {}).get("total") or []
            joule = _joule(next((t.get("count") for t in used if t.get("type") == "energy"), None))
            name = str((step.get("step") or {}).get("id", "")).partition(".")[2] or "batch"
            start, end = (float(_plain(times.get(key)) or 0.0) for key in ("start", "end"))
            job.steps.append(Step(name, joule, start, end))
        jobs.append(job)
    return [job for job in jobs if job.elapsed_s > 0]


def _plain(value: Any) -> Any:
    """Newer versions wrap numbers as ``{"set": true, "number": 5}``."""
    return value.get("number") if isinstance(value, Mapping) else value


def _joule(value: Any) -> float | None:
    """Joules of a cell; None where it is empty, zero or one of Slurm's placeholders for no value."""
    try:
        joule = float(_plain(value))
    except (TypeError, ValueError):
        return None
    return joule if 0 < joule < 2**62 and joule not in (2.0**32 - 2, 2.0**32 - 1) else None


def _elapsed_s(text: str) -> float:
    """``ElapsedRaw`` in seconds, or ``Elapsed`` as ``[D-]HH:MM:SS`` [s]."""
    if text.isdigit():
        return float(text)
    match = re.fullmatch(r"(?:([0-9]+)-)?([0-9]+):([0-9]+):([0-9]+)", text.strip())
    if match is None:
        return 0.0
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return float(((days * 24 + hours) * 60 + minutes) * 60 + seconds)


def _gpus(tres: str) -> tuple[int, str]:
    """Number and type of GPUs in a trackable-resources list; typed entries repeat the plain one."""
    plain, typed, kind = 0, 0, ""
    for part in tres.split(","):
        name, _, count = part.partition("=")
        if name == "gres/gpu" and count.isdigit():
            plain = int(count)
        elif name.startswith("gres/gpu:") and count.isdigit():
            typed, kind = typed + int(count), name.removeprefix("gres/gpu:")
    return max(plain, typed), kind


def _time_s(text: str | None) -> float:
    try:
        return datetime.fromisoformat(text or "").timestamp()
    except ValueError:
        return 0.0


def _iso(text: str) -> str:
    return _iso_of(_time_s(text))


def _iso_of(seconds: float) -> str:
    from datetime import UTC

    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def hardware_of(job: Job, given: str | None) -> str | None:
    """The job's cluster as ``NAME:COUNT``: the GPU type Slurm knows, or the given name.

    Raises:
        FootprintError: GPUs of an unknown type and no name given.
    """
    if given is not None and ":" in given:
        return given
    if job.gpus == 0:
        return f"{given}:{job.nodes}" if given else None
    if given:
        return f"{given}:{job.gpus}"
    from footprint.tracking.detect import find_profile

    profile = find_profile(job.gpu_type) if job.gpu_type else None
    if profile is None:
        kind = f"type {job.gpu_type!r}" if job.gpu_type else "no type"
        raise FootprintError(f"job {job.job_id}: {job.gpus} GPUs of {kind}: say which with --hw NAME")
    return f"{profile}:{job.gpus}"


def as_journals(jobs: Sequence[Job], given: Mapping[str, Any], hw: str | None) -> list[Journal]:
    """Each job as the journal it would have left: one process that read its nodes."""
    journals = []
    for index, job in enumerate(jobs):
        energy = job.energy_kwh
        arguments = {**given, "name": job.name or f"Slurm job {job.job_id}"}
        cluster = hardware_of(job, hw)
        if cluster is not None:
            arguments["hw"] = cluster
        node = f"slurm-{job.job_id}-{index}"
        start = {
            "run_id": f"slurm-{job.job_id}", "boot_s": 0.0, "started_at": job.started_at, "given": arguments,
            "process": {"boot_id": node, "host": node, "pid": 0, "launcher": "none", "launch": node},
        }  # fmt: skip
        records: list[dict[str, Any]] = []
        end: dict[str, Any] = {
            "type": "end",
            "boot_s": job.elapsed_s,
            "run_s": job.elapsed_s,
            "status": job.status,
        }
        if energy is not None:
            source = "Slurm ConsumedEnergyRaw (whole nodes; the job's own only if it had them alone)"
            channel = {"component": "node", "how": "measured", "source": source}
            records.append({"type": "meter", "boot_s": 0.0, "channels": [channel]})
            end["kwh"] = {"node": energy}
        records += [{"type": "fault", "what": note} for note in job.notes]
        records.append(end)
        journals.append(Journal(Path(node), start, records, ended=end))
    return journals
