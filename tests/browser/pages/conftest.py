"""The pages that the tests open, and axe-core."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import footprint
from footprint.results.rows import append_rows, report_row
from tests.cli.run import footprint as command_line

AMOUNTS = ("energy_kwh", "co2e_kg", "cost_usd")
EVIL = "<img src=x onerror=alert(1)><script>alert(2)</script>\"'&\u202ename\x1b[31m"


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The page of an estimate, of a report and of a project, whose names are a stranger's."""
    folder = tmp_path_factory.mktemp("pages")
    done = command_line(
        "estimate", "--model", "bert-base", "--hw", "v100:8", "--region", "FRA", "--runs", "3",
        "--name", EVIL[:-10],
        "-o", str(folder / "estimate.html"),
    )  # fmt: skip
    assert done.code == 0, done.err
    rows = []
    for i, (model, place) in enumerate((("bert-base", "FRA"), ("gpt2", "DEU"), ("gpt2-medium", "SWE"))):
        result = footprint.estimate(model=model, hw="v100:8", region=place).to_json()
        result["name"] = EVIL if i == 0 else model
        common: dict[str, Any] = {"run_id": f"run-{i}", "started_at": f"2026-0{i + 1}-01T00:00:00.000+00:00"}
        rows.append(report_row(result, kind="estimate", **common))
        measured = {
            name: result[name] for name in ("name", "boundary", "model", "cluster", "place", "workload")
        }
        measured |= {name: {"mid": 1.1 * result[name]["mid"]} for name in (*AMOUNTS, "duration_h")}
        status = "failed" if i == 2 else "completed"
        rows.append({**report_row(measured, kind="measurement", **common), "status": status})
    append_rows(folder / "runs.csv", rows)
    (folder / "power.csv").write_text(
        "timestamp, index, power.draw [W]\n"
        + "".join(f"2026/03/01 10:{s // 60:02d}:{s % 60:02d}.000, 0, {200 + s % 50} W\n" for s in range(300))
    )
    done = command_line(
        "report", str(folder / "runs.csv"), str(folder / "power.csv"), "--by", "project",
        "-o", str(folder / "report.html"),
    )  # fmt: skip
    assert done.code == 0, done.err
    project = folder / "project.toml"
    evil = json.dumps(EVIL)  # a string of JSON is one of TOML
    project.write_text(
        f"name = {evil}\nwhy = {evil}\nmitigations = [{evil}]\n[[runs]]\nname = {evil}\n"
        'model = "bert-base"\nhw = "v100:8"\n[alternatives]\nhw = "v100:8,h100:8"\n',
        encoding="utf-8",
    )
    done = command_line("project", str(project), "--preregister", str(folder / "project.html"))
    assert done.code == 0, done.err
    return {name: folder / f"{name}.html" for name in ("estimate", "report", "project")}
