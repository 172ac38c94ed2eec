"""Words of the data in output for people: a status, a verdict, the columns of a table of Markdown."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from footprint.reports.labels import column_name
from footprint.results.report_columns import REPORT_COLUMNS
from tests.cli.run import footprint
from tests.conftest import ROOT

JOURNALS = ROOT / "tests" / "tracking" / "journal" / "journals" / "budget-stop"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("duration_h_low", "duration, low (h)"), ("co2e_kg", "CO2e (kg)"), ("g_per_kwh", "g/kWh"),
        ("g_per_kwh_high", "g/kWh, high"), ("low_g_per_kwh", "low (g/kWh)"), ("pue_mid", "PUE, mid"),
        ("peak_tflop_per_s", "peak (TFLOP/s)"), ("usd_per_accelerator_h_mid", "USD/h, mid"), ("low", "low"),
        ("accelerator_h", "accelerator (h)"), ("footprint_version", "footprint version"),
    ],
)  # fmt: skip
def test_a_column_in_words(name: str, shown: str) -> None:
    assert column_name(name) == shown


def test_no_two_columns_of_a_report_have_one_name() -> None:
    assert len({column_name(name) for name in REPORT_COLUMNS}) == len(REPORT_COLUMNS)
    assert not [name for name in map(column_name, REPORT_COLUMNS) if "_" in name]


@pytest.mark.parametrize("words", [("list",), ("list", "--format", "markdown"), ("show", "last"), ("total",)])
def test_a_run_that_a_budget_stopped(words: tuple[str, ...], tmp_path: Path) -> None:
    shutil.copytree(JOURNALS, tmp_path / "runs")
    shown = footprint("runs", *words, "--dir", str(tmp_path / "runs"))
    assert shown.code == 0
    assert "stopped by budget" in shown.out
    assert "stopped_by_budget" not in shown.out + shown.err
    record = json.loads(footprint("runs", "list", "--dir", str(tmp_path / "runs"), "--format", "json").out)
    assert [one["status"] for one in record] == ["stopped_by_budget"]


@pytest.mark.parametrize(
    "words",
    [
        ("rank", "--model", "bert-base", "--hw", "h100:8"), ("hardware", "list"), ("regions", "list"),
        ("stages", "--model", "gpt2", "--stage", "dpo", "--samples", "10k", "--seq-len", "128"),
    ],
)  # fmt: skip
def test_the_columns_of_markdown_are_words(words: tuple[str, ...]) -> None:
    page = footprint(*words, "--format", "markdown").out
    assert "_" not in page.splitlines()[0]
    assert not re.search(r"\bnot_clear\b", page)
    assert "_" in footprint(*words, "--format", "csv").out.splitlines()[0]


def test_a_table_says_yes_and_no() -> None:
    rows = json.loads(footprint("stacks", "list", "--format", "json").out)["rows"]
    fuses = {row["id"]: row["fuses"] for row in rows}
    assert (fuses["megatron"], fuses["hf"]) == (True, False)
    cells = {line.split()[0]: line.split() for line in footprint("stacks", "list").out.splitlines() if line}
    assert ("yes" in cells["megatron"], "no" in cells["hf"]) == (True, True)
