"""What every answer says in each of its forms: its versions, that it was forced, what changes nothing."""

from __future__ import annotations

import csv
import io
import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from tests.cli.run import footprint
from tests.cli.test_one_name import ANSWERS

MARK = "clearly too little memory"
BIG = "--model llama3.1-8b --method finetune --tokens 10M --force"
FORCED = {
    "estimate": f"estimate {BIG} --hw rtx4090:1",
    "compare": f"compare {BIG} --hw rtx4090:1,h100:8",
    "rank": f"rank {BIG} --hw l4:1 --keep-in USA",
    "when": f"rank {BIG} --hw l4:1 --when monthly --region FRA",
    "plan": "plan --model llama3.1-8b --hw rtx4090:1 --force",
    "project": "project big.toml",
    "inference": "inference --model gpt2 --hw h100:1 --prompt-tokens 512 --output-tokens 512"
    " --batch-size 900000 --force",
}
PROJECT = """name = "big"
[[runs]]
name = "one"
model = "llama3.1-8b"
method = "finetune"
tokens = "10M"
hw = "rtx4090:1"
force = true
"""


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize("words", [*ANSWERS, ["doctor", "--seconds", "0.6"]], ids=" ".join)
def test_json_begins_with_its_schema_and_the_versions(words: list[str]) -> None:
    found = json.loads(footprint(*words, "--format", "json").out)
    assert list(found)[:3] == ["schema", "footprint_version", "data_version"]
    year, month = found["data_version"].split(".")
    assert len(year) == 4
    assert 1 <= int(month) <= 12
    assert found["footprint_version"] in footprint("--version").out


@pytest.mark.parametrize("name", sorted({words[0] for words in ANSWERS} & {
    "compare", "plan", "rank", "inference", "project", "stages", "diff", "estimate",
}))  # fmt: skip
def test_rows_say_the_versions(name: str) -> None:
    for words in (one for one in ANSWERS if one[0] == name):
        found = json.loads(footprint(*words, "--format", "json").out)
        for row in rows_of(footprint(*words, "--format", "csv").out):
            assert row["footprint_version"] == found["footprint_version"]
            assert row["data_version"] == found["data_version"]


@pytest.mark.parametrize("command", FORCED)
@pytest.mark.parametrize("format_", ["table", "json", "csv", "markdown"])
def test_a_forced_answer_is_marked_in_every_format(
    command: str, format_: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("big.toml").write_text(PROJECT)
    done = footprint(*shlex.split(FORCED[command]), "--format", format_)
    assert done.code == 0, done.err
    if (command, format_) == ("estimate", "csv"):
        assert [row["status"] for row in rows_of(done.out)] == ["forced"]
        return
    assert MARK in done.out
    if format_ == "csv":
        marked = [MARK in row["warnings"] + row.get("reason", "") for row in rows_of(done.out)]
        assert all(marked[:1])
        assert all(marked) or command == "compare"


def test_a_row_that_was_not_forced_has_no_mark() -> None:
    fits = "estimate --model bert-base --hw v100:8 --force --format csv"
    assert [row["status"] for row in rows_of(footprint(*shlex.split(fits)).out)] == [""]
    fits = "rank --model bert-base --hw h100:8 --keep-in USA --force --format csv"
    assert all(MARK not in row["warnings"] for row in rows_of(footprint(*shlex.split(fits)).out))


def test_no_gate_passes_a_batch_that_does_not_fit() -> None:
    done = footprint(*shlex.split(FORCED["inference"]), "--fail-over", "$1M")
    assert done.code == 3
    assert MARK in done.err


def _rounded(value: Any) -> Any:
    """JSON values with twelve figures of each number."""
    if isinstance(value, dict):
        return {name: _rounded(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_rounded(one) for one in value]
    return float(f"{value:.12g}") if isinstance(value, float) else value


@pytest.mark.parametrize(
    ("words", "option"),
    [
        ("sweep --model bert-base --hw v100:8,h100:8", "--network 100Gb/s"),
        ("rank --model bert-base --hw h100:8 --keep-in USA", "--network 100Gb/s"),
        ("rank --model bert-base --hw h100:8 --when monthly --region FRA", "--network 100Gb/s"),
        ("plan --budget $1k --hw h100:8", "--network 100Gb/s"),
        ("compare --model bert-base --hw v100:8,h100:8", "--network 100Gb/s"),
        ("estimate --model bert-base --hw v100:8 --mfu 0.3", "--optimizer sgd"),
        ("estimate --hw a100:8 --hours 10", "--network 100Gb/s"),
        ("estimate --model bert-base --hw tpu-v3:8", "--lifetime-years 7"),
        ("inference --model gpt2 --hw h100:8 --prompt-tokens 8 --output-tokens 8", "--network 100Gb/s"),
        ("inference --model gpt2 --hw h100:8 --prompt-tokens 8 --output-tokens 8", "--lifetime-years 7"),
        ("inference --model vit-base-16 --hw h100:8", "--ep 2"),
        ("inference --model bert-base --hw h100:8 --prompt-tokens 8", "--image-size 160"),
    ],
)
def test_an_option_that_changes_nothing_is_named_by_every_command(words: str, option: str) -> None:
    """The numbers are those without the option, and a warning names it."""
    base = footprint(*shlex.split(words), "--format", "json")
    done = footprint(*shlex.split(words), *shlex.split(option), "--format", "json")
    assert (base.code, done.code) == (0, 0), done.err
    one, other = json.loads(base.out), json.loads(done.out)
    for found in (one, other):
        for name in ("created_at", "warnings", "scenario", "axes", "assumptions"):
            found.pop(name, None)
        for row in found.get("rows", ()):
            row.pop("scenario", None)
    assert _rounded(one) == _rounded(other)
    name = option.split()[0]
    assert any("without effect here" in line and name in line for line in done.err.splitlines()), done.err
    assert not any("without effect here" in line for line in base.err.splitlines())
