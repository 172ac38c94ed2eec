"""``footprint run``: the program's own exit code, its signals, and its energy once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from footprint.results.row_reader import read_rows
from footprint.tracking.report.archive import open_archive
from tests.tracking.fault_harness import ROOT

LATE_KWH = 0.05
"""What a busy machine may use more until it notices: half a second of 360 kW."""
JOINS_KWH = "0.8 kWh"
"""Eight seconds of 360 kW: a program on a busy machine has imported footprint and joined by then."""
OURS = ["--meter", "constant:360kW", "--flush-s", "0.1", "--pue", "1.0"]


def begin(folder: Path, *program: str, options: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "footprint", "run", *OURS, *options, "--", *program],
        cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, start_new_session=True,
    )  # fmt: skip


def run(folder: Path, *program: str, options: tuple[str, ...] = ()) -> tuple[int, str, str]:
    process = begin(folder, *program, options=options)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def report(folder: Path):
    return open_archive([folder / "footprint-runs"]).report("last")


@pytest.mark.parametrize("code", [0, 1, 3, 42, 255])
def test_the_exit_code_is_the_programs(tmp_path: Path, code: int) -> None:
    got, out, err = run(tmp_path, sys.executable, "-c", f"print('hello'); raise SystemExit({code})")
    assert (got, out) == (code, "hello\n"), err
    assert report(tmp_path).measurement.status == ("completed" if code == 0 else "failed")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV, signal.SIGINT])
def test_a_program_killed_by_a_signal(tmp_path: Path, number: signal.Signals) -> None:
    code, _, _ = run(tmp_path, sys.executable, "-c", f"import os; os.kill(os.getpid(), {int(number)})")
    assert code == 128 + number


def test_no_such_program_and_no_program(tmp_path: Path) -> None:
    assert run(tmp_path, "./no-such-program")[0] == 127
    assert run(tmp_path, "no-such-program-anywhere")[0] == 127
    (tmp_path / "data").write_text("not a program")
    code, _, err = run(tmp_path, "./data")
    assert (code, "Permission" in err) == (126, True)
    assert not (tmp_path / "footprint-runs").exists()  # nothing ran, so nothing is recorded
    code, _, err = run(tmp_path)
    assert code == 2
    assert "Traceback" not in err


def test_energy_of_the_program_and_its_rows(tmp_path: Path) -> None:
    began = time.monotonic()
    code, _, _ = run(tmp_path, "sleep", "1.5", options=("--csv", "runs.csv", "--grid-g-per-kwh", "100"))
    whole_s = time.monotonic() - began
    assert code == 0
    measured = report(tmp_path).measurement
    assert 1.5 <= measured.duration_h.mid * 3600 < whole_s
    assert measured.it_energy_kwh.mid == pytest.approx(360 * measured.duration_h.mid, rel=0.1)
    (row,), _ = read_rows(tmp_path / "runs.csv", kind="measurement")
    assert float(row["co2e_kg_mid"]) == pytest.approx(0.1 * measured.it_energy_kwh.mid)


TRACKED = """
import time, footprint
with footprint.track(name="inner", flush_s=0.1, csv="inner.csv", hw="v100-sxm2-16gb:1") as run:
    for _ in range(40):
        time.sleep(0.02)
        run.step(tokens=5)
