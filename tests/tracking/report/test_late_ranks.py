"""Ranks of one launch that run one after the other: each one's work is in one row, whoever is killed when."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from footprint.results.row_reader import read_rows
from footprint.tracking.report.archive import open_archive
from footprint.tracking.report.recovery import recover
from footprint.tracking.report.report_claim import Claims
from footprint.tracking.report.summaries import list_runs
from footprint.tracking.totals.segments import segments_of
from tests.tracking.fault_harness import ROOT
from tests.tracking.journal_cluster import Cluster

RANK = """
import os, signal, sys, time
import footprint
def kill(*a, **k): os.kill(os.getpid(), signal.SIGKILL)
exec(sys.argv[1])
options = {"meter": "constant:360W", "flush_s": 0.05, "quiet": True, "csv": "runs.csv", "run_id": "late"}
with footprint.track(**options) as run:
    for _ in range(3):
        time.sleep(0.05)
        run.step(tokens=10 ** (3 * int(os.environ["RANK"])))
    exec(sys.argv[2])
"""
"""A rank's tokens are 3 x 1000^rank, so that each sum says whose they are."""
AT_CLAIM = "import footprint.tracking.run.end_report as end_report; end_report.write_rows = kill"
ON_DISK = (
    "from pathlib import Path; name = f'*-{os.getpid()}-*.jsonl'\n"
    "while not any('\"steps\":3,' in p.read_text() for p in Path('footprint-runs/late').glob(name)): pass\n"
)
AT_SETTLING = "from footprint.tracking.report.report_claim import Claim; Claim.settle = kill"


def rank(folder: Path, number: int, of: int, before: str = "", within: str = "", **environ: str) -> int:
    """Run one rank as torchrun would start it, until it has ended; its exit code."""
    who = {
        "RANK": number, "LOCAL_RANK": number, "WORLD_SIZE": of, "LOCAL_WORLD_SIZE": of, "GROUP_RANK": 0,
        "GROUP_WORLD_SIZE": 1, "TORCHELASTIC_RUN_ID": "job", "TORCHELASTIC_RESTART_COUNT": 0,
        "MASTER_ADDR": "localhost", "MASTER_PORT": 29500,
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", RANK, before, within], cwd=folder, check=False, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), **{k: str(v) for k, v in who.items()}, **environ},
    )  # fmt: skip
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode


def rows_of(folder: Path) -> list[dict[str, Any]]:
    path = folder / "runs.csv"
    return [dict(row) for row in read_rows(path, kind="measurement")[0]] if path.exists() else []


def tokens(rows: list[dict[str, Any]]) -> int:
    return round(sum(float(row["workload_tokens"]) for row in rows))


def starts(rows: list[dict[str, Any]]) -> list[str]:
    return [str(row["started_at"]) for row in rows]


@pytest.mark.parametrize("order", [(1, 0), (0, 2, 1)])
def test_ranks_one_after_the_other(tmp_path: Path, order: tuple[int, ...]) -> None:
    written = []
    for number in order:
        rank(tmp_path, number, len(order))
        written.append(tokens(rows_of(tmp_path)))
    rows = rows_of(tmp_path)
    expected = [3 * 1000**number for number in order]
    assert written == [sum(expected[: n + 1]) for n in range(len(order))]  # a row at the end of each
    assert [row["status"] for row in rows] == ["incomplete"] * (len(order) - 1) + ["completed"]
    assert len(set(starts(rows))) == len(rows)
    assert recover(open_archive([tmp_path / "footprint-runs"])) == []
    whole = open_archive([tmp_path / "footprint-runs"]).report("late").measurement
    assert whole.status == "completed"
    assert whole.workload.tokens == sum(expected)
    hours = [float(row["duration_h_mid"]) for row in rows]
    assert whole.duration_h.mid == pytest.approx(sum(hours))
    assert float(rows[order.index(0)]["it_energy_kwh_mid"]) > 0  # the first rank of a node reads its meter
    (listed,), problems = list_runs([tmp_path / "footprint-runs"])
    assert (listed.status, problems) == ("completed", [])
    assert listed.duration_h == pytest.approx(sum(hours))


