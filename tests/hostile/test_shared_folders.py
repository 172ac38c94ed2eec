"""What others may lay into a folder that several users write to: traps for the files that we make there."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from footprint.errors import FootprintError
from footprint.results.lock import _abandoned
from footprint.results.row_reader import read_rows
from footprint.results.rows import append_rows, report_row
from footprint.tracking.budget.stop_file import STOP_FILE, publish_stop, read_stop
from footprint.tracking.report import claim_file
from footprint.tracking.report.archive import open_archive
from footprint.tracking.report.recovery import recover
from footprint.tracking.report.report_claim import Claims
from footprint.tracking.run.supervised_program import complaint
from footprint.tracking.settings.under_supervisor import COMPLAINT, PARENT_FLUSH, _seconds
from footprint.tracking.totals.segments import segments_of
from tests.tracking.fault_harness import ROOT
from tests.tracking.journal_cluster import Cluster

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="links and pipes of a POSIX system")


def secret_of(folder: Path) -> Path:
    """A file that is its user's alone."""
    secret = folder / "secret"
    secret.write_text("mine")
    secret.chmod(0o600)
    return secret


def unharmed(secret: Path) -> bool:
    return (secret.read_text(), secret.stat().st_mode & 0o777) == ("mine", 0o600)


def link(path: Path, secret: Path) -> None:
    path.symlink_to(secret)


def dangling(path: Path, secret: Path) -> None:
    path.symlink_to(secret.with_name("elsewhere"))


def pipe(path: Path, secret: Path) -> None:
    os.mkfifo(path)


def folder(path: Path, secret: Path) -> None:
    path.mkdir()


def loop(path: Path, secret: Path) -> None:
    path.symlink_to(path)


TRAPS: tuple[Callable[[Path, Path], None], ...] = (link, dangling, pipe, folder, loop)


def row(name: str) -> dict[str, Any]:
    return report_row({}, kind="measurement", run_id=name, started_at="2026-03-01T10:00:00.000+00:00")


@pytest.mark.parametrize("trap", TRAPS)
def test_a_lock_that_is_a_trap(tmp_path: Path, trap: Callable[[Path, Path], None]) -> None:
    """A lock gets the mode of its CSV; a link in its place would open a private file to all."""
    secret, csv = secret_of(tmp_path), tmp_path / "runs.csv"
    append_rows(csv, [row("one")])
    csv.chmod(0o666)
    (tmp_path / "runs.csv.lock").unlink()
    trap(tmp_path / "runs.csv.lock", secret)
    with pytest.raises(FootprintError, match=r"runs\.csv"):
        append_rows(csv, [row("two")])
    assert unharmed(secret)
    assert not (tmp_path / "elsewhere").exists()
    assert [found["run_id"] for found in read_rows(csv, kind="measurement")[0]] == ["one"]


@pytest.mark.parametrize("trap", TRAPS)
def test_an_owner_of_a_lock_that_is_a_trap(tmp_path: Path, trap: Callable[[Path, Path], None]) -> None:
    trap(tmp_path / "owner", secret_of(tmp_path))
    assert not _abandoned(str(tmp_path / "owner"))


@pytest.mark.parametrize("said", ["", "x", "HOST -", "HOST " + "9" * 300, "HOST 9999999999", "\udcff 1"])
def test_an_owner_of_a_lock_that_says_nonsense(tmp_path: Path, said: str) -> None:
    import socket

    text = said.replace("HOST", socket.gethostname())
    (tmp_path / "owner").write_bytes(text.encode("utf-8", "surrogateescape"))
    assert not _abandoned(str(tmp_path / "owner"))


@pytest.mark.parametrize("trap", TRAPS)
def test_a_stop_file_that_is_a_trap(tmp_path: Path, trap: Callable[[Path, Path], None]) -> None:
    secret = secret_of(tmp_path)
    trap(tmp_path / STOP_FILE, secret)
    assert publish_stop(tmp_path, 7, "x") == 7
    assert unharmed(secret)
    assert read_stop(tmp_path) == (None if trap is folder else 7)


