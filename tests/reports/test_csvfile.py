"""The report CSV keeps every row of every writer, and what was there stays as it was."""

from __future__ import annotations

import csv
import dataclasses
import io
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import footprint
from footprint.errors import FootprintError
from footprint.results import estimate as estimate_module
from footprint.results.report_columns import REPORT_COLUMNS, SCHEMA
from footprint.results.row_reader import read_rows
from footprint.results.rows import append_rows, flatten, report_row

ESTIMATE = {
    "schema": "footprint/estimate/1",
    "name": "bert-base on v100x8",
    "model": {"name": "bert-base", "parameters": 110e6},
    "cluster": {"accelerator": "v100-sxm2-16gb", "count": 8},
    "workload": {"tokens": 1.3e11, "phases": [{"steps": 1}, {"steps": 2}]},
    "energy_components_kwh": {
        "accelerators": {"low": 1.0, "mid": 2.0, "high": 3.0, "spread": {"grid": {"low": 1, "high": 2}}},
        "cpu": None,
    },
    "energy_kwh": {"low": 0.1, "mid": 1 / 3, "high": 0.7},
    "cost_usd": None,
    "price": None,
    "total": {"energy_kwh": {"low": 1.0, "mid": 2.0, "high": 3.0}},
    "assumptions": [{"name": "x"}],
    "warnings": [],
}


def row(**cells: object) -> dict[str, object]:
    return {
        **report_row(ESTIMATE, kind="estimate", run_id="r1", started_at="2026-01-02T03:04:05+00:00"),
        **cells,
    }


def test_names_keep_their_unit_at_the_end() -> None:
    assert list(flatten(ESTIMATE)) == [
        "schema", "name", "model_name", "model_parameters", "cluster_accelerator", "cluster_count",
        "workload_tokens", "workload_phases_count", "energy_components_accelerators_kwh_low",
        "energy_components_accelerators_kwh_mid", "energy_components_accelerators_kwh_high",
        "energy_components_cpu_kwh", "energy_kwh_low", "energy_kwh_mid", "energy_kwh_high", "cost_usd",
        "price",
        "total_energy_kwh_low", "total_energy_kwh_mid", "total_energy_kwh_high", "assumptions_count",
        "warnings_count",
    ]  # fmt: skip


def columns_of(cls: type, prefix: str = "", unit: str = "") -> list[str]:
    """The columns that an estimate's record class asks for, from its annotations alone."""
    names: list[str] = []
    for field in dataclasses.fields(cls):
        kind = str(field.type).removesuffix(" | None")
        name = f"{prefix}{field.name}{unit}"
        if kind == "Quantity":
            names += [f"{name}_low", f"{name}_mid", f"{name}_high"]
        elif kind.startswith("tuple"):
            names.append(f"{name}_count")
        elif field.name == "energy_components_kwh":
            names += columns_of(getattr(estimate_module, kind), "energy_components_", "_kwh")
        elif hasattr(estimate_module, kind):
            names += columns_of(getattr(estimate_module, kind), f"{name}_")
        else:
            names.append(name)
    return names


def test_every_field_of_an_estimate_has_its_column() -> None:
    # what was published, and how each number came about, are no results
    own = ("published_", "links_", "scenario", "memory_", "repeats_search")
    wanted = {name for name in columns_of(estimate_module.Estimate) if not name.startswith(own)}
    assert wanted <= set(REPORT_COLUMNS)
    assert len(REPORT_COLUMNS) == len(set(REPORT_COLUMNS))


def test_pandas_reads_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "runs.csv"
    append_rows(path, [row()])
    append_rows(path, [row(run_id="r2", cost_usd_mid=12)])
    frame = pd.read_csv(path)
    assert list(frame.columns) == list(REPORT_COLUMNS)
    assert frame["run_id"].tolist() == ["r1", "r2"]
    assert frame["energy_kwh_mid"].tolist() == [1 / 3, 1 / 3]  # unrounded, to the last bit
    assert frame["cost_usd_mid"].isna().tolist() == [True, False]
    assert set(frame["schema"]) == {SCHEMA}


