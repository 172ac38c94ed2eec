"""`footprint inference` on the command line."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.run import footprint

ARGUMENTS = (
    "inference", "--model", "llama3.1-8b", "--hw", "h100:1", "--prompt-tokens", "512",
    "--output-tokens", "256", "--batch-size", "32", "--engine", "vllm", "--region", "FRA",
)  # fmt: skip


def test_formats() -> None:
    record = json.loads(footprint(*ARGUMENTS, "--format", "json").out)
    assert record["schema"] == "footprint/inference/1"
    text = footprint(*ARGUMENTS).out
    assert "time between tokens" in text
    assert max(map(len, text.splitlines())) <= 80
    assert footprint(*ARGUMENTS, "--format", "markdown").out.startswith("### llama3.1-8b")
    head, *rows = footprint(*ARGUMENTS, "--format", "csv").out.splitlines()
    assert head.startswith("model,hw,engine")
    assert len(rows) == 3


def test_a_saved_request_gives_the_same_answer(tmp_path: Path) -> None:
    kept = tmp_path / "load.toml"
    first = json.loads(footprint(*ARGUMENTS, "--save", str(kept), "--format", "json").out)
    again = json.loads(footprint("inference", "--from", str(kept), "--format", "json").out)
    assert again["per_1000_requests"] == first["per_1000_requests"]
    other = json.loads(
        footprint("inference", "--from", str(kept), "--concurrency", "8", "--format", "json").out
    )
    assert other["workload"]["batch_size"] == 8


def test_files(tmp_path: Path) -> None:
    table = tmp_path / "rows.csv"
    for _ in range(2):
        assert footprint(*ARGUMENTS, "-o", str(table)).code == 0
    assert len(table.read_text("utf-8").splitlines()) == 7
    assert footprint(*ARGUMENTS, "--plot", str(tmp_path / "batch.png")).code == 0
    assert (tmp_path / "batch.png").stat().st_size > 1000


def test_limits() -> None:
    assert footprint(*ARGUMENTS, "--fail-over", "1 kWh").code == 0
    over = footprint(*ARGUMENTS, "--requests", "1M", "--fail-over", "1 kWh")
    assert over.code == 3
    assert "over the limit" in over.err


def test_bad_input_is_one_line() -> None:
    done = footprint("inference", "--model", "llama3.1-8b", "--hw", "h100:1", "--prompt-tokens", "10")
    assert done.code == 2
    assert "--output-tokens" in done.err
    assert "Traceback" not in done.err


def test_memory_that_lacks_is_said_as_people_write_it() -> None:
    # Weights of 8,030,261,248 parameters in 16 bits; 2 x 8 heads x 128 x 32 layers x 2 byte a token.
    load = ("--prompt-tokens", "10M", "--output-tokens", "1")
    done = footprint("inference", "--model", "llama3.1-8b", "--hw", "h100:1", *load)
    assert done.code == 2
    assert "take 15.0 GiB and one sequence 1,220 GiB" in done.err