def test_no_name_of_a_file_in_the_making_can_be_foretold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even one who guesses the name finds that it is not written through."""
    secret = secret_of(tmp_path)
    for module in ("budget.stop_file", "report.claim_file", "report.summary_file"):
        monkeypatch.setattr(f"footprint.tracking.{module}.secrets.token_hex", lambda n: "guessed")
    for name in (f".{STOP_FILE}.{os.getpid()}", f".reported-0.{os.getpid()}"):
        (tmp_path / f"{name}-guessed").symlink_to(secret)
        (tmp_path / name).symlink_to(secret)
    publish_stop(tmp_path, 7, "x")
    claim_file.make_exclusively(tmp_path / ".reported-0", b"{}")
    assert unharmed(secret)


@pytest.mark.parametrize("trap", TRAPS)
@pytest.mark.parametrize("name", [".reported-0", ".reported-999999", ".reported-000001", ".summary"])
def test_a_claim_that_is_a_trap(tmp_path: Path, trap: Callable[[Path, Path], None], name: str) -> None:
    secret = secret_of(tmp_path)
    Cluster(tmp_path / "runs").rank(0, per_node=1)
    trap(tmp_path / "runs" / "r" / name, secret)
    (done,) = recover(open_archive([tmp_path / "runs"]), tmp_path / "runs.csv")
    assert done.run_id == "r"
    assert recover(open_archive([tmp_path / "runs"]), tmp_path / "runs.csv") == []
    assert len(read_rows(tmp_path / "runs.csv", kind="measurement")[0]) == 1
    assert unharmed(secret)


OWNER = {"boot_id": "gone", "pid": 1, "process_start": "1", "image": "", "written": False}


@pytest.mark.parametrize(
    "said",
    [
        {"covers": 5}, {"covers": ["x"]}, {"covers": "x " * 100_000}, {"csvs": 7}, {"csvs": [[], None]},
        {"started_at": "9999-12-31T23:59:59.999+00:00"}, {"started_at": "\x1b]52;c;x\x07"}, {"first": "yes"},
        {"started_at": "0001-01-01"}, {"pid": 2**70}, {"pid": -1}, {"spanning": None}, {"written": 1},
        {"boot_id": "x" * 100_000}, {"image": {"a": 1}}, {"started_at": 10**400},
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("covered", [True, False])
def test_a_claim_that_says_nonsense(tmp_path: Path, said: dict[str, Any], covered: bool) -> None:
    Cluster(tmp_path / "runs").rank(0, per_node=1)
    (processes,) = open_archive([tmp_path / "runs"]).runs.values()
    (segment,) = segments_of(processes)
    right = Claims().claim(segment)
    assert right is not None
    assert right.path is not None
    whose = json.loads(right.path.read_text()) if covered else {}
    right.path.write_text(json.dumps({**whose, **OWNER, **said}))
    os.utime(right.path, (0, 0))
    assert len(recover(open_archive([tmp_path / "runs"]), tmp_path / "runs.csv")) == 1
    text = (tmp_path / "runs.csv").read_bytes()
    assert b"\x1b" not in text
    assert len(read_rows(tmp_path / "runs.csv", kind="measurement")[0]) == 1


def test_fifty_thousand_names_of_claims(tmp_path: Path) -> None:
    Cluster(tmp_path / "runs").rank(0, per_node=1)
    for number in range(50_000):
        (tmp_path / "runs" / "r" / f".reported-{number:x}g").touch()
    (tmp_path / "runs" / "r" / (".reported-" + "9" * 200)).touch()
    assert len(recover(open_archive([tmp_path / "runs"]), tmp_path / "runs.csv")) == 1
    assert recover(open_archive([tmp_path / "runs"]), tmp_path / "runs.csv") == []


@pytest.mark.parametrize("trap", TRAPS)
def test_a_complaint_of_the_hooks_that_is_a_trap(tmp_path: Path, trap: Callable[[Path, Path], None]) -> None:
    trap(tmp_path / COMPLAINT, secret_of(tmp_path))
    assert complaint(tmp_path) == ""


@pytest.mark.parametrize("said", ["nan", "inf", "-inf", "-1", "0", "1e-300", "1e300", "9" * 5000, "x", "٣"])
def test_seconds_that_no_supervisor_says(said: str) -> None:
    assert _seconds({PARENT_FLUSH: said}, 5.0) == (3.0 if said == "٣" else 5.0)


PROGRAM = """
import footprint
with footprint.track(meter="constant:360W", flush_s=0.05, csv="runs.csv") as run:
    for _ in range(3): run.step(tokens=5)