def test_a_rank_that_never_starts_leads_to_a_row(tmp_path: Path) -> None:
    rank(tmp_path, 0, 8)
    (row,) = rows_of(tmp_path)
    assert (row["status"], tokens([row])) == ("incomplete", 3)
    assert recover(open_archive([tmp_path / "footprint-runs"])) == []
    report = open_archive([tmp_path / "footprint-runs"]).report("late")
    assert "7 of 8 ranks" in " ".join(report.measurement.warnings)


def test_a_late_rank_that_is_killed_is_recovered_alone(tmp_path: Path) -> None:
    rank(tmp_path, 1, 2)
    assert rank(tmp_path, 0, 2, within=f"{ON_DISK}kill()") == -signal.SIGKILL
    assert tokens(rows_of(tmp_path)) == 3000
    (done,) = recover(open_archive([tmp_path / "footprint-runs"]))
    assert done.status == "killed"
    assert tokens(rows_of(tmp_path)) == 3003
    assert recover(open_archive([tmp_path / "footprint-runs"])) == []
    assert len(rows_of(tmp_path)) == 2


@pytest.mark.parametrize("moment", [AT_CLAIM, AT_SETTLING])
@pytest.mark.parametrize("by_recover", [False, True])
def test_a_claimer_that_is_killed_before_the_late_one_begins(
    tmp_path: Path, moment: str, by_recover: bool
) -> None:
    assert rank(tmp_path, 1, 2, before=moment) == -signal.SIGKILL
    there = rows_of(tmp_path)
    assert tokens(there) == (3000 if moment == AT_SETTLING else 0)
    if by_recover:
        recover(open_archive([tmp_path / "footprint-runs"]))
    rank(tmp_path, 0, 2)  # else its end does both
    recover(open_archive([tmp_path / "footprint-runs"]))
    rows = rows_of(tmp_path)
    assert tokens(rows) == 3003
    assert len(rows) == len(set(starts(rows))) == 2
    assert rows[: len(there)] == there  # nothing that was written is changed


def test_a_late_claimer_that_is_killed_after_its_row(tmp_path: Path) -> None:
    rank(tmp_path, 1, 2)
    rank(tmp_path, 0, 2, before=AT_SETTLING)
    before = rows_of(tmp_path)
    assert tokens(before) == 3003
    recover(open_archive([tmp_path / "footprint-runs"]))
    assert rows_of(tmp_path) == before
    assert recover(open_archive([tmp_path / "footprint-runs"])) == []


RECOVER = "from footprint.cli import main; main(['recover', 'runs', '--csv', 'runs.csv'])"


def late_launches(folder: Path, runs: int, ranks: int) -> None:
    """Launches whose ranks ran one after the other and were all killed; of each, two ranks are reported."""
    cluster = Cluster(folder)
    for run in range(runs):
        for number in range(ranks):
            began = 100.0 * run + 10 * number
            cluster.rank(
                number, per_node=ranks, run_id=f"r{run}", start=began, end=began + 5, wall_s=10.0 * number,
                launch=f"l{run}", tokens=1000**number, status=None,
            )  # fmt: skip
            if number == 1:
                claims = Claims()
                for segment in segments_of(open_archive([folder]).runs[f"r{run}"]):
                    right = claims.claim(segment)
                    assert right is not None
                    right.settle()


def test_recoveries_at_once_complete_exactly_the_rest(tmp_path: Path) -> None:
    late_launches(tmp_path / "runs", 12, 4)
    programs = [
        subprocess.Popen(
            [sys.executable, "-c", RECOVER], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)},
            text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for _ in range(3)
    ]  # fmt: skip
    said = [program.communicate() for program in programs]
    assert [program.returncode for program in programs] == [0, 0, 0], said
    rows = rows_of(tmp_path)
    assert sorted(row["run_id"] for row in rows) == sorted(f"r{n}" for n in range(12))
    assert {tokens([row]) for row in rows} == {1000**2 + 1000**3}