"""


def test_a_program_that_tracks_itself_joins_and_counts_no_energy_again(tmp_path: Path) -> None:
    code, _, err = run(tmp_path, sys.executable, "-c", TRACKED)
    assert code == 0, err
    archive = open_archive([tmp_path / "footprint-runs"])
    assert len(archive.runs) == 1
    got = archive.report("last")
    assert (got.measurement.workload.steps, got.measurement.workload.tokens) == (40, 200)
    assert sorted(process.metered for process in got.totals.processes) == [False, True]
    assert got.measurement.cluster is not None
    assert got.measurement.cluster.accelerator == "v100-sxm2-16gb"  # what the program said
    assert len(read_rows(tmp_path / "inner.csv", kind="measurement")[0]) == 1


def test_a_program_that_is_over_before_our_next_line_leaves_the_report_to_us(tmp_path: Path) -> None:
    program = f"import time\ntime.sleep(0.5)\n{TRACKED}"
    code, _, err = run(tmp_path, sys.executable, "-c", program, options=("--flush-s", "60"))
    assert code == 0, err
    (row,), _ = read_rows(tmp_path / "inner.csv", kind="measurement")
    assert float(row["it_energy_kwh_mid"]) == pytest.approx(360 * float(row["duration_h_mid"]), rel=0.1)
    assert "footprint run reports the whole" in err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1, signal.SIGINT])
def test_signals_reach_the_program(tmp_path: Path, number: signal.Signals) -> None:
    handler = f"import signal, sys; signal.signal({int(number)}, lambda n, f: sys.exit(17))"
    process = begin(tmp_path, sys.executable, "-c", f"{handler}\nprint('ready', flush=True)\nsignal.pause()")
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(number)
    process.communicate(timeout=30)
    assert process.returncode == 17


def test_a_budget_ends_a_program_that_knows_nothing_of_it(tmp_path: Path) -> None:
    before = time.monotonic()
    code, _, err = run(tmp_path, "sleep", "60", options=("--budget", "0.2 kWh", "--on-budget", "stop"))
    assert code == 3
    assert time.monotonic() - before < 20
    measured = report(tmp_path).measurement
    assert measured.status == "stopped_by_budget"
    assert 0.05 < measured.energy_kwh.mid < 0.2  # below the limit: 1 s is 0.1 kWh
    assert "would be passed" in " ".join(err.split())


def test_a_budget_stops_a_tracking_program_at_a_step_after_its_checkpoint(tmp_path: Path) -> None:
    program = TRACKED.replace('name="inner"', 'on_stop=lambda: print("saved", flush=True)').replace(
        "(40)", "(4000)"
    )
    code, out, err = run(
        tmp_path,
        sys.executable,
        "-c",
        program + "\nprint('after')",
        options=("--budget", JOINS_KWH, "--on-budget", "stop"),
    )
    assert code == 3, err
    assert out == "saved\nafter\n"
    statuses = {process.status for process in report(tmp_path).totals.processes}
    assert statuses == {"stopped_by_budget"}


SLOW_TO_FLUSH = """
import time, footprint
with footprint.track(%s) as run:
    for n in range(1000):
        time.sleep(0.02)
        run.step(tokens=5)
