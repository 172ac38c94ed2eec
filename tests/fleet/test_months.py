"""A folder of Parquet by month: the sums of pandas itself, here and on the workers of a scheduler."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import footprint
from footprint.errors import FootprintError
from footprint.fleet import months, totals
from footprint.fleet.across import Apart, Seen, each_once
from footprint.results.fleet import FleetReport
from tests.cli.run import footprint as command_line

ROWS = 3_000


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    month, day = rng.integers(1, 5, ROWS), rng.integers(1, 28, ROWS)
    energy = rng.lognormal(0, 1, ROWS)
    return pd.DataFrame({
        "kind": "measurement", "run_id": [f"run-{i}" for i in range(ROWS)],
        "started_at": [f"2026-{m:02d}-{d:02d}T00:00:00+00:00" for m, d in zip(month, day, strict=True)],
        "status": rng.choice(["completed", "failed"], ROWS, p=[0.9, 0.1]), "boundary": "facility",
        "model_name": rng.choice(["gpt2", "bert-base"], ROWS), "energy_kwh_low": 0.9 * energy,
        "energy_kwh_mid": energy, "energy_kwh_high": 1.2 * energy, "co2e_kg_mid": 0.4 * energy,
    })  # fmt: skip


@pytest.fixture
def folder(frame: pd.DataFrame, tmp_path: Path) -> Path:
    """Four months, each in two files; every file holds some rows of the other again."""
    for month, rows in frame.groupby(frame["started_at"].str[:7]):
        place = tmp_path / "runs" / f"month={month}"
        place.mkdir(parents=True)
        half = len(rows) // 2
        rows.iloc[:half].to_parquet(place / "a.parquet")
        rows.iloc[half - 20 :].to_parquet(place / "b.parquet")
    return tmp_path / "runs"


def check(report: FleetReport, frame: pd.DataFrame) -> None:
    (total,) = report.totals
    assert total.energy_kwh is not None
    assert total.co2e_kg is not None
    assert (total.runs, total.rows_count) == (ROWS, ROWS)
    assert total.energy_kwh.mid == pytest.approx(frame["energy_kwh_mid"].sum(), rel=1e-12)
    assert total.energy_kwh.high == pytest.approx(frame["energy_kwh_high"].sum(), rel=1e-12)
    failed = frame[frame["status"] == "failed"]
    assert total.failed_energy_kwh == pytest.approx(failed["energy_kwh_mid"].sum(), rel=1e-12)
    assert (total.first, total.last) == (frame["started_at"].min(), frame["started_at"].max())
    sums = frame.groupby("model_name")["energy_kwh_mid"].sum()
    found = {one.by["model"]: one.energy_kwh.mid for one in report.groups if one.energy_kwh}
    assert found == pytest.approx(sums.to_dict(), rel=1e-12)


def test_the_sums_are_those_of_pandas(folder: Path, frame: pd.DataFrame) -> None:
    report = footprint.report(folder, by="model")
    check(report, frame)
    assert report.runs is None
    assert report.inputs[0].rows_count == ROWS + 4 * 20


def test_a_part_too_large_is_read_in_shares(
    folder: Path, frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(months, "MOST_ROWS", 200)
    assert len(months.parts_of(folder)) > 12
    check(footprint.report(folder, by="model"), frame)


def test_row_groups_are_parts(
    folder: Path, frame: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file of many row groups, some larger than a part; another whole copy of it in another month."""
    whole = tmp_path / "whole"
    for month in ("2026-01", "2026-02"):
        place = whole / f"month={month}"
        place.mkdir(parents=True)
        frame.to_parquet(place / "a.parquet", row_group_size=1_100)
        frame.iloc[:0].to_parquet(place / "empty.parquet")
    for most in (900, 10_000):
        monkeypatch.setattr(months, "MOST_ROWS", most)
        report = footprint.report(whole, by="model")
        check(report, frame)
        assert report.inputs[0].rows_count == 2 * ROWS
        assert f"rows left out as copies of others: {ROWS:,}" in report.warnings
        assert len(report.warnings) == 2
    parts = months.parts_of(whole)
    assert sum(len(groups) for pieces, *_ in parts for _, groups in pieces) == 2 * -(-ROWS // 1_100)


def test_rows_of_shared_runs_are_kept_in_files(frame: pd.DataFrame) -> None:
    """Each comes back once, all of a run together, and few are in memory at a time."""
    tidy = frame[["run_id", "energy_kwh_mid"]]
    halves = [tidy.sample(frac=1, random_state=seed).reset_index(drop=True) for seed in (1, 2)]
    for most in (50, 10**9):
        with Apart(most, 1 << 30) as apart:
            for rows in halves:
                apart.add(rows)
            shares = list(apart.shares())
        assert (max(map(len, shares)) < ROWS / 8) == (most == 50)
        found = pd.concat(shares)
        assert sorted(found["run_id"]) == sorted([*frame["run_id"], *frame["run_id"]])
        assert found["energy_kwh_mid"].sum() == pytest.approx(2 * frame["energy_kwh_mid"].sum())
        owners = pd.concat([part.assign(share=n) for n, part in enumerate(shares)])
        assert owners.groupby("run_id")["share"].nunique().max() == 1


def test_nothing_is_left_of_what_was_kept_after_a_kill(tmp_path: Path) -> None:
    code = """
import os, signal, numpy as np, pandas as pd
from footprint.fleet.across import Apart, Seen
with Seen() as seen, Apart(1, 1 << 30) as apart:
    seen.add(np.arange(1, 10_000, dtype="uint64") << np.uint64(50))
    apart.add(pd.DataFrame({"run_id": [str(i) for i in range(500)]}))
    for files in (seen, apart):
        assert len(files._open) > 1
        assert sum(file.flush() or os.fstat(file.fileno()).st_size for file in files._open.values()) > 10_000
    os.kill(os.getpid(), signal.SIGKILL)
"""
    place = tmp_path / "temporary"
    place.mkdir()
    done = subprocess.run([sys.executable, "-c", code], env={**os.environ, "TMPDIR": str(place)}, check=False)
    assert done.returncode == -signal.SIGKILL
    assert list(place.iterdir()) == []


def test_no_room_for_temporary_files_is_one_message(folder: Path, tmp_path: Path) -> None:
    code = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))  # as a full disk
