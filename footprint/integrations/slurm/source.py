"""Reads the accounting from Slurm itself, or from a file with its output."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from footprint.errors import DataFileError, FootprintError
from footprint.integrations.slurm import dump
from footprint.integrations.slurm import text as psv
from footprint.integrations.slurm.jobs import Job, shown, utc
from footprint.records import replace

TIMEOUT_S = 60.0
LARGEST_BYTES = 64 * 1024 * 1024
STARTED_AGAIN = ("REQUEUED", "PREEMPTED", "NODE_FAIL", "BOOT_FAIL")
"""Final states of a launch after which Slurm starts the same job again."""


def read_targets(targets: Sequence[str]) -> tuple[list[Job], list[str], str | None]:
    """The launches of job numbers and files without duplicates, problems, and the energy plugin.

    The plugin is known only if Slurm itself was asked. ``-`` is standard input.

    Raises
    ------
    FootprintError
        If Slurm cannot be asked, a file cannot be read, or neither has any job.
    """
    numbers = [target for target in targets if is_job_number(target)]
    files = [target for target in targets if not is_job_number(target)]
    jobs: list[Job] = []
    problems: list[str] = []
    plugin = None
    if numbers:
        found, notes = psv.parse(_ask(numbers), "sacct")
        current, older = without_reused_numbers(found)
        jobs += current
        problems += [*notes, *older]
        plugin = energy_plugin()
        missing = sorted({one for group in numbers for one in group.split(",")} - _answered(found))
        if missing:
            problems.append(f"job {', '.join(missing)}: sacct knows none of this number that is yours")
    for name in files:
        found, notes = parse_any(_read(name), "standard input" if name == "-" else name)
        jobs += found
        problems += notes
    kept = each_once(jobs)
    if not kept:
        raise FootprintError("; ".join(problems[:3]) or f"{', '.join(targets)}: no job in it")
    return kept, problems, plugin


def is_job_number(target: str) -> bool:
    """Whether a text is one job number or several: ``123``, ``123_4``, ``123+1``, ``123,124``."""
    return re.fullmatch(r"\d{1,20}([_+]\d{1,20})?(,\d{1,20}([_+]\d{1,20})?)*", target, re.ASCII) is not None


def parse_any(text: str, origin: str) -> tuple[list[Job], list[str]]:
    """The jobs of a text: JSON if it starts with a brace, else the output of ``sacct -P``."""
    parse = dump.parse if text.lstrip()[:1] in ("{", "[") else psv.parse
    return parse(text, origin)


def _answered(jobs: Sequence[Job]) -> set[str]:
    """The ids of all jobs, arrays and het jobs for which Slurm answered."""
    ids = {job.job_id for job in jobs} | {job.raw_id for job in jobs}
    return ids | {job_id.partition("_")[0].partition("+")[0] for job_id in ids}


def _ask(numbers: Sequence[str]) -> str:
    return _run(
        ["sacct", "-P", "--noconvert", "--duplicates", "-j", ",".join(numbers),
         f"--format={','.join(psv.FIELDS)}"],
        "run it where sacct is and give the FILE: "
        f"{psv.COMMAND} -j {shown(','.join(numbers))} > jobs.txt",
    )  # fmt: skip


def _run(command: list[str], way_out: str) -> str:
    """Standard output of one of Slurm's commands; FootprintError with its message if it fails."""
    name = command[0]
    path = shutil.which(name)
    if path is None:
        raise FootprintError(f"{name} is not on this machine: {way_out}")
    # Print times as seconds since 1970, because Slurm's other formats have no zone.
    environment = {**os.environ, "SLURM_TIME_FORMAT": "%s"}
    try:
        done = subprocess.run(  # noqa: S603 - the user's own Slurm, no shell
            [path, *command[1:]],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise FootprintError(f"{name} gave no answer in {TIMEOUT_S:g} s: {way_out}") from None
    except OSError as error:
        raise FootprintError(f"{name} cannot be run: {error.strerror or error}: {way_out}") from None
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        reason = shown(said[0], 200) if said else f"exit code {done.returncode}"
        raise FootprintError(f"{name} failed: {reason}")
    return done.stdout.decode("utf-8", "replace")


def energy_plugin() -> str | None:
    """The energy plugin of this cluster (``ipmi``, ``rapl``, ...); None if scontrol does not print it."""
    try:
        told = _run(["scontrol", "show", "config"], "")
    except FootprintError:
        return None
    for line in told.splitlines():
        key, _, value = line.partition("=")
        if key.strip() == "AcctGatherEnergyType":
            return value.strip().rpartition("/")[2] or None
    return None


def _read(name: str) -> str:
    """Text of a file or of standard input."""
    try:
        if name == "-":
            data = sys.stdin.buffer.read(LARGEST_BYTES + 1)
        else:
            path = Path(name)
            if not path.exists():
                raise DataFileError(f"{shown(name, 200)}: neither a job number nor a file that exists")
            if not path.is_file():
                raise DataFileError(f"{shown(name, 200)}: not a file")
            with path.open("rb") as file:
                data = file.read(LARGEST_BYTES + 1)
    except (OSError, ValueError) as error:
        raise DataFileError(f"{shown(name, 200)}: {getattr(error, 'strerror', None) or error}") from None
    if len(data) > LARGEST_BYTES:
        raise DataFileError(f"{shown(name, 200)}: larger than {LARGEST_BYTES >> 20} MiB: split it")
    if b"\0" in data:
        raise DataFileError(f"{shown(name, 200)}: not a text file")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DataFileError(f"{shown(name, 200)}: not a text file (UTF-8)") from None


def without_reused_numbers(jobs: Sequence[Job]) -> tuple[list[Job], list[str]]:
    """The newest job of each number with its earlier launches, and notes on the jobs left out.

    Slurm may reuse job numbers. An older record of a number is another job, unless its final state is
    one after which Slurm starts the same job again.
    """
    kept: list[Job] = []
    older: list[str] = []
    for group in _by_number(jobs).values():
        chain = [group[-1]]
        for job in reversed(group[:-1]):
            if job.state not in STARTED_AGAIN:
                left = group[: len(group) - len(chain)]
                older += [
                    f"job {one.job_id}: another of this number ({one.state.lower()}, started "
                    f"{utc(one.start_s) or 'never'}) is left out: a FILE can hold both"
                    for one in left
                ]
                break
            chain.append(job)
        kept += reversed(chain)
    return kept, older


def _by_number(jobs: Sequence[Job]) -> dict[tuple[str, str], list[Job]]:
    groups: dict[tuple[str, str], list[Job]] = {}
    for job in jobs:
        groups.setdefault((job.cluster, job.raw_id), []).append(job)
    for group in groups.values():
        group.sort(key=lambda job: job.start_s or job.submit_s or 0.0)
    return groups


def each_once(jobs: Sequence[Job]) -> list[Job]:
    """The launches in order without duplicates, numbered if a job has several.

    The same launch may occur twice, in two files or in two records of a job that still ran. The longer
    record is the later one and is used.
    """
    latest: dict[tuple[object, ...], Job] = {}
    for job in _with_cluster(jobs):
        if job.start_s is not None:
            key: tuple[object, ...] = (job.cluster, job.raw_id, job.start_s)
        else:
            key = (job.cluster, job.raw_id, job.state, job.elapsed_s, job.energy_j)
        known = latest.get(key)
        if known is None or _length(job) > _length(known):
            latest[key] = job
    numbered: list[Job] = []
    for group in _by_number(list(latest.values())).values():
        ran = [job for job in group if job.elapsed_s] or group[-1:]
        numbered += [replace(job, launch=launch, launches=len(ran)) for launch, job in enumerate(ran, 1)]
    return numbered


def _with_cluster(jobs: Sequence[Job]) -> list[Job]:
    """The jobs; if all named clusters are the same, jobs without a cluster get its name."""
    names = {job.cluster for job in jobs} - {""}
    if len(names) != 1:
        return list(jobs)
    (name,) = names
    return [job if job.cluster else replace(job, cluster=name) for job in jobs]


def _length(job: Job) -> tuple[float, int]:
    return job.elapsed_s or 0.0, len(job.steps)
