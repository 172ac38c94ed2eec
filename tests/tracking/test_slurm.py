"""Slurm's accounts: joules, placeholders, and rows that overlap."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footprint.errors import FootprintError
from footprint.tracking.merge import runs_of
from footprint.tracking.report import report_on
from footprint.tracking.slurm import as_journals, ask_sacct, read_jobs

HEADER = "JobIDRaw|JobName|State|ElapsedRaw|AllocTRES|ConsumedEnergyRaw|NNodes|NodeList|Partition|Start|End\n"
TRES = "billing=64,cpu=64,energy=7200000,gres/gpu:v100=8,gres/gpu=8,mem=480G,node=2"


def row(job: str, joule: str = "", start: str = "10:00:00", end: str = "11:00:00", state: str = "COMPLETED",
        tres: str = TRES, elapsed: str = "3600", nodes: str = "2") -> str:  # fmt: skip
    day = "2026-03-01T"
    return f"{job}|train|{state}|{elapsed}|{tres}|{joule}|{nodes}|n[1-2]|gpu|{day}{start}|{day}{end}\n"


def measured(text: str, hw: str | None = None, **given: object):
    ((run_id, processes),) = runs_of(as_journals(read_jobs(text), {"pue": 1.0, **given}, hw)).items()
    return report_on(run_id, processes).measurement


def test_job_and_steps_are_not_added() -> None:
    text = (
        HEADER
        + row("9", "7200000")
        + row("9.batch", "7000000")
        + row("9.extern", "7200000")
        + row("9.0", "7100000")
    )
    got = measured(text)
    assert got.it_energy_kwh.mid == pytest.approx(2.0)  # 7.2 MJ
    assert (got.duration_h.mid, got.status) == (1.0, "completed")
    assert got.cluster.accelerator == "v100-sxm2-16gb"
    assert got.cluster.count == 8
    assert [(meter.component, meter.how) for meter in got.meters] == [("node", "measured")]


@pytest.mark.parametrize(
    ("steps", "joule"),
    [
        (
            [("0", "10:00:00", "10:20:00", 1e6), ("1", "10:20:00", "11:00:00", 3e6)],
            4e6,
        ),  # one after the other
        ([("0", "10:00:00", "11:00:00", 3e6), ("1", "10:10:00", "10:50:00", 2e6)], 3e6),  # at the same time
        ([("batch", "10:00:00", "11:00:00", 5e6), ("0", "10:00:00", "10:59:00", 4e6)], 5e6),
        (
            [("batch", "10:00:00", "11:00:00", 2e6), ("0", "10:00:00", "10:59:00", 4e6)],
            4e6,
        ),  # batch: one node
        ([("0", "10:00:00", "11:00:00", 0)], None),
    ],
)
def test_steps_where_the_job_has_no_energy(steps: list, joule: float | None) -> None:
    text = HEADER + row("9") + "".join(row(f"9.{n}", f"{j:.0f}", start, end) for n, start, end, j in steps)
    (job,) = read_jobs(text)
    assert job.energy_kwh == (None if joule is None else pytest.approx(joule / 3.6e6))


@pytest.mark.parametrize("joule", ["", "0", "18446744073709551614", "4294967294", "nan", "-5", "1e15", "n/a"])
def test_placeholders_are_no_readings(joule: str) -> None:
    got = measured(HEADER + row("9", joule))
    hows = {meter.component: meter.how for meter in got.meters}
    assert hows["accelerators"] == "modelled"  # hours and hardware are known, watts are not
    assert "node" not in hows
    # 8 V100 in one node form, half a node idle power to rated maximum, for an hour
    assert 1.0 < got.it_energy_kwh.mid < 3.5


def test_a_job_without_a_known_gpu_type_asks_for_it() -> None:
    text = HEADER + row("9", tres="cpu=8,gres/gpu=4,node=1")
    with pytest.raises(FootprintError, match="--hw"):
        measured(text)
    assert measured(text, "a100").cluster.count == 4
    assert measured(text, "a100:16").cluster.count == 16


def test_elapsed_in_words_and_cancelled_jobs() -> None:
    text = "JobID|State|Elapsed|AllocTRES|NNodes\n9|CANCELLED by 1000|1-02:03:04|gres/gpu:v100=1|1\n"
    got = measured(text)
    assert got.duration_h.mid * 3600 == 26 * 3600 + 3 * 60 + 4
    assert got.status == "interrupted"


def test_requeues_are_segments() -> None:
    text = HEADER + row("9", "3600000", state="PREEMPTED") + row("9", "3600000", "12:00:00", "13:00:00")
    got = measured(text)
    assert [segment.status for segment in got.segments] == ["terminated", "completed"]
    assert got.it_energy_kwh.mid == pytest.approx(2.0)


def test_json_of_a_newer_slurm() -> None:
    job = {
        "job_id": 9, "name": "train", "state": {"current": ["COMPLETED"]}, "allocation_nodes": 1,
        "time": {"elapsed": 3600, "start": {"set": True, "number": 1772359200}},
        "tres": {"allocated": [{"type": "gres", "name": "gpu:v100", "count": 8}]},
        "steps": [{
            "step": {"id": "9.0"}, "time": {"start": 1772359200, "end": 1772362800},
            "tres": {"consumed": {"total": [{"type": "energy", "count": 7200000}]}},
        }],
    }  # fmt: skip
    got = measured(json.dumps({"jobs": [job]}))
    assert got.it_energy_kwh.mid == pytest.approx(2.0)
    assert got.cluster.count == 8


@given(st.text(max_size=300) | st.binary(max_size=200).map(lambda b: b.decode("latin-1")))
def test_anything_else_is_a_clear_error(text: str) -> None:
    with pytest.raises(FootprintError, match=r"sacct|no job"):
        read_jobs(text)


def test_no_sacct_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FootprintError, match="not installed"):
        ask_sacct("123")
    with pytest.raises(FootprintError, match="neither a file nor"):
        ask_sacct("../etc; rm -rf")


def test_asking_sacct(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake = tmp_path / "sacct"
    fake.write_text(f"#!/bin/sh\necho \"$@\" > {tmp_path}/asked\ncat <<'X'\n{HEADER}{row('9', '7200000')}X\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    assert measured(ask_sacct("9")).it_energy_kwh.mid == pytest.approx(2.0)
    assert (tmp_path / "asked").read_text().startswith("-j 9 -P --noconvert --format=JobIDRaw,")
