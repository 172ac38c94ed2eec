"""Finished runs sharpen later estimates: opt-in, visible, removable, from measured numbers alone."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import footprint
from footprint.errors import FootprintError
from footprint.estimator.anchors import anchor_names, remove_anchor
from footprint.tracking.journal.codec import encode
from footprint.tracking.report.archive import open_archive
from footprint.tracking.report.calibration import Candidate, candidates, keep, offer
from tests.cli.run import footprint as command
from tests.tracking.journal_cluster import Cluster

GIVEN: dict[str, Any] = {
    "model": "gpt2", "hw": "v100-sxm2-16gb:8", "batch_size": 64, "seq_len": 1024, "region": "FRA",
    "precision": "fp16",
}  # fmt: skip
STEPS = 60


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FOOTPRINT_DATA", str(tmp_path / "user"))
    return tmp_path / "runs"


def recorded(
    folder: Path, run_id: str, *, factor: float, watts: float | None = 250.0, peak_gib: float = 0, **more: Any
) -> None:
    """A run whose steps took ``factor`` times the predicted time, on boards of so many watts."""
    predicted = footprint.estimate(**GIVEN, steps=STEPS)
    assert predicted.step_time_s is not None
    step_s = predicted.step_time_s.mid * factor
    boards = {f"GPU-{n}": watts for n in range(8)} if watts else None
    Cluster(folder).process(
        run_id, end=STEPS * step_s, steps=STEPS, tokens=STEPS * 64 * 1024, boards=boards,
        given={**GIVEN, "total_steps": STEPS}, **more,
    )  # fmt: skip
    (path,) = (folder / run_id).glob("*.jsonl")
    lines = path.read_bytes().splitlines(keepends=True)
    estimate = encode({"type": "estimate", "record": predicted.to_json()})
    said = b'"samples":0,"step_s":%r' % step_s
    if peak_gib:
        said += b',"peak_byte":%d' % round(peak_gib * 2**30)
    states = [line.replace(b'"samples":0', said) for line in lines[1:]]
    fixed = [encode({k: v for k, v in json.loads(state).items() if k != "crc"}) for state in states]
    path.write_bytes(lines[0] + estimate + b"".join(fixed))


def found(folder: Path) -> dict[str, Candidate]:
    return {c.run_id: c for c in candidates(open_archive([folder]).reports())}


def test_step_time_and_board_power_of_a_finished_run(folder: Path) -> None:
    recorded(folder, "r", factor=1.5)
    candidate = found(folder)["r"]
    assert candidate.refused == ""
    assert candidate.time_ratio == pytest.approx(1.5, rel=0.01)
    assert candidate.board_w == pytest.approx(250, rel=0.01)
    assert candidate.name == "runs-v100-sxm2-16gb-fp16"


def test_an_anchored_estimate_takes_both_and_says_so(folder: Path) -> None:
    recorded(folder, "r", factor=1.5)
    keep(found(folder)["r"], overwrite=False)
    assert anchor_names() == ["runs-v100-sxm2-16gb-fp16"]
    job = {**GIVEN, "steps": STEPS}
    before, after = footprint.estimate(**job), footprint.estimate(**job, anchor="runs-v100-sxm2-16gb-fp16")
    again = footprint.estimate(**job)  # nothing changes unless it is named
    assert (again.energy_kwh, again.assumptions) == (before.energy_kwh, before.assumptions)
    assert after.step_time_s.mid > 1.2 * before.step_time_s.mid  # type: ignore[union-attr]
    assert after.energy_components_kwh.accelerators is not None
    board_w = after.energy_components_kwh.accelerators.mid / after.duration_h.mid / 8 * 1000
    assert board_w == pytest.approx(250, rel=0.01)
    rows = [row.name for row in after.assumptions if "anchor" in row.name]
    assert any("power of one board" in name for name in rows)
    assert any("step time" in name for name in rows)
    far = footprint.estimate(model="llama2-70b", hw="v100-sxm2-16gb:512", tokens=1e9, precision="fp16",
                             anchor="runs-v100-sxm2-16gb-fp16")  # fmt: skip
    assert not any("power of one board" in row.name for row in far.assumptions)
    remove_anchor("runs-v100-sxm2-16gb-fp16")
    assert anchor_names() == []


def test_what_was_modelled_calibrates_no_power(folder: Path) -> None:
    recorded(folder, "r", factor=1.2, watts=None)
    candidate = found(folder)["r"]
    assert candidate.board_w is None
    assert "accelerator_power_w" not in candidate.scenario
    assert candidate.refused == ""  # its time still counts


def test_the_peak_of_a_run_is_part_of_its_anchor_and_corrects_the_memory(folder: Path) -> None:
    recorded(folder, "r", factor=1.2, peak_gib=9.5)
    candidate = found(folder)["r"]
    assert candidate.scenario["memory_gib"] == pytest.approx(9.5)
    assert candidate.scenario["memory_scope"] == "allocated"
    keep(candidate, overwrite=False)
    job = {**GIVEN, "steps": STEPS}
    before, after = (
        footprint.estimate(**job, **more).memory for more in ({}, {"anchor": "runs-v100-sxm2-16gb-fp16"})
    )
    assert before is not None
    assert after is not None
    assert (before.basis, after.basis) == ("predicted", "anchored")
    assert min(9.5, before.needed_gib.mid) < after.needed_gib.mid < max(9.5, before.needed_gib.mid)
    report = open_archive([folder]).report("r")
    measured = report.measurement
    assert report.comparison is not None
    compared = report.comparison["memory_peak_gib"]
    assert (compared.how, compared.ratio) == ("measured", pytest.approx(9.5 / before.needed_gib.mid))
    assert measured.to_json()["memory"] == {"peak_gib": pytest.approx(9.5), "scope": "allocated"}
    assert "memory of a device" in str(measured)


def test_a_peak_that_cannot_be_costs_an_anchor_nothing_but_itself(folder: Path) -> None:
    recorded(folder, "r", factor=1.2, peak_gib=500)
    path = keep(found(folder)["r"], overwrite=False)
    assert "memory" not in path.read_text()
    assert "step_time_s" in path.read_text()


@pytest.mark.parametrize(
    ("more", "why"),
    [({"status": "failed"}, "it is failed"), ({"status": None}, "it is killed")],
)
def test_unfinished_runs_are_left_out(folder: Path, more: dict[str, Any], why: str) -> None:
    recorded(folder, "r", factor=1.0, **more)
    candidate = found(folder)["r"]
    assert candidate.refused == why
    with pytest.raises(FootprintError, match="cannot calibrate"):
        keep(candidate, overwrite=False)


def test_the_longest_of_several_counts(folder: Path) -> None:
    recorded(folder, "short", factor=1.0)
    recorded(folder, "long", factor=2.0)
    both = found(folder)
    assert both["long"].refused == ""
    assert "longer" in both["short"].refused


@pytest.mark.slow
def test_the_command(folder: Path, tmp_path: Path) -> None:
    recorded(folder, "r", factor=1.5)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "footprint", *arguments], capture_output=True, text=True, check=False
        )

    dry = run("calibrate", "--from", str(folder), "--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert "x1.5" in dry.stdout
    assert "250 W" in dry.stdout
    assert not (tmp_path / "user").exists()
    assert run("calibrate", "--from", str(folder)).returncode == 0
    again = run("calibrate", "--from", str(folder))
    assert again.returncode == 2
    assert "--overwrite" in again.stderr
    assert run("calibrate", "--from", str(folder), "--overwrite").returncode == 0
    (tmp_path / "empty").mkdir()
    assert run("calibrate", "--from", str(tmp_path / "empty")).returncode == 2


TRAIN = """
import sys, time
import footprint
with footprint.track(model="gpt2", hw="v100-sxm2-16gb:8", batch_size=64, seq_len=1024, precision="fp16",
                     total_steps={steps}, meter="constant:250W", absent_hardware="model", region="FRA",
                     journal_dir={folder!r}, run_id="ours") as run:
    for _ in range({steps}):
        time.sleep(0.02)
        run.step(tokens=64 * 1024)