from footprint.__main__ import run
sys.argv = ["footprint", "report", sys.argv[1]]
run()
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "no room for the runs of the parts in the temporary folder" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_run_in_two_months_counts_once(folder: Path, frame: pd.DataFrame) -> None:
    """A file of copies in another month's folder, and runs whose second segment began in another month."""
    copies = frame[frame["started_at"].str.startswith("2026-01")].iloc[:30]
    copies.to_parquet(folder / "month=2026-02" / "copied.parquet")
    whole = footprint.report(folder, by="model")
    check(whole, frame)
    assert any("30 runs have rows in several parts" in warning for warning in whole.warnings)
    resumed = frame[frame["started_at"].str.startswith("2026-01")].iloc[40:45].copy()
    resumed["started_at"] = "2026-03-30T00:00:00+00:00"
    resumed.to_parquet(folder / "month=2026-03" / "resumed.parquet")
    (total,) = footprint.report(folder).totals
    assert (total.runs, total.rows_count) == (ROWS, ROWS + 5)
    every = frame["energy_kwh_mid"].sum() + resumed["energy_kwh_mid"].sum()
    assert total.energy_kwh is not None
    assert total.energy_kwh.mid == pytest.approx(every, rel=1e-12)
    first = frame[frame["run_id"].isin(resumed["run_id"]) & (frame["status"] != "completed")]
    assert total.restarted_energy_kwh == pytest.approx(first["energy_kwh_mid"].sum(), rel=1e-12)


def test_the_hashes_of_parts_are_compared_file_by_file() -> None:
    rng = np.random.default_rng(1)
    parts = [np.unique(rng.integers(1, 3_000, 1_000).astype("uint64") << np.uint64(52)) for _ in range(4)]
    values, counts = np.unique(np.concatenate(parts), return_counts=True)
    rows = np.append(np.repeat(parts[0], 2), np.zeros(3, dtype="uint64"))
    assert each_once(rng.permutation(rows)).tolist() == parts[0].tolist()
    assert each_once(rows[:0]).tolist() == []
    with Seen() as seen:
        for part in parts:
            seen.add(part)
        assert seen.in_several().tolist() == values[counts > 1].tolist()


