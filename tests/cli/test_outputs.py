"""Every format of every kind of answer, as it was before the formats had files of their own.

``outputs/`` was written by the code before; numbers are compared to nine figures, since the last
ones belong to the order of a sum.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.cli.run import footprint
from tests.conftest import ROOT

OUTPUTS = Path(__file__).with_name("outputs")
ESTIMATE = "estimate --model bert-base --hw v100:8 --region FRA --year 2025"
COMMANDS = {
    "estimate.table": ESTIMATE,
    "estimate.json": f"{ESTIMATE} --format json",
    "estimate.csv": f"{ESTIMATE} --format csv",
    "estimate.markdown": f"{ESTIMATE} --format markdown --spread",
    "flops.table": "flops --model bert-base --hw v100",
    "flops.json": "flops --model bert-base --hw v100 --format json",
    "validate.table": "validate patterson",
    "validate.json": "validate patterson --format json",
    "hardware.table": "hardware search v100",
    "hardware.json": "hardware search v100 --format json",
    "model.table": "models show bert-base",
    "region.json": "regions show FRA --format json",
    "price.table": "prices show v100 --explain",
    "check.json": "check my-chip.toml --format json",
    "slurm.table": "slurm jobs.txt --hw v100 --region FRA",
    "slurm.json": "slurm jobs.txt --hw v100 --region FRA --format json",
    "slurm.csv": "slurm jobs.txt --hw v100 --region FRA --format csv",
}
CHANGING = (
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", "TIME"),
    (r"(?<=, )\d{4}-\d\d-\d\d(?=; boundary)", "DAY"),
    (r"estimate-[0-9a-f]{12}", "RUN"),
)
"""What no two calls have in common."""


def settled(text: str) -> str:
    """The text without its time and its run id, numbers to nine figures."""
    for pattern, word in CHANGING:
        text = re.sub(pattern, word, text)
    return re.sub(r"\d+\.\d+(?:e[+-]?\d+)?", lambda number: f"{float(number[0]):.9g}", text)


@pytest.mark.parametrize("name", COMMANDS)
def test_an_output_is_what_it_was(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(ROOT / "hardware_profiles" / "v100-sxm2-16gb.toml", tmp_path / "my-chip.toml")
    shutil.copy(ROOT / "tests" / "integrations" / "sacct" / "jobs.psv", tmp_path / "jobs.txt")
    monkeypatch.chdir(tmp_path)
    done = footprint(*COMMANDS[name].split())
    assert done.code == 0, done.err
    assert settled(done.out) == (OUTPUTS / f"{name}.txt").read_text(encoding="utf-8")