"""


def tracked(folder: Path, steps: int) -> str:
    script = TRAIN.format(steps=steps, folder=str(folder))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return done.stderr


def test_a_run_without_enough_steps_offers_nothing(folder: Path) -> None:
    assert "to narrow" not in tracked(folder, 5)
    assert not (folder / "ours" / "anchor.toml").exists()


def test_what_a_run_offers_works_as_it_is_printed(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded(folder, "r", factor=1.3)
    report = open_archive([folder]).report("r")
    monkeypatch.chdir(tmp_path)
    offered = offer(report, folder / "r")
    words = shlex.split(offered.removeprefix("to narrow later estimates: footprint "))
    assert words[-2:] == ["--anchor", "./runs/r/anchor.toml"]
    done = command(*words, "--precision", "fp16", "--format", "json")
    assert done.code == 0, done.err
    plain = command(*words[:-2], "--precision", "fp16", "--format", "json")
    after, before = (json.loads(one.out)["step_time_s"] for one in (done, plain))
    assert 1.1 < after["mid"] / before["mid"] < 1.3
    assert after["high"] / after["low"] < before["high"] / before["low"]
    # in the usual folder its name alone will do, and an estimate names it itself
    monkeypatch.setenv("FOOTPRINT_DIR", str(folder))
    assert offer(report, folder / "r").endswith("--anchor r")
    named = command(*words[:-2], "--precision", "fp16")
    assert "your measurement r of" in " ".join(named.err.split())
    again = command(*words[:-2], "--precision", "fp16", "--anchor", "r", "--format", "json")
    assert json.loads(again.out)["step_time_s"] == after


def test_a_folder_that_cannot_be_written_offers_nothing(folder: Path) -> None:
    recorded(folder, "r", factor=1.3)
    report = open_archive([folder]).report("r")
    assert offer(report, folder / "nowhere") == ""