"""


@pytest.mark.parametrize("own", ["", "flush_s=5.0"])
def test_a_tracking_program_stops_below_the_limit_however_seldom_it_flushes(tmp_path: Path, own: str) -> None:
    options = ("--budget", JOINS_KWH, "--on-budget", "stop")
    program = SLOW_TO_FLUSH % own
    code, _, err = run(tmp_path, sys.executable, "-c", program, options=options)
    assert code == 3, err
    got = report(tmp_path)
    assert {process.status for process in got.totals.processes} == {"stopped_by_budget"}
    assert 0.1 < got.measurement.energy_kwh.mid < 0.8 + LATE_KWH
    (inner,) = [p for p in got.totals.processes if not p.metered]
    assert inner.journal.start.flush_s == (5.0 if own else 0.1)


def test_a_stop_comes_before_the_first_line_is_due(tmp_path: Path) -> None:
    """The limit is reached in 8 s, and lines are written each 60 s: both look by themselves, and save."""
    program = SLOW_TO_FLUSH % 'on_stop=lambda: print("saved", flush=True)'
    options = ("--budget", JOINS_KWH, "--on-budget", "stop", "--flush-s", "60")
    code, out, err = run(tmp_path, sys.executable, "-c", program, options=options)
    assert (code, out) == (3, "saved\n"), err
    assert 0.15 < report(tmp_path).measurement.energy_kwh.mid < 0.8 + LATE_KWH
    (tmp_path / "plain").mkdir()
    code, _, err = run(tmp_path / "plain", "sleep", "60", options=options)
    assert code == 3, err
    assert 0.15 < report(tmp_path / "plain").measurement.energy_kwh.mid < 0.8 + LATE_KWH


RANKS = """
import os, subprocess, sys
here = {**os.environ, "TORCHELASTIC_RUN_ID": "x", "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}
ranks = [
    subprocess.Popen([sys.executable, "-c", sys.argv[1]], env={**here, "RANK": str(n), "LOCAL_RANK": str(n)})
    for n in range(2)
]
sys.exit(max(rank.wait() for rank in ranks))
"""


def test_ranks_of_a_program_stop_at_the_same_step(tmp_path: Path) -> None:
    code, _, err = run(
        tmp_path, sys.executable, "-c", RANKS, SLOW_TO_FLUSH % "flush_s=2.0",
        options=("--budget", JOINS_KWH, "--on-budget", "stop"),
    )  # fmt: skip
    assert code == 3, err
    got = report(tmp_path)
    assert {p.status for p in got.totals.processes} == {"stopped_by_budget"}
    assert len({p.steps for p in got.totals.processes if not p.metered}) == 1
    assert got.measurement.energy_kwh.mid < 0.8 + LATE_KWH


def test_a_program_with_a_folder_and_a_name_of_its_own_joins_and_says_so(tmp_path: Path) -> None:
    program = TRACKED.replace('name="inner"', 'journal_dir="own", run_id="mine", meter="constant:1W"')
    code, _, err = run(tmp_path, sys.executable, "-c", program, options=("--csv", "outer.csv"))
    assert code == 0, err
    archive = open_archive([tmp_path / "footprint-runs"])
    assert not (tmp_path / "own").exists()
    (name,) = archive.runs
    assert archive.report(name).measurement.workload.steps == 40
    assert "not used: journal_dir own, run_id mine, meter" in " ".join(err.split())
    assert err.count("meter: constant") == 1  # the supervisor's
    assert "running" not in err
    rows = [read_rows(tmp_path / csv, kind="measurement")[0] for csv in ("outer.csv", "inner.csv")]
    assert rows[0] == rows[1]
    assert float(rows[1][0]["it_energy_kwh_mid"]) > 0.05
    assert rows[1][0]["workload_steps"] == "40"


def test_programs_one_after_the_other_add_up(tmp_path: Path) -> None:
    program = "import subprocess, sys\nfor _ in range(2): subprocess.run([sys.executable, '-c', sys.argv[1]])"
    code, _, err = run(tmp_path, sys.executable, "-c", program, TRACKED)
    assert code == 0, err
    work = report(tmp_path).measurement.workload
    assert (work.steps, work.tokens) == (80, 400)


def test_a_quiet_supervisor_has_a_quiet_program(tmp_path: Path) -> None:
    code, _, err = run(tmp_path, sys.executable, "-c", TRACKED, options=("--quiet",))
    assert (code, err) == (0, "")


def test_killing_us_leaves_the_journal(tmp_path: Path) -> None:
    process = begin(tmp_path, "sleep", "20")
    deadline = time.monotonic() + 60
    while lines_of(tmp_path) < 8 and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)  # us, and the program: without us it would go on
    process.communicate()
    while (got := report(tmp_path).measurement).status != "killed" and time.monotonic() < deadline:
        time.sleep(0.05)
    assert got.status == "killed"
    assert got.it_energy_kwh.mid > 0
    assert got.it_energy_kwh.mid == pytest.approx(360 * got.duration_h.mid, rel=0.5)


def lines_of(folder: Path) -> int:
    """Lines of the longest journal of a folder."""
    journals = folder.glob("footprint-runs/*/*.jsonl")
    return max((len(journal.read_bytes().splitlines()) for journal in journals), default=0)


def test_it_speaks_of_options_and_not_of_arguments(tmp_path: Path) -> None:
    _, _, err = run(tmp_path, sys.executable, "-c", "pass")
    assert "give --region" in err
    assert "region=" not in err
    assert "hw=" not in err


def test_an_unknown_option_is_no_program(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "footprint", "run", "--modle", "gpt2", "--", "true"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 2
    assert "'--modle'" in done.stderr
    assert "--model" in done.stderr
    assert list(tmp_path.iterdir()) == []
