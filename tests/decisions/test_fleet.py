"""A sweep on a Dask scheduler with two worker processes on loopback: the local run's bytes, or an error."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from footprint import scheduler
from footprint.decisions.streams import Stream
from footprint.errors import FootprintError
from footprint.reports.decisions.sweeps.sweep_files import write_sweep
from footprint.scheduler import in_order
from tests.cli.run import footprint
from tests.conftest import ROOT

pytest.importorskip("distributed")
AXES = {
    "model": ["bert-base", "gpt2", "llama2-7b"],
    "hw": ["v100:8", "h100:8", "h100:64"],
    "seq_len": [128, 256, 10**9],
    "region": ["FRA", "POL"],
}
FIXED = {"tokens": 1e9, "batch_size": 64}
LISTS = ("--model", "bert-base,gpt2", "--hw", "v100:8,h100:8..32x2", "--region", "FRA,POL", "--tokens", "1B")


class Cluster:
    """A scheduler and its workers, each a process."""

    def __init__(self, folder: Path, workers: int) -> None:
        self._folder, self._run = folder, {**os.environ, "PYTHONPATH": str(ROOT)}
        self._run["DASK_DISTRIBUTED__WORKER__MEMORY__TERMINATE"] = "false"
        file = folder / "scheduler.json"
        options = "--host 127.0.0.1 --port 0 --no-dashboard --dashboard-address :0 --scheduler-file"
        self.processes = [self._start("scheduler", *options.split(), str(file))]
        try:
            self.address = _address_in(file)
        except BaseException:
            self.close()
            raise
        for _ in range(workers):
            self.add_worker()

    def add_worker(self) -> subprocess.Popen[bytes]:
        self.processes.append(self._start("worker", self.address, "--nthreads", "1", "--no-nanny",
                                          "--no-dashboard"))  # fmt: skip
        return self.processes[-1]

    def _start(self, kind: str, *arguments: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", f"distributed.cli.dask_{kind}", *arguments]
        with (self._folder / "log").open("ab") as log:
            return subprocess.Popen(command, cwd=self._folder, env=self._run, stdout=log, stderr=log)

    def close(self) -> None:
        for process in reversed(self.processes):
            process.kill()
            process.wait()


def _address_in(file: Path) -> str:
    """The address of a scheduler, once its file is whole: it is there before it is written."""
    until = time.monotonic() + 120
    while True:
        try:
            return str(json.loads(file.read_text())["address"])
        except (OSError, ValueError):
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    found = Cluster(tmp_path_factory.mktemp("cluster"), workers=2)
    yield found
    found.close()


def squared(folder: str, number: int) -> int:
    """A slow task that leaves a note; the first that gets number 20 dies with its worker."""
    with Path(folder, str(os.getpid())).open("a") as notes:
        notes.write(f"{number}\n")
    if number == 20 and not Path(folder, "killed").exists():
        Path(folder, "killed").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.02)
    return number**2


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.parametrize("sample", [None, 17])
def test_the_same_bytes_as_the_local_run(
    cluster: Cluster, tmp_path: Path, ending: str, sample: int | None
) -> None:
    here, there = Stream(AXES, FIXED, sample=sample), Stream(AXES, FIXED, sample=sample)
    list(write_sweep(here, tmp_path / f"here.{ending}"))
    there = Stream(AXES, FIXED, sample=sample, scheduler=cluster.address)
    list(write_sweep(there, tmp_path / f"there.{ending}"))
    assert (tmp_path / f"there.{ending}").read_bytes() == (tmp_path / f"here.{ending}").read_bytes()
    assert there.problems == here.problems != {}


@pytest.mark.slow
def test_the_command_prints_the_same(cluster: Cluster, tmp_path: Path) -> None:
    here = footprint("sweep", *LISTS, "-o", str(tmp_path / "here.csv"))
    there = footprint("sweep", *LISTS, "-o", str(tmp_path / "there.csv"), "--scheduler", cluster.address)
    assert there.code == 0, there.err
    assert there.out == here.out
    assert (tmp_path / "there.csv").read_bytes() == (tmp_path / "here.csv").read_bytes()


@pytest.mark.slow
def test_it_resumes_what_another_engine_began(cluster: Cluster, tmp_path: Path) -> None:
    list(write_sweep(Stream(AXES, FIXED), tmp_path / "here.csv"))
    parts = write_sweep(Stream(AXES, FIXED), tmp_path / "there.csv")
    for _ in range(3):
        next(parts)
    parts.close()
    on_fleet = Stream(AXES, FIXED, scheduler=cluster.address)
    rest = list(write_sweep(on_fleet, tmp_path / "there.csv", resume=True))
    assert len(rest) == len(list(Stream(AXES, FIXED).parts())) - 3
    assert (tmp_path / "there.csv").read_bytes() == (tmp_path / "here.csv").read_bytes()


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="no such signal there")
def test_the_tasks_of_a_lost_worker_are_repeated(cluster: Cluster, tmp_path: Path) -> None:
    """A worker is killed at a task: every result still comes, once and in order."""
    cluster.add_worker()
    results = list(in_order(cluster.address, squared, str(tmp_path), range(60)))
    assert results == [number**2 for number in range(60)]
    (tmp_path / "killed").unlink()
    notes = {path.name: path.read_text().split() for path in tmp_path.iterdir()}
    assert sum("20" in lines for lines in notes.values()) == 2
    assert len(notes) >= 2
    ended = [str(one.pid) for one in cluster.processes if one.poll() is not None]
    assert len(ended) == 1
    assert notes[ended[0]][-1] == "20"


def test_no_scheduler_is_an_error_and_nothing_is_computed_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduler, "TIMEOUT_S", 0.5)
    out = tmp_path / "rows.csv"
    done = footprint("sweep", *LISTS, "-o", str(out), "--scheduler", "tcp://127.0.0.1:9")
    assert done.code == 2
    assert "no Dask scheduler answers at tcp://127.0.0.1:9" in done.err.replace("\n", " ")
    assert "Traceback" not in done.err
    assert not done.out
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("address", ["127.0.0.1:8786", "http://a:1", "tcp://", "tcp://a", "tcp://a:b", ""])
def test_what_is_no_address(address: str) -> None:
    done = footprint("sweep", *LISTS, "--scheduler", address)
    assert done.code == 2
    assert "--scheduler is tcp://host:port" in done.err.replace("\n", " ")


@pytest.mark.slow
def test_a_scheduler_without_workers_and_one_that_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduler, "TIMEOUT_S", 2.0)
    alone = Cluster(tmp_path, workers=0)
    try:
        with pytest.raises(FootprintError, match="has no worker"):
            list(in_order(alone.address, squared, str(tmp_path), [1]))
        alone.add_worker()
        monkeypatch.setattr(scheduler, "TIMEOUT_S", 30.0)
        results = in_order(alone.address, squared, str(tmp_path), range(100, 600))
        assert next(results) == 100**2
        for process in alone.processes:
            process.kill()
        with pytest.raises(FootprintError, match="was lost"):
            list(results)
    finally:
        alone.close()


@pytest.mark.slow
def test_workers_with_other_data_are_refused(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "own.toml").write_text("")
    monkeypatch.setenv("FOOTPRINT_DATA", str(tmp_path))
    with pytest.raises(FootprintError, match="other data in FOOTPRINT_DATA"):
        list(Stream(AXES, FIXED, scheduler=cluster.address).parts())


def test_without_dask_the_message_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    done = footprint("sweep", *LISTS, "--scheduler", "tcp://127.0.0.1:9")
    assert done.code == 2
    assert "footprint-ml[fleet]" in done.err
