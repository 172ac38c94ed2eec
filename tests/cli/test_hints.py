"""A message names only options that the command has: what was wrong once, and options drawn at random.

Every command that any test runs in its process is checked by `tests.cli.run`.
"""

from __future__ import annotations

import json
import random
import shlex
from pathlib import Path

import pytest

from tests.cli.hints import foreign, options_of
from tests.cli.run import footprint

VALUES = {
    "--model": ["gpt2", "bert-base", "t5-base", "vit-base-16", "llama3-405b", "mixtral-8x7b", "nosuch"],
    "--hw": ["h100:8", "rtx4090:1", "mi300x:8", "tpu-v3:8", "v100:1000000", "nosuch:8"],
    "--region": ["FRA", "XKX", "DE-BY", "aws:us-east-1", "nosuch"],
    "--tokens": ["1e9", "0"], "--samples": ["1e6"], "--steps": ["1000"], "--epochs": ["3"],
    "--batch-size": ["7", "100000000"], "--seq-len": ["128", "10000000"], "--image-size": ["160"],
    "--method": ["lora", "finetune"], "--lora-rank": ["8"], "--precision": ["fp8", "tf32"],
    "--tp": ["3"], "--pp": ["7"], "--ep": ["3"], "--micro-batch": ["9"], "--recompute": ["none"],
    "--optimizer": ["sgd", "nosuch"], "--stack": ["nosuch"], "--hours": ["3"], "--step-time-s": ["0.1"],
    "--mfu": ["0.4", "0.9"], "--it-power-w": ["100"], "--accelerator-power-w": ["5000"],
    "--year": ["1999", "2010"], "--pue": ["0.4"], "--provider": ["aws", "nosuch"], "--purchase": ["spot"],
    "--capital-usd": ["100"], "--usd-per-hour": ["3"], "--packing": [""], "--trials": ["30"],
    "--search": ["hyperband"], "--anchor": ["nosuch"], "--schedule": ["x"], "--when": ["monthly", "nosuch"],
    "--deadline": ["3d"], "--keep-in": ["USA", "nosuch"], "--budget": ["1e22FLOP", "$10k", "1kWh"],
    "--loss": ["2.0", "0.1"], "--law": ["nosuch", "kaplan2020"], "--unique-tokens": ["1e9"],
    "--prompt-tokens": ["512", "10000000"], "--output-tokens": ["128"], "--stage": ["dpo", "nosuch"],
    "--parameters": ["1e9"], "--active-parameters": ["1e8"], "--explain": [""], "--fail-over": ["1 kWh"],
}  # fmt: skip
"""Options with values of which many are wrong or contradict another."""
NEEDED = {
    "plan": ["--hw"], "rank": ["--model", "--hw"], "flops": ["--model"], "stages": ["--model", "--stage"],
    "inference": ["--model", "--hw", "--prompt-tokens", "--output-tokens"], "anchor": ["--model", "--hw"],
    "estimate": ["--model", "--hw"], "compare": ["--model", "--hw"], "sweep": ["--model", "--hw"],
}  # fmt: skip
WRONG_ONCE = [
    "plan --model llama3-405b --hw mi300x:8",
    "rank --model bert-base --hw v100:8 --when monthly --region nosuch",
    "regions show nosuch",
    "stacks show nosuch",
    "stages --model t5-base --stage dpo --samples 1e6",
    "sweep --model gpt2",
]


@pytest.mark.parametrize("words", WRONG_ONCE)
def test_a_hint_that_was_wrong_once(words: str) -> None:
    done = footprint(*shlex.split(words))
    assert done.code == 2
    assert done.err.startswith("footprint: ")


@pytest.mark.parametrize("command", NEEDED)
def test_options_drawn_at_random(command: str) -> None:
    draw = random.Random(command)  # noqa: S311 (no secret)
    others = sorted(options_of((command,)) & VALUES.keys() - set(NEEDED[command]))
    refused = 0
    for _ in range(60):
        words = [command]
        for option in [*NEEDED[command], *draw.sample(others, min(len(others), draw.choice((0, 1, 1, 2))))]:
            words += filter(None, (option, draw.choice(VALUES[option])))
        done = footprint(*words)
        assert done.code in (0, 2, 3), (words, done.err)
        refused += done.code == 2
    assert refused > 10


def test_a_file_is_told_its_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    what = 'model = "llama3.1-8b"\nmethod = "finetune"\ntokens = "10M"\nhw = "rtx4090:1"'
    Path("big.toml").write_text(f'[[runs]]\nname = "one"\n{what}')
    said = footprint("project", "big.toml").err
    assert "method = 'lora'" in said
    assert "force = true" in said
    estimate = json.loads(footprint("estimate", "--model", "gpt2", "--hw", "h100:8", "--format", "json").out)
    Path("a.json").write_text(json.dumps(estimate))
    Path("b.json").write_text(json.dumps({**estimate, "scenario": {"hw": "v100:8", "mfu": "x"}}))
    assert "mfu: cannot read 'x'" in footprint("diff", "a.json", "b.json").err


def test_a_hint_at_another_command_is_measured_by_that_command() -> None:
    said = "footprint: no runs here (footprint anchor --list shows those kept)"
    assert not foreign(["rank", "--model", "x"], "", said)
    assert foreign(["rank"], "", said.replace("--list", "--lists")) == ["--lists"]
    assert foreign(["plan"], "", "footprint: use --method lora") == ["--method"]
    assert not foreign(["estimate"], "", "footprint: use --method lora")
    assert foreign(["plan"], "  year = 2026  [--year --epochs]", "") == ["--epochs"]
