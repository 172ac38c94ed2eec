"""``footprint demo``: a real model, FLOPs that agree with torch, pictures, a report."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from footprint.results.row_reader import read_rows
from footprint.tracking.report.archive import open_archive

ROOT = Path(__file__).resolve().parents[2]


def demo(folder: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "footprint", "demo", *arguments], cwd=folder, capture_output=True, text=True,
        timeout=1800, check=False, env={**os.environ, "PYTHONPATH": str(ROOT), **environ},
    )  # fmt: skip


@pytest.mark.live
@pytest.mark.slow
@pytest.mark.parametrize(("data", "steps", "falls"), [("text", 40, 0.75), ("digits", 150, 0.5)])
def test_predicts_trains_and_measures(tmp_path: Path, data: str, steps: int, falls: float) -> None:
    done = demo(tmp_path, "--data", data, "--steps", str(steps), "--region", "FRA")
    assert done.returncode == 0, done.stderr
    formula, counted = re.search(r"one step: ([\d,]+) FLOP by formula, ([\d,]+) by", done.stdout).groups()  # type: ignore[union-attr]
    assert formula == counted
    ours, theirs = re.search(r"parameters: ([\d,]+) by formula, ([\d,]+) in", done.stdout).groups()  # type: ignore[union-attr]
    assert ours == theirs
    first, last = re.search(r"loss ([\d.]+) -> ([\d.]+) in", done.stdout).groups()  # type: ignore[union-attr]
    assert float(last) < falls * float(first)
    assert "forecast" in done.stdout
    out = tmp_path / "footprint-demo"
    report = open_archive([out / "runs"]).report("last")
    assert report.measurement.workload.steps == steps
    assert report.comparison is not None
    assert report.comparison.work_share == pytest.approx(1.0)
    pictures = sorted((out / "runs" / report.measurement.run_id).glob("*.png"))
    assert [path.stem for path in pictures] == [
        "forecast-against-truth",
        "loss-against-energy",
        "power-over-time",
    ]
    assert all(path.read_bytes().startswith(b"\x89PNG") and path.stat().st_size > 8000 for path in pictures)
    for kind in ("estimate", "measurement"):
        assert len(read_rows(out / "runs.csv", kind=kind)[0]) == 1
    assert "[codecarbon" not in done.stderr  # its logger keeps quiet


def test_without_torch_it_says_how_to_get_it(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("raise ImportError('no torch here')")
    done = demo(tmp_path, PYTHONPATH=f"{tmp_path}:{ROOT}")
    assert done.returncode == 2
    assert done.stderr == "footprint: the demo trains with torch: pip install 'footprint-ml[torch]'\n"
