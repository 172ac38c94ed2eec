"""The command ``footprint sweep``."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

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


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="no such signal there")
def test_ctrl_c_leaves_whole_rows_and_the_sweep_goes_on(tmp_path: Path) -> None:
    out = tmp_path / "rows.csv"
    lists = ("--model", "bert-base,gpt2,llama2-7b,gpt2-xl", "--hw", "v100:8..64x2,h100:8..64x2,a100:8..64x2",
             "--batch-size", "64..1024x2", "--seq-len", "128..512x2", "--tokens", "1B")  # fmt: skip
    command = [sys.executable, "-m", "footprint", "sweep", *lists, "-o", str(out), "--quiet"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        until = time.monotonic() + 60
        while time.monotonic() < until and not (out.exists() and out.read_bytes().count(b"\n") > 20):
            time.sleep(0.02)
        child.send_signal(signal.SIGINT)
        said = child.communicate(timeout=60)[1].decode()
    assert "Traceback" not in said
    torn = out.read_bytes()
    assert torn.endswith(b"\n")
    # On a fast moment the signal comes after the last row.
    unfinished = torn.count(b"\n") < 1 + 4 * 12 * 5 * 3
    done = footprint("sweep", *lists, "-o", str(out), "--resume" if unfinished else "--overwrite")
    assert done.code == 0, done.err
    frame = pd.read_csv(out)
    assert len(frame) == 4 * 12 * 5 * 3
    assert not frame.duplicated(["model", "hw", "batch_size", "seq_len"]).any()
