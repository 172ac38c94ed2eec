"""Where the accounting comes from: sacct and scontrol, played by scripts on the search path."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tests.integrations.slurm_calls import JOBS, JOULES, of, records, slurm


def fake(folder: Path, name: str, script: str) -> None:
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def bin_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is the whole search path but for the system's own."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def test_sacct_is_asked_with_a_zone_and_every_launch(bin_folder: Path, tmp_path: Path) -> None:
    asked = f'printf "%s\\n" "$@" > {tmp_path}/args\necho "$SLURM_TIME_FORMAT" > {tmp_path}/time\n'
    fake(bin_folder, "sacct", f"{asked}/bin/cat {JOBS}")
    fake(bin_folder, "scontrol", "echo 'AcctGatherEnergyType    = acct_gather_energy/ipmi'")
    found = records("1", "3,7,10")
    assert of("measurement", found).keys() == JOULES.keys()
    args = (tmp_path / "args").read_text().split()
    assert args[:5] == ["-P", "--noconvert", "--duplicates", "-j", "1,3,7,10"]
    assert args[5].startswith("--format=JobID,JobIDRaw,State,ElapsedRaw,AllocTRES,ConsumedEnergyRaw")
    assert args[5].endswith(",JobName")
    assert (tmp_path / "time").read_text() == "%s\n"
    assert "ipmi" in of("measurement", found)["slurm-1"]["meters"][0]["source"]
    assert "taken as the energy of whole nodes" not in slurm("1").err


def test_a_plugin_that_measures_nothing(bin_folder: Path) -> None:
    fake(bin_folder, "sacct", f"/bin/cat {JOBS}")
    fake(bin_folder, "scontrol", "echo 'AcctGatherEnergyType    = acct_gather_energy/none'")
    assert not of("measurement", records("1"))


def test_without_sacct_it_says_to_give_a_file(bin_folder: Path) -> None:
    done = slurm("123456")
    assert done.code == 2
    assert "sacct is not on this machine" in done.err
    assert "FILE" in done.err
    assert "--format=JobID,JobIDRaw" in done.err


def test_sacct_that_fails_is_quoted(bin_folder: Path) -> None:
    fake(bin_folder, "sacct", 'echo "sacct: error: slurm_persist_conn_open: Connection refused" >&2; exit 1')
    done = slurm("123456")
    assert done.code == 2
    assert "Connection refused" in done.err


def test_sacct_that_hangs_is_given_up(bin_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from footprint.integrations.slurm import source

    monkeypatch.setattr(source, "TIMEOUT_S", 0.3)
    fake(bin_folder, "sacct", "exec /bin/sleep 30")
    done = slurm("123456")
    assert done.code == 2
    assert "no answer in 0.3 s" in done.err


def test_a_number_that_slurm_does_not_know(bin_folder: Path) -> None:
    fake(bin_folder, "sacct", "echo 'JobID|State|ElapsedRaw|AllocTRES'")
    done = slurm("999")
    assert done.code == 2
    assert "job 999: sacct knows none" in done.err


def test_a_reused_number_is_another_job(bin_folder: Path) -> None:
    """Job ids start again after a database reset; an end that is no requeueing is another job's."""
    rows = (
        "JobID|State|Start|ElapsedRaw|AllocTRES",
        "5|COMPLETED|1500000000|3600|gres/gpu:v100=8",
        "5|NODE_FAIL|1771200000|7200|gres/gpu:v100=1",
        "5|COMPLETED|1771210000|3600|gres/gpu:v100=1",
    )
    fake(bin_folder, "sacct", "\n".join(("/bin/cat <<'X'", *rows, "X")))
    found = of("estimate", records("5"))
    assert {run_id: r["accelerator_h"]["mid"] for run_id, r in found.items()} == {
        "slurm-5-launch1": 2.0,
        "slurm-5-launch2": 1.0,
    }
    assert "another of this number (completed, started 2017-07-14" in slurm("5").err


@pytest.mark.parametrize("target", ["12x", "--", "job", "1,,2", "1_2_3", ""])
def test_neither_a_number_nor_a_file(target: str) -> None:
    done = slurm(target)
    assert done.code == 2
    assert "our own fault" not in done.err
