"""``footprint run -- python train.py``: the steps of a program as it is, and the same bits as without us."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from footprint.tracking.report.archive import open_archive
from tests.tracking.fault_harness import ROOT
from tests.tracking.hooks.programs import CONVOLUTION, HEAD, SIDE_EFFECTS, TRANSFORMER

pytestmark = pytest.mark.slow
OURS = ["--meter", "constant:360W", "--flush-s", "0.5", "--hw", "v100:1", "--region", "FRA"]


def plain(folder: Path, program: str) -> str:
    """What a program prints without us."""
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-c", program], cwd=folder, env=environ, text=True, check=True, capture_output=True
    ).stdout


def hooked(
    folder: Path, program: str, *options: str, code: int = 0, environ: dict[str, str] | None = None
) -> tuple[str, str]:
    """Output of a program (code, or the name of a file) under ``footprint run``.

    A program that calls ``wait_for_trace`` ends after the trace of its module, however busy the machine is.
    """
    child = [program] if program.endswith(".py") else ["-c", program]
    command = Path(sys.executable).parent / "footprint"
    data = folder / "data"
    ours = {
        "PYTHONPATH": str(ROOT),
        "FOOTPRINT_DATA": str(data),
        "TRACED": str(data / "traced" / "*.ops.json"),
    }
    done = subprocess.run(
        [str(command), "run", *OURS, *options, "--", sys.executable, *child],
        cwd=folder, text=True, capture_output=True, timeout=1800,
        env={**os.environ, **ours, **(environ or {})},
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    return done.stdout, done.stderr


def report(folder: Path):
    return open_archive([folder / "footprint-runs"]).report("last")


def test_a_transformer_has_the_same_bits_and_is_known(tmp_path: Path) -> None:
    out, err = hooked(tmp_path, TRANSFORMER, "--csv", "runs.csv")
    assert out == plain(tmp_path, TRANSFORMER)
    got = report(tmp_path)
    work = got.measurement.workload
    assert (work.steps, work.samples, work.tokens) == (40, 40 * 8, 40 * 8 * 16)
    assert not got.measurement.faults
    given = got.totals.given
    assert (given["batch_size"], given["optimizer"]) == (8, "adamw")
    # two blocks of 4 projections and 2 layers of 64, attention, and the head; 3 passes
    weights = 2 * (4 * 32 * 32 + 2 * 32 * 64) + 32 * 50
    forward = 2 * 8 * 16 * weights + 2 * 2 * 2 * 8 * 16 * 16 * 32
    assert got.measurement.flop.model_flop == pytest.approx(3 * forward * 40, rel=1e-9)
    assert got.measurement.mfu is not None
    compared = {row.name for row in got.comparison.quantities}
    assert {"duration_h", "energy_kwh", "mfu", "co2e_kg"} <= compared
    assert "measured over predicted: time" in err
    assert got.measurement.status == "completed"


def test_a_conv_net_with_workers_and_amp_has_the_same_bits(tmp_path: Path) -> None:
    out, _ = hooked(tmp_path, CONVOLUTION)
    assert out == plain(tmp_path, CONVOLUTION)
    got = report(tmp_path)
    work = got.measurement.workload
    # 70 images in batches of 16, the last of 6; the first two steps are taken to be as large as the third
    assert (work.steps, work.samples) == (15, 3 * 70)
    assert got.totals.given["precision"] == "bf16"
    assert str(got.totals.given["model"]).endswith(".ops.json")
    assert not got.measurement.faults


def test_without_hooks_nothing_is_counted_or_put_in_the_way(tmp_path: Path) -> None:
    program = f"""{HEAD}
import os
torch.optim.SGD([nn.Parameter(torch.ones(1))]).step()
print([name for name in os.environ if "HOOKS" in name], "injected" in os.environ["PYTHONPATH"])
"""
    out, _ = hooked(tmp_path, program, "--no-hooks")
    assert out == "[] False\n"
    assert report(tmp_path).measurement.workload.steps is None


def test_the_end_of_a_program_as_it_is_is_forecast(tmp_path: Path) -> None:
    program = f"""{HEAD}
weight = nn.Parameter(torch.ones(3))
optimizer = torch.optim.SGD([weight], lr=0.1)
for step in range(120):
    weight.sum().backward(); optimizer.step(); time.sleep(0.05)
"""
    hooked(tmp_path, program, "--steps", "120")
    got = report(tmp_path)
    assert got.measurement.workload.steps == 120
    marks = got.totals.forecasts
    assert len(marks) >= 2
    half = marks[-1]
    assert half.mid_h == pytest.approx(got.measurement.duration_h.mid, rel=0.3)


def test_what_a_module_does_besides_is_done_once(tmp_path: Path) -> None:
    """Output, files, counters and caches of a forward pass: the traced copy reaches none of them."""
    out, _ = hooked(tmp_path, SIDE_EFFECTS, environ={"PYTHONWARNINGS": "error::DeprecationWarning:footprint"})
    (tmp_path / "plain").mkdir()
    assert out == plain(tmp_path / "plain", SIDE_EFFECTS)
    got = report(tmp_path)
    assert got.measurement.workload.samples == 12 * 4
    assert str(got.totals.given["model"]).endswith(".ops.json")
    assert not got.measurement.faults
