"""The command ``footprint sweep``."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from footprint.reports.decisions.sweeps import sweep_files
from tests.cli.run import footprint
from tests.conftest import ROOT

BASE = ("sweep", "--model", "bert-base", "--hw", "v100:8,h100:8..32x2", "--region", "FRA,POL")


def test_the_summary() -> None:
    done = footprint(*BASE, "--format", "json", "--top", "2", "--by", "co2e")
    found = json.loads(done.out)
    assert found["schema"] == "footprint/sweep/1"
    assert found["scenarios"] == found["computed"] == 8
    assert len(found["best"]) == 2
    one = footprint("estimate", *BASE[1:3], "--hw", found["best"][0]["scenario"]["hw"], "--region", "FRA",
                    "--format", "json")  # fmt: skip
    assert found["best"][0]["co2e_kg"]["mid"] == pytest.approx(
        json.loads(one.out)["co2e_kg"]["mid"], rel=1e-9
    )
    assert max(map(len, footprint(*BASE).out.splitlines())) <= 80


def test_the_best_as_rows() -> None:
    words = (*BASE, "--top", "2", "--by", "co2e")
    rows = list(csv.DictReader(io.StringIO(footprint(*words, "--format", "csv").out)))
    assert [row["list"] for row in rows[:2]] == ["best", "best"]
    assert {row["list"] for row in rows[2:]} == {"pareto"}
    for row in rows:
        one = footprint(
            "estimate", *BASE[1:3], "--hw", row["hw"], "--region", row["region"], "--format", "json"
        )
        assert float(row["cost_usd_high"]) == pytest.approx(json.loads(one.out)["cost_usd"]["high"], rel=1e-9)
        assert row["schema"] == "footprint/sweep/1"
        assert row["data_version"] == json.loads(one.out)["data_version"]
    page = footprint(*words, "--format", "markdown").out
    assert page.count("| least CO2e |") == 2
    assert page.count("| Pareto front |") == len(rows) - 2
    assert all(len(line.split(" | ")) == 8 for line in page.splitlines() if line.startswith("| "))
    dates = ("--stack-date", "2023,2026-02", "--format", "markdown")
    assert "|  | stack date | hours |" in footprint("sweep", "--model", "gpt2", "--hw", "v100:8", *dates).out


def test_a_file_of_axes_and_options_over_it(tmp_path: Path) -> None:
    path = tmp_path / "grid.toml"
    path.write_text(
        'schema = "footprint/scenario/1"\nmodel = ["bert-base", "gpt2"]\nhw = "v100:8..32x2"\n'
        'batch_size = [64, 128]\nregion = "FRA"\ntokens = "1B"\nseq_len = 128\n'
    )
    out = tmp_path / "rows.csv"
    assert footprint("sweep", str(path), "--model", "gpt2", "-o", str(out)).code == 0
    frame = pd.read_csv(out)
    assert list(frame.columns[:2]) == ["hw", "batch_size"]
    assert len(frame) == 6


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--batch-size", "1..99999+1", "--steps", "1..99999+1"), "more than 100,000,000"),
        (("--sample", "0"), "from 1 to"),
        (("--grid", "--sample", "3"), "contradict"),
        (("--resume",), "-o too"),
        (("-o", "x.txt"), ".csv or .parquet"),
        (("-o", "nowhere/x.csv"), "does not exist"),
        (("--batch-size", "8,,9"), "empty value"),
    ],
)
def test_bad_input(args: tuple[str, ...], message: str) -> None:
    done = footprint(*BASE, *args)
    assert done.code == 2
    assert message in done.err.replace("\n", " ")
    assert "Traceback" not in done.err


@pytest.mark.parametrize(("limit", "bound"), [("10 h", "mid"), ("5 kgCO2e", "mid"), ("200 kWh", "high")])
def test_a_limit_counts_the_rows_of_the_file(tmp_path: Path, limit: str, bound: str) -> None:
    out = tmp_path / "rows.csv"
    lists = ("--hw", "v100:8,h100:8", "--batch-size", "64,1024", "--region", "FRA,POL")
    words = ("--fail-over", limit, "--fail-over-bound", bound)
    done = footprint("sweep", "--model", "bert-base", *lists, *words, "-o", str(out), "--quiet")
    name, most = {"10 h": ("duration_h", 10), "5 kgCO2e": ("co2e_kg", 5), "200 kWh": ("energy_kwh", 200)}[
        limit
    ]
    with out.open() as file:
        over = sum(float(row[f"{name}_{bound}"]) > most for row in csv.DictReader(file))
    assert 0 < over < 8
    assert done.code == 3
    assert f"{over} of 8 scenarios are over {limit!r}" in done.err
    above = ("--fail-over", "1 MWh", "--fail-over-bound", "high")
    assert footprint("sweep", "--model", "bert-base", *lists, *above, "--quiet").code == 0


def test_no_limit_holds_for_scenarios_that_do_not_fit() -> None:
    job = ("--model", "llama3.1-8b", "--tokens", "1B", "--hw", "rtx4090:1,h100:8", "--quiet")
    done = footprint("sweep", *job, "--fail-over", "$1000000")
    assert done.code == 3
    assert "1 cannot be or do not fit" in done.err


def test_two_spellings_of_a_value_are_swept_once() -> None:
    done = footprint("sweep", "--model", "bert-base", "--hw", "v100:8,8xv100", "--region", "FRA,France,POL")
    assert done.out.startswith("2 scenarios;")
    assert "2 values are spellings of others and are left out" in done.err
    one = footprint("sweep", "--model", "bert-base", "--hw", "v100:8,8xv100,h100:8")
    assert "1 value is a spelling of another and is left out" in one.err


def test_saved_lists_are_the_same_sweep(tmp_path: Path) -> None:
    saved, picture = tmp_path / "grid.toml", tmp_path / "best.svg"
    lists = ("--model", "bert-base", "--hw", "v100:8,h100:8", "--batch-size", "64..256x2", "--format", "json")
    first = footprint("sweep", *lists, "--save", str(saved), "--plot", str(picture), "--quiet")
    again = footprint("sweep", str(saved), "--format", "json", "--quiet")
    assert json.loads(first.out) == json.loads(again.out)
    drawn = picture.read_text()
    assert "</svg>" in drawn
    done = footprint("sweep", *lists, "--plot", str(picture))
    assert done.code == 2
    assert "--overwrite" in done.err


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_sweep_that_ends_in_its_first_part_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    """The interrupt comes after the first rows are written and before the note says so."""
    out, whole = tmp_path / f"rows.{ending}", tmp_path / f"whole.{ending}"
    sink = {"csv": sweep_files._Csv, "parquet": sweep_files._Parquet}[ending]

    def torn(self: Any, part: Any, number: int) -> None:
        add(self, part, number)
        raise KeyboardInterrupt

    add = sink.add
    with monkeypatch.context() as patched:
        patched.setattr(sink, "add", torn)
        assert footprint(*BASE, "-o", str(out), "--quiet").code == 130
    assert footprint(*BASE, "-o", str(out), "--resume", "--quiet").code == 0
    assert footprint(*BASE, "-o", str(whole), "--quiet").code == 0
    if ending == "csv":
        assert out.read_bytes() == whole.read_bytes()
    else:
        pd.testing.assert_frame_equal(pd.read_parquet(out), pd.read_parquet(whole))


@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.parametrize("written", [0, 1, 3])
def test_what_an_interrupted_sweep_wrote_counts_when_it_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str, written: int
) -> None:
    """Summary, Pareto front, limits and problems are those of the sweep that nothing interrupted."""
    lists = ("sweep", "--model", "bert-base,llama2-70b", "--hw", "v100:1,h100:8", "--tokens", "1B",
             "--seq-len", "128,512", "--batch-size", "8,256", "--region", "FRA,POL",
             "--precision", "fp16,fp8", "--format", "json", "--quiet", "--fail-over", "20 kWh")  # fmt: skip
    out = tmp_path / f"rows.{ending}"
    sink = {"csv": sweep_files._Csv, "parquet": sweep_files._Parquet}[ending]

    def torn(self: Any, part: Any, number: int) -> None:
        if number == written:
            raise KeyboardInterrupt
        add(self, part, number)

    add = sink.add
    with monkeypatch.context() as patched:
        patched.setattr(sink, "add", torn)
        assert footprint(*lists, "-o", str(out)).code == 130
    rest, whole = footprint(*lists, "-o", str(out), "--resume"), footprint(*lists)
    found, expected = json.loads(rest.out), json.loads(whole.out)
    assert expected["problems"]
    assert found.pop("computed") < expected.pop("computed") or not written
    assert found == expected
    assert rest.code == whole.code == 3
    limit = "scenarios are over '20 kWh'"
    assert limit in whole.err
    assert [line for line in rest.err.splitlines() if limit in line] == [
        line for line in whole.err.splitlines() if limit in line
    ]


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="no such signal there")
@pytest.mark.parametrize(
    "sent", [signal.SIGINT, getattr(signal, "SIGKILL", signal.SIGINT)], ids=["ctrl-c", "kill"]
)
def test_a_sweep_that_ends_early_goes_on(tmp_path: Path, sent: signal.Signals) -> None:
    out = tmp_path / "rows.csv"
    lists = ("--model", "bert-base,gpt2,llama2-7b,gpt2-xl", "--hw", "v100:8..64x2,h100:8..64x2,a100:8..64x2",
             "--batch-size", "64..1024x2", "--seq-len", "128..512x2", "--tokens", "1B")  # fmt: skip
    command = [sys.executable, "-m", "footprint", "sweep", *lists, "-o", str(out), "--quiet"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        until = time.monotonic() + 60
        while time.monotonic() < until and not (out.exists() and out.read_bytes().count(b"\n") > 20):
            time.sleep(0.02)
        child.send_signal(sent)
        said = child.communicate(timeout=60)[1].decode()
    assert "Traceback" not in said
    torn = out.read_bytes()
    assert torn.endswith(b"\n") or sent != signal.SIGINT
    # On a fast moment the signal comes after the last row.
    unfinished = torn.count(b"\n") < 1 + 4 * 12 * 5 * 3
    done = footprint("sweep", *lists, "-o", str(out), "--resume" if unfinished else "--overwrite")
    assert done.code == 0, done.err
    frame = pd.read_csv(out)
    assert len(frame) == 4 * 12 * 5 * 3
    assert not frame.duplicated(["model", "hw", "batch_size", "seq_len"]).any()
