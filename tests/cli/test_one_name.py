"""One name for one thing over all commands; formats and filters of every answer that is a table."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from footprint.cli import group
from footprint.tracking import Run, track
from tests.cli.run import footprint
from tests.conftest import ROOT

OLD = {
    ("run",): ("--journal-dir", "--output"),
    ("doctor",): ("--journal-dir",),
    ("calibrate",): ("--from",),
    ("recover",): ("--output",),
    ("demo",): ("--out",),
    ("flops",): ("--micro-batches",),
}
PROJECT = str(ROOT / "tests" / "projects" / "small.toml")
EXAMPLE = str(ROOT / "docs/examples/bert-base.json")
ANSWERS = [
    ["models", "list"], ["models", "search", "bert"], ["models", "show", "bert-base"], ["hardware", "list"],
    ["hardware", "show", "h100"], ["regions", "list"], ["regions", "show", "FRA"], ["prices", "list"],
    ["prices", "show", "h100"], ["flops", "--model", "gpt2"], ["validate", "strubell"],
    ["estimate", "--model", "bert-base", "--hw", "v100:8"],
    ["compare", "--model", "bert-base", "--hw", "v100:8,h100:8"], ["plan", "--budget", "1e22FLOP"],
    ["rank", "--model", "bert-base", "--hw", "h100:8"],
    ["rank", "--model", "bert-base", "--hw", "h100:8", "--when", "monthly", "--region", "FRA"],
    ["inference", "--model", "gpt2", "--hw", "h100:1", "--prompt-tokens", "8", "--output-tokens", "8"],
    ["report", str(ROOT / "tests" / "fleet" / "emissions.csv"), "--by", "project"],
    ["project", PROJECT],
    ["stages", "--model", "gpt2", "--stage", "dpo", "--samples", "10k", "--seq-len", "128"],
    ["diff", EXAMPLE, EXAMPLE],
]  # fmt: skip


def commands(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield path, command
    if isinstance(command, click.Group):
        for name in command.list_commands(click.Context(command)):
            child = command.get_command(click.Context(command), name)
            assert child is not None
            yield from commands(child, (*path, name))


EVERY = dict(commands(group))


@pytest.mark.parametrize("path", OLD, ids=" ".join)
def test_old_names_work_and_are_not_shown(path: tuple[str, ...]) -> None:
    page = footprint(*path, "--help").out
    taken = {name for param in EVERY[path].params for name in param.opts}
    for name in OLD[path]:
        assert name in taken
        assert not re.search(rf"{name}\b", page)


def test_a_folder_of_journals_is_dir_and_a_file_is_o() -> None:
    for path, command in EVERY.items():
        shown = footprint(*path, "--help").out if path else ""
        for other in ("--journal-dir", "--from PATH  Folder", "--out ", "--folder"):
            assert other not in shown, path
        names = {name for param in command.params for name in param.opts}
        if names & {"--output", "--csv"}:
            assert "-o" in names, path


def test_the_old_name_of_a_folder_still_leads_there(tmp_path: Path) -> None:
    for name in ("--dir", "--journal-dir"):
        done = footprint("doctor", name, str(tmp_path / "here"), "--seconds", "0.6", "--format", "json")
        assert json.loads(done.out)["journal"]["folder"] == str(tmp_path / "here")


@pytest.mark.parametrize("words", ANSWERS, ids=" ".join)
def test_every_answer_in_every_format(words: list[str], tmp_path: Path) -> None:
    data = json.loads(footprint(*words, "--format", "json").out)
    assert isinstance(data, dict)
    rows = list(csv.reader(io.StringIO(footprint(*words, "--format", "csv").out)))
    assert len(rows) > 1
    assert {len(row) for row in rows} == {len(rows[0])}
    assert rows[0][-1] == "schema"
    assert {row[-1] for row in rows[1:]} <= {data["schema"], "footprint/report/2"}
    page = footprint(*words, "--format", "markdown").out
    tables = ("```text",) if words[0] == "inference" else ("|---", "| --- ")  # its text, as it stands
    assert any(table in page for table in tables)
    for ending in ("json", "csv", "md", "txt"):
        path = tmp_path / f"answer.{ending}"
        assert footprint(*words, "-o", str(path)).code == 0
    assert len(list(csv.reader(io.StringIO((tmp_path / "answer.csv").read_text())))) == len(rows)
    assert any(table in (tmp_path / "answer.md").read_text() for table in tables)
    shown = footprint(*words).out
    text, _, warnings = (tmp_path / "answer.txt").read_text().partition("\nwarning: ")
    assert text.split() == shown.split()  # a file holds what the terminal says beside the answer, too
    assert bool(warnings) == ("footprint: warning: " in footprint(*words).err)
    assert json.loads((tmp_path / "answer.json").read_text())["schema"] == data["schema"]


@pytest.mark.parametrize("words", ANSWERS, ids=" ".join)
def test_an_ending_that_nothing_is_written_with_is_refused(words: list[str], tmp_path: Path) -> None:
    path = tmp_path / "answer.xlsx"
    done = footprint(*words, "-o", str(path))
    assert done.code == 2
    assert ".xlsx" in done.err
    assert all(ending in done.err for ending in (".txt", ".json", ".csv", ".md"))
    assert not path.exists()


def rows_of(*words: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(footprint(*words, "--format", "json").out)["rows"]
    return rows


@pytest.mark.parametrize(
    ("words", "options", "keep"),
    [
        (["prices", "list"], ["--accelerator", "v100"], lambda r: r["accelerator"].startswith("v100-")),
        (["prices", "list"], ["--provider", "aws", "--purchase", "spot"],
         lambda r: r["provider"] == "aws" and r["purchase"] == "spot"),
        (["prices", "list"], ["--region", "us-east"], lambda r: "us-east" in (r["region"] or "")),
        (["hardware", "list"], ["--vendor", "amd", "--kind", "gpu"],
         lambda r: r["vendor"] == "AMD" and r["kind"] == "gpu"),
        (["hardware", "list"], ["--min-memory", "100"], lambda r: r["memory_gib"] >= 100),
        (["hardware", "search", "nvidia"], ["--since", "2024"],
         lambda r: r["year"] >= 2024 and "nvidia" in str(r).lower()),
        (["models", "list"], ["--max-parameters", "1B"], lambda r: (r["parameters"] or 1e99) <= 1e9),
        (["models", "list"], ["--family", "llama", "--min-parameters", "10B"],
         lambda r: "llama" in f"{r['model_type']} {r['id']}" and (r["parameters"] or 0) >= 1e10),
        (["regions", "list"], ["--provider", "gcp", "--max-g-per-kwh", "100"],
         lambda r: r["key"].startswith("gcp:") and r["g_per_kwh"] <= 100),
    ],
)  # fmt: skip
def test_filters_of_lists(
    words: list[str], options: list[str], keep: Callable[[dict[str, Any]], bool]
) -> None:
    every, found = rows_of(*words), rows_of(*words, *options)
    assert found == [row for row in every if keep(row)]
    assert 0 < len(found) < len(every)


def test_a_filter_of_no_such_name_is_bad_input() -> None:
    assert footprint("prices", "list", "--provider", "nobody").code == 2
    assert footprint("prices", "list", "--accelerator", "h1oo").code == 2


def test_the_runs_in_every_format(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made: list[Run] = []
    for name in ("a|b", "second"):
        with track(name=name, meter="constant:360W", flush_s=0.05, quiet=True) as run:
            run.step()
        made.append(run)
    ids = [run.run_id for run in made]
    rows = list(csv.DictReader(io.StringIO(footprint("runs", "list", "--format", "csv").out)))
    assert [row["run_id"] for row in rows] == ids
    assert {row["kind"] for row in rows} == {"measurement"}
    short = list(csv.DictReader(io.StringIO(
        footprint("runs", "list", "--format", "csv", "--columns", "short").out)))  # fmt: skip
    assert [row["energy_kwh_mid"] for row in short] == [row["energy_kwh_mid"] for row in rows]
    page = footprint("runs", "list", "--format", "markdown").out.splitlines()
    assert len(page) == 4
    assert r"a\|b" in page[2]
    assert footprint("runs", "show", "second", "--format", "csv").out.count("\n") == 2
    diff = list(csv.DictReader(io.StringIO(footprint("runs", "diff", *ids, "--format", "csv").out)))
    assert "it_power_w" in {row["name"] for row in diff}
    assert footprint("runs", "list", "--columns", "short").code == 2
    assert footprint("runs", "list", "-o", "runs.json").code == 0
    assert [run["run_id"] for run in json.loads(Path("runs.json").read_text())] == ids


def test_micro_batch_is_a_size_in_flops_as_in_estimate() -> None:
    def activations(*words: str) -> float:
        record = json.loads(footprint("flops", "--model", "gpt2", "--format", "json", *words).out)
        return float(record["memory"]["activations_byte"])

    one = activations("--batch-size", "1")
    assert activations("--batch-size", "32", "--dp", "2", "--micro-batch", "1") == one
    assert activations("--batch-size", "32", "--dp", "2", "--micro-batches", "16") == one
    assert footprint("flops", "--model", "gpt2", "--batch-size", "32", "--micro-batch", "5").code == 2
    assert footprint(
        "flops", "--model", "gpt2", "--batch-size", "32", "--micro-batch", "8", "--micro-batches", "4"
    ).code == 2  # fmt: skip


def test_chips_are_found_by_their_generation() -> None:
    found = {row["id"] for row in rows_of("hardware", "search", "hopper")}
    profiles = (ROOT / "hardware_profiles").glob("*.toml")
    assert found == {
        path.stem for path in profiles if 'generation = "hopper"' in path.read_text(encoding="utf-8")
    }