def test_very_many_groups_are_refused(
    folder: Path, frame: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One report holds so many groups, whether they are found in one part or in all of them together."""
    whole = tmp_path / "whole.parquet"
    frame.to_parquet(whole)
    for path in (folder, whole):
        report = footprint.report(path, by="run_id")
        found = {one.by["run_id"]: one.energy_kwh.mid for one in report.groups if one.energy_kwh}
        assert found == pytest.approx(frame.set_index("run_id")["energy_kwh_mid"].to_dict(), rel=1e-12)
    most_of_a_part = frame["started_at"].str[:7].value_counts().max()
    for most in (ROWS - 1, most_of_a_part - 1):
        for room in (months, totals):
            monkeypatch.setattr(room, "MOST_GROUPS", most)
        for path in (folder, whole):
            done = command_line("report", str(path), "--by", "run_id", "-o", str(tmp_path / "out.json"))
            assert done.code == 2
            assert f"--by run_id makes more than {most:,} groups" in done.err
            assert done.err.count("\n") == 1
            assert not (tmp_path / "out.json").exists()
            assert command_line("report", str(path), "--by", "model").code == 0


def test_groups_of_many_parts_are_added_on_the_way(
    folder: Path, frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[int] = []
    for room in (months, totals):
        monkeypatch.setattr(room, "MOST_GROUPS", 2)
    monkeypatch.setattr(months, "MOST_ROWS", 200)
    real = months.all_of

    def watched(found: list[months.Sums], by: tuple[str, ...]) -> months.Sums:
        kept.append(len(found))
        return real(found, by)

    monkeypatch.setattr(months, "all_of", watched)
    report = footprint.report(folder, by="model")
    check(report, frame)
    assert report.inputs[0].rows_count == ROWS + 4 * 20
    assert max(kept) == 3  # sums of 2 groups each
    assert len(kept) > len(months.parts_of(folder)) / 3


def test_by_month_and_by_any_column(folder: Path, frame: pd.DataFrame) -> None:
    report = footprint.report(folder, by=["month", "model_name"])
    keys = [frame["started_at"].str[:7], "model_name"]
    sums = frame.groupby(keys)["energy_kwh_mid"].sum().to_dict()
    found = {(g.by["month"], g.by["model_name"]): g.energy_kwh.mid for g in report.groups if g.energy_kwh}
    assert found == pytest.approx(sums, rel=1e-12)


def test_the_workers_of_a_scheduler_find_the_same(
    folder: Path, frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    distributed = pytest.importorskip("distributed")
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address=":0"
    )
    try:
        report = footprint.report(folder, by="model", scheduler=cluster.scheduler_address)
        monkeypatch.setattr(totals, "MOST_GROUPS", 1)  # of this process
        for by, said in (("modle", "model"), (["run_id", "status"], "more than 1 groups")):
            with pytest.raises(FootprintError, match=said):
                footprint.report(folder, by=by, scheduler=cluster.scheduler_address)
        monkeypatch.undo()
    finally:
        cluster.close()
    check(report, frame)
    here = footprint.report(folder, by="model")
    assert report.totals == here.totals
    assert report.groups == here.groups


def test_what_parts_cannot_do_is_said(folder: Path, tmp_path: Path) -> None:
    other = Path(__file__).with_name("emissions.csv")
    for words, said in (
        ([str(folder), str(other)], "reported alone"),
        ([str(folder), "--rows"], "part by part"),
        ([str(other), "--scheduler", "tcp://127.0.0.1:1"], "Parquet in parts"),
        ([str(folder), "--kind", "estimate"], "a report of nothing"),
        ([str(folder), "--scheduler", "http://x"], "tcp://host:port"),
    ):
        done = command_line("report", *words)
        assert done.code == 2, words
        assert said in done.err
        assert "Traceback" not in done.err
    (folder / "month=2026-01" / "c.parquet").write_bytes(b"PAR1 and no more")
    assert "not a Parquet file" in command_line("report", str(folder)).err
