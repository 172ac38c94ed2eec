"""Real torchrun launches on this machine: one meter a node, tokens of every rank, one stop."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from footprint.results.row_reader import read_rows
from footprint.tracking.report.archive import open_archive

pytest.importorskip("torch")
pytestmark = [pytest.mark.live, pytest.mark.slow]
ROOT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


HERE = Path(__file__).parent
TORCHRUN = ("-m", "torch.distributed.run")
FORKING = (str(HERE / "forking_torchrun.py"),)


def launch(
    folder: Path, options: dict, *arguments: str, ranks: int = 2, program: tuple[str, ...] = FORKING
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *program, "--nproc-per-node", str(ranks), *arguments,
         str(HERE / "ddp_train.py"), json.dumps(options)],
        cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
    )  # fmt: skip


def wait(process: subprocess.Popen[str]) -> str:
    try:
        _, err = process.communicate(timeout=1800)
    except subprocess.TimeoutExpired:
        process.kill()
        _, err = process.communicate()
    return err


def test_one_node_two_ranks(tmp_path: Path) -> None:
    process = launch(tmp_path, {"csv": "runs.csv"}, "--standalone", program=TORCHRUN)
    err = wait(process)
    assert process.returncode == 0, err
    archive = open_archive([tmp_path / "footprint-runs"])
    assert len(archive.runs) == 1
    got = archive.report("last")
    assert (got.measurement.workload.steps, got.measurement.workload.tokens) == (40, 2 * 40 * 128)
    assert sorted(process.metered for process in got.totals.processes) == [False, True]
    # Two meters would give twice as much; a busy machine starts and ends a meter late.
    assert got.measurement.it_energy_kwh.mid == pytest.approx(360 * got.measurement.duration_h.mid, rel=0.4)
    assert got.measurement.status == "completed"
    assert len(read_rows(tmp_path / "runs.csv", kind="measurement")[0]) == 1  # the last one out wrote it
    assert err.count("footprint: run") in (2, 3)  # rank 0 at the start and its end, and whoever ended last
    assert err.count("at the facility") == 1


def test_every_rank_stops_at_the_same_step(tmp_path: Path) -> None:
    options = {"steps": 2000, "budget": "0.2 kWh", "on_budget": "stop"}
    process = launch(tmp_path, options, "--standalone")
    err = wait(process)
    assert process.returncode == 0, err  # ranks at different steps would hang in the all-reduce
    results = [(tmp_path / f"done-{rank}-0").read_text().split() for rank in range(2)]
    assert results[0] == results[1]
    assert results[0][0] == "stopped_by_budget"
    measured = open_archive([tmp_path / "footprint-runs"]).report("last").measurement
    assert measured.status == "stopped_by_budget"
    # How far it goes beyond the budget depends on the machine: a step and a flush, however long they take.
    assert measured.energy_kwh.mid > 0.9 * 0.2
    assert measured.it_energy_kwh.mid == pytest.approx(360 * measured.duration_h.mid, rel=0.4)
    assert measured.workload.steps < 2000


def test_a_rank_that_dies_and_an_elastic_restart(tmp_path: Path) -> None:
    options = {"die_at": 20, "die_rank": 1, "csv": "runs.csv"}
    process = launch(tmp_path, options, "--standalone", "--max-restarts", "3")
    err = wait(process)
    assert process.returncode == 0, err
    archive = open_archive([tmp_path / "footprint-runs"])
    assert len(archive.runs) == 1
    got = archive.report("last")
    assert [segment.status for segment in got.measurement.segments][1] == "completed"
    assert got.measurement.segments[0].status != "completed"
    assert 15 <= got.measurement.segments[0].steps <= 20
    assert got.measurement.segments[1].steps == 40
    node_s = sum(segment.duration_h for segment in got.measurement.segments) * 3600
    assert got.measurement.it_energy_kwh.mid * 3.6e6 / 360e3 == pytest.approx(node_s, rel=0.1)


@pytest.mark.parametrize("named", [True, False])
def test_two_nodes_with_a_folder_each(tmp_path: Path, named: bool) -> None:
    """Two launchers with separate folders stand for two nodes without a shared disk."""
    port = free_port()
    processes = []
    for node in range(2):
        folder = tmp_path / f"node{node}"
        folder.mkdir()
        name = ("--rdzv-id", "job-7") if named else ()
        processes.append(
            launch(
                folder, {}, "--nnodes", "2", "--node-rank", str(node), "--master-addr", "127.0.0.1",
                "--master-port", str(port), *name, ranks=1,
            )
        )  # fmt: skip
    errors = [wait(process) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], errors
    folders = [tmp_path / f"node{node}" / "footprint-runs" for node in range(2)]
    alone = open_archive(folders[:1]).report("last")
    assert alone.measurement.status == "incomplete"
    assert "node 1 of 2 never reported" in alone.measurement.warnings
    archive = open_archive(folders)
    assert len(archive.runs) == 1
    both = archive.report("last")
    assert both.measurement.status == "completed"
    assert both.measurement.workload.tokens == 2 * alone.measurement.workload.tokens
    # both "nodes" are this machine, so its meter counts once
    assert both.measurement.it_energy_kwh.mid == pytest.approx(alone.measurement.it_energy_kwh.mid, rel=0.2)