print("after")
"""
ENVIRONMENTS = {
    "a rank beyond the world": {
        "TORCHELASTIC_RUN_ID": "j", "RANK": "9", "WORLD_SIZE": "2", "LOCAL_RANK": "7",
    },
    "no number in any variable": {
        "TORCHELASTIC_RUN_ID": "", "RANK": "-1", "WORLD_SIZE": "1e9", "LOCAL_RANK": "", "GROUP_RANK": "²",
        "LOCAL_WORLD_SIZE": "0", "GROUP_WORLD_SIZE": "0",
    },
    "markup and escapes for a job": {
        "TORCHELASTIC_RUN_ID": "\x1b[2J../../<b>|=cmd()\n", "RANK": "0", "MASTER_ADDR": "\u202e",
    },
    "a job of 100 kB": {"TORCHELASTIC_RUN_ID": "j" * 100_000, "RANK": "0", "WORLD_SIZE": "10000000"},
    "a step of Slurm with a list of nodes that grows": {
        "SLURM_STEP_NUM_TASKS": "9999999", "SLURM_STEP_ID": "0", "SLURM_JOB_ID": "\udcff\x07",
        "SLURM_STEP_TASKS_PER_NODE": "99999999(x99999999)," * 100, "SLURM_STEP_NUM_NODES": "0",
    },
    "an MPI of nobody": {
        "OMPI_COMM_WORLD_RANK": "x", "OMPI_COMM_WORLD_SIZE": "0", "OMPI_COMM_WORLD_LOCAL_SIZE": "999999999",
        "PMIX_NAMESPACE": "/etc/passwd",
    },
    "a parent that is none": {"FOOTPRINT_PARENT_RUN": ":", "FOOTPRINT_PARENT_DIR": "/dev/null"},
    "a folder that is none": {"FOOTPRINT_DIR": "/dev/null/x"},
    "a folder of the system": {"FOOTPRINT_DIR": "/proc/self"},
}  # fmt: skip


@pytest.mark.parametrize("environ", ENVIRONMENTS.values(), ids=ENVIRONMENTS)
def test_an_environment_that_no_launcher_makes(tmp_path: Path, environ: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=tmp_path, check=False, capture_output=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path), **environ},
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, b"after\n"), done.stderr
    assert b"Traceback" not in done.stderr
    assert not {0x1B, 0x07} & set(done.stderr)
    (found,) = read_rows(tmp_path / "runs.csv", kind="measurement")[0]
    assert float(found["workload_tokens"]) == 15
    for folder in tmp_path.rglob("*.journal.jsonl"):  # nothing of it is written twice
        assert recover(open_archive([folder.parent]), tmp_path / "again.csv") == []


def test_a_run_folder_that_is_swapped_for_a_link_while_it_runs(tmp_path: Path) -> None:
    """The run goes on and ends with a row; what the link leads to holds what it held."""
    target = tmp_path / "target"
    target.mkdir()
    secret = secret_of(target)
    program = (
        "import footprint, os, pathlib\n"
        "with footprint.track(meter='constant:360W', flush_s=0.05, csv='runs.csv', run_id='r') as run:\n"
        "    run.step(tokens=5)\n"
        "    path = pathlib.Path('footprint-runs/r')\n"
        "    path.rename('moved'); path.symlink_to('../target')\n"
        "    while not list(pathlib.Path('target').glob('*.jsonl')): pass\n"
        "print('after')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, check=False, capture_output=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, b"after\n"), done.stderr
    assert done.returncode != -signal.SIGKILL
    assert unharmed(secret)
    (found,) = read_rows(tmp_path / "runs.csv", kind="measurement")[0]
    assert float(found["workload_tokens"]) == 5
