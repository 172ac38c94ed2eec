"""Claims: each process of a launch is covered by one of them, whatever each claimer sees of the others."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from footprint.results.row_reader import read_rows
from footprint.tracking.report import report_claim
from footprint.tracking.report.archive import open_archive
from footprint.tracking.report.recovery import recover
from footprint.tracking.report.report_claim import Claims, key_of
from footprint.tracking.totals.segments import Segment, segments_of
from tests.tracking.fault_harness import ROOT
from tests.tracking.journal_cluster import Cluster


def rows_of(folder: Path) -> list[dict[str, Any]]:
    return [dict(row) for row in read_rows(folder / "runs.csv", kind="measurement")[0]]


def tokens(rows: list[dict[str, Any]]) -> int:
    return round(sum(float(row["workload_tokens"]) for row in rows))


CLAIM = """
import sys
from pathlib import Path
from footprint.tracking.report.archive import open_archive
from footprint.tracking.report.report_claim import Claims, key_of
from footprint.tracking.totals.segments import Segment, segments_of
import random
(processes,) = open_archive([Path("runs")]).runs.values()
(segment,) = segments_of(processes)
print("ready", flush=True); sys.stdin.readline()
claims, chance = Claims(), random.Random(int(sys.argv[1]))
for _ in range(40):  # each sees another part of the launch, as on a disk that shows files late
    seen = Segment(chance.sample(segment.processes, chance.randint(1, len(segment.processes))))
    right = claims.claim(seen)
    if right is not None:
        print(*map(key_of, right.processes), flush=True)
        right.settle() if chance.random() < 0.7 else right.give_up()
        if chance.random() < 0.3: claims = Claims()
"""


def test_claims_of_many_processes_never_cover_one_twice(tmp_path: Path) -> None:
    """Six processes claim what they see of a launch, at once; some settle and some give up."""
    cluster = Cluster(tmp_path / "runs")
    for number in range(24):
        cluster.rank(number, per_node=24, run_id="r", start=float(number), status=None)
    programs = [
        subprocess.Popen(
            [sys.executable, "-c", CLAIM, str(seed)], cwd=tmp_path, text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        for seed in range(6)
    ]  # fmt: skip
    for program in programs:
        assert program.stdout is not None
        program.stdout.readline()
    for program in programs:
        assert program.stdin is not None
        program.stdin.write("\n")
        program.stdin.flush()
    for program in programs:
        program.communicate()
        assert program.returncode == 0
    kept = [json.loads(path.read_text()) for path in (tmp_path / "runs" / "r").glob(".reported-*")]
    settled = [key for claim in kept if claim["written"] for key in claim["covers"].split()]
    assert settled
    assert len(settled) == len(set(settled))
    moments = [claim["started_at"] for claim in kept if claim["written"]]
    assert len(moments) == len(set(moments))


def segment_in(folder: Path) -> Segment:
    (processes,) = open_archive([folder]).runs.values()
    (segment,) = segments_of(processes)
    return segment


def test_a_claim_made_from_an_old_list_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between its list and its file, others claimed, were killed, and were followed with a later number."""
    cluster = Cluster(tmp_path)
    for number in range(2):
        cluster.rank(number, per_node=2, start=float(number), status=None)
    segment = segment_in(tmp_path)
    free = report_claim._next

    def late(*_: Any) -> int:
        monkeypatch.setattr(report_claim, "_next", free)
        given_up = Claims().claim(segment)
        assert given_up is not None
        given_up.give_up()
        other = Claims().claim(segment)
        assert other is not None
        other.settle()
        return 0  # the number that was free when the list was made, and is free again

    monkeypatch.setattr(report_claim, "_next", late)
    assert Claims().claim(segment) is None
    assert [path.name for path in (tmp_path / "r").glob(".reported-*")] == [".reported-1"]


def test_ranks_that_began_in_the_same_millisecond_have_different_starts(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path / "runs")
    cluster.rank(1, per_node=2, start=10.0, end=20.0, status=None)
    csv = tmp_path / "runs.csv"
    recover(open_archive([tmp_path / "runs"]), csv)
    cluster.rank(0, per_node=2, start=10.0001, end=20.0001, wall_s=10.0, status=None)  # seen late
    recover(open_archive([tmp_path / "runs"]), csv)
    rows = rows_of(tmp_path)
    assert [row["started_at"][-10:] for row in rows] == [".000+00:00", ".001+00:00"]


def test_a_node_that_begins_after_the_others_were_reported(tmp_path: Path) -> None:
    cluster, csv = Cluster(tmp_path / "runs"), tmp_path / "runs.csv"
    cluster.rank(0, per_node=1, nodes=2, node=0, end=100.0, tokens=1)
    recover(open_archive([tmp_path / "runs"]), csv)
    cluster.rank(1, per_node=1, nodes=2, node=1, start=60.0, end=300.0, tokens=1000)
    recover(open_archive([tmp_path / "runs"]), csv)
    assert recover(open_archive([tmp_path / "runs"]), csv) == []
    rows = rows_of(tmp_path)
    assert [(row["status"], tokens([row])) for row in rows] == [("incomplete", 1), ("completed", 1000)]
    # 300 W of host each, for 100 s and for 240 s
    energy = [float(row["it_energy_kwh_mid"]) for row in rows]
    assert energy == pytest.approx([300 * 100 / 3.6e6, 300 * 240 / 3.6e6], rel=0.01)


@pytest.mark.parametrize("rows_in", ["runs.csv", "other.csv"])
def test_nodes_with_a_folder_each_are_merged_where_no_row_of_one_is(tmp_path: Path, rows_in: str) -> None:
    for node in range(2):
        cluster = Cluster(tmp_path / f"node{node}")
        cluster.rank(node, per_node=1, nodes=2, node=node, start=5.0 * node, tokens=1000**node)
        recover(open_archive([tmp_path / f"node{node}"]), tmp_path / rows_in)  # each knows a part
    folders = [tmp_path / f"node{node}" for node in range(2)]
    recover(open_archive(folders), tmp_path / "runs.csv")
    recover(open_archive(folders), tmp_path / "runs.csv")
    rows = rows_of(tmp_path)
    assert tokens(rows) == 1001
    expected = ["incomplete", "incomplete"] if rows_in == "runs.csv" else ["completed"]
    assert [row["status"] for row in rows] == expected


@pytest.mark.parametrize(("written", "again"), [(True, 0), (False, 1)])
def test_claims_of_earlier_versions_count(tmp_path: Path, written: bool, again: int) -> None:
    """They named their segment by its launches, and no processes."""
    cluster = Cluster(tmp_path)
    cluster.rank(0, per_node=1)
    name = hashlib.sha256(b"boot-n0/n0.0").hexdigest()[:12]
    owner = {"boot_id": "gone", "pid": 7, "process_start": "1", "image": ""}
    path = tmp_path / "r" / f".reported-{name}"
    path.write_text(json.dumps({"written": written, **owner}))
    os.utime(path, (0, 0))
    assert len(recover(open_archive([tmp_path]), tmp_path / "runs.csv")) == again


def test_a_claim_of_another_user_is_not_believed(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("to give a file away needs root")
    cluster = Cluster(tmp_path)
    cluster.rank(0, per_node=1)
    segment = segment_in(tmp_path)
    right = Claims().claim(segment)
    assert right is not None
    assert right.path is not None
    right.settle()
    assert Claims().claim(segment) is None
    os.chown(right.path, 12345, 12345)
    mine = Claims().claim(segment)
    assert mine is not None
    assert [key_of(process) for process in mine.processes] == [key_of(segment.processes[0])]