@given(st.text(min_size=1))
@settings(max_examples=60, deadline=None)
def test_no_text_becomes_a_formula_or_a_second_line(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    path = tmp_path_factory.mktemp("c") / "runs.csv"
    append_rows(path, [row(name=text), row(name="plain")])
    assert path.read_bytes().count(b"\n") == 3
    rows, torn = read_rows(path, kind="estimate")
    assert (len(rows), torn, rows[1]["name"]) == (2, 0, "plain")
    assert rows[0]["name"][:1] not in {"=", "+", "-", "@", "\t", "\r"}


def test_negative_numbers_stay_numbers_and_formulas_do_not(tmp_path: Path) -> None:
    path = tmp_path / "runs.csv"
    append_rows(path, [row(energy_kwh_low=-1.5, name="=HYPERLINK(1)", place_name="-2+3")])
    (written,), _ = read_rows(path, kind=None)
    assert written["energy_kwh_low"] == "-1.5"
    assert written["name"] == "'=HYPERLINK(1)"
    assert written["place_name"] == "'-2+3"


@pytest.mark.parametrize(
    "content",
    ["a,b,c\n1,2,3\n", "timestamp,project_name,run_id\n", "no newline at all", "\x00\x01\x02", "{}"],
)
def test_a_foreign_file_is_refused_and_untouched(tmp_path: Path, content: str) -> None:
    path = tmp_path / "runs.csv"
    path.write_text(content)
    with pytest.raises(FootprintError, match="another file"):
        append_rows(path, [row()])
    assert path.read_text() == content


def test_rows_of_another_schema_version_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "runs.csv"
    append_rows(path, [row()])
    other = path.read_bytes().replace(SCHEMA.encode(), b"footprint/report/9")
    path.write_bytes(other)
    with pytest.raises(FootprintError, match="footprint/report/9"):
        append_rows(path, [row()])
    assert path.read_bytes() == other
    for read in (footprint.read_report, footprint.report):
        with pytest.raises(FootprintError, match=f"report/9, which a later version wrote.*{SCHEMA}"):
            read(path)


def test_unknown_columns_and_impossible_numbers_are_refused_before_anything_is_written(
    tmp_path: Path,
) -> None:
    path = tmp_path / "runs.csv"
    for bad in (row(energy=1.0), row(energy_kwh_mid=float("nan")), row(co2e_kg_high=float("inf"))):
        with pytest.raises(FootprintError):
            append_rows(path, [row(), bad])
    assert not path.exists()


@pytest.mark.slow
def test_a_file_cut_at_any_byte_takes_new_rows_whole(tmp_path: Path) -> None:
    """Whatever a crash left, the rows before the cut and the row after it are all readable."""
    whole = tmp_path / "whole.csv"
    names = ["plain", 'quoted, "twice"', "São Paulo 東京 🌍", "'; DROP"]
    append_rows(whole, [row(name=name, run_id=str(i)) for i, name in enumerate(names)])
    data = whole.read_bytes()
    ends = [i + 1 for i, byte in enumerate(data) if byte == 0x0A]
    cut_file = tmp_path / "cut.csv"
    interesting = [i for i in range(len(data)) if i < 40 or data[i] >= 0x80 or data[i : i + 1] in b'",\n']
    for cut in sorted({*interesting, *range(0, len(data), 37), *ends, *(end - 1 for end in ends)}):
        cut_file.write_bytes(data[:cut])
        append_rows(cut_file, [row(name="after", run_id="new")])
        assert cut_file.read_bytes().startswith(data[:cut])
        rows, _ = read_rows(cut_file, kind="estimate")
        complete = max(0, sum(end <= cut + 1 for end in ends) - 1)  # a row that only lost its newline counts
        assert [r["run_id"] for r in rows] == [str(i) for i in range(complete)] + ["new"], cut
        assert rows[-1]["name"] == "after"
        assert len(list(csv.reader(io.StringIO(cut_file.read_text())))) <= len(rows) + 2


def test_missing_folder_directory_and_device_are_clear_errors(tmp_path: Path) -> None:
    with pytest.raises(FootprintError, match="does not exist"):
        append_rows(tmp_path / "nowhere" / "runs.csv", [row()])
    with pytest.raises(FootprintError, match="not a regular file"):
        append_rows(tmp_path, [row()])
    if Path("/dev/full").exists():
        with pytest.raises(FootprintError, match="not a regular file"):
            append_rows(Path("/dev/full"), [row()])


@pytest.fixture
def small_disk(tmp_path: Path):
    """A file system of 64 KiB, where this user may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)], capture_output=True
    )
    if mount.returncode:
        pytest.skip("mounting a small tmpfs is not permitted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_loses_nothing_and_leaves_no_half_row(small_disk: Path) -> None:
    path = small_disk / "runs.csv"
    written = 0
    with pytest.raises(FootprintError, match=r"[Nn]o space left"):  # noqa: PT012 - which row fails is not known
        while True:
            append_rows(path, [row(run_id=str(written))])
            written += 1
    before = path.read_bytes()
    with pytest.raises(FootprintError):
        append_rows(path, [row(name="x" * 70_000)])
    assert path.read_bytes() == before
    rows, torn = read_rows(path, kind="estimate")
    assert ([r["run_id"] for r in rows], torn) == ([str(i) for i in range(written)], 0)


def test_a_full_disk_leaves_no_new_file_behind(small_disk: Path) -> None:
    (small_disk / "filler").write_bytes(b"x" * 65_536)
    with pytest.raises(FootprintError):
        append_rows(small_disk / "runs.csv", [row()])
    assert not (small_disk / "runs.csv").exists()


def test_a_read_only_folder_is_a_clear_error(small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(FootprintError, match=r"[Rr]ead-only"):
        append_rows(small_disk / "runs.csv", [row()])


WRITER = """
import sys
from pathlib import Path
from footprint.results.rows import append_rows, report_row
for i in range(3):
    run_id = f"{sys.argv[2]}-{i}"
    cells = report_row({"name": "w" * 500}, kind="estimate", run_id=run_id, started_at="2026-01-01")
    append_rows(Path(sys.argv[1]), [cells])
"""


@pytest.mark.slow
def test_64_writers_at_once_keep_every_row(tmp_path: Path) -> None:
    path = tmp_path / "runs.csv"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(path), str(i)], env=environment)
        for i in range(64)
    ]
    assert [writer.wait(timeout=120) for writer in writers] == [0] * 64
    rows, torn = read_rows(path, kind="estimate")
    assert torn == 0
    assert sorted(r["run_id"] for r in rows) == sorted(f"{i}-{j}" for i in range(64) for j in range(3))
    assert path.read_text().count("kind,run_id") == 1


def test_a_file_that_a_spreadsheet_saved_again_reads_alike(tmp_path: Path) -> None:
    """Every cell quoted, other line ends, a mark of the byte order: what csv's own reader makes of it."""
    path = tmp_path / "runs.csv"
    append_rows(path, [row(), row(name='a, "b"')])
    with path.open(newline="", encoding="utf-8") as file:
        cells = list(csv.reader(file))
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerows(cells)
    rows, torn = read_rows(path, kind="estimate")
    assert torn == 0
    assert [list(found.values()) for found in rows] == cells[1:]
