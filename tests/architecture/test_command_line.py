"""Every command explains itself with examples that work, in 80 columns."""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from footprint.cli import group
from tests.conftest import Footprint

WIDTH = 80
CONFIG = """{"model_type": "llama", "hidden_size": 2048, "num_hidden_layers": 16, "num_attention_heads": 32,
"num_key_value_heads": 8, "intermediate_size": 8192, "vocab_size": 128256}"""
"""A Hugging Face config.json, as a reader would have one."""


def commands(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Words of every command and group below this one, itself included."""
    yield path
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None, name
            yield from commands(child, (*path, name))


EVERY = list(commands(group))


@pytest.fixture
def footprint(inside: Footprint) -> Footprint:
    """In this process: the examples are some two hundred, and how programs start is tested elsewhere."""
    return inside


def help_of(path: tuple[str, ...], footprint: Footprint) -> str:
    done = footprint(*path, "--help", environment={"COLUMNS": "200"})
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("path", EVERY, ids=lambda path: " ".join(path) or "footprint")
def test_help_has_examples_and_fits(path: tuple[str, ...], footprint: Footprint) -> None:
    text = help_of(path, footprint)
    assert not [line for line in text.splitlines() if len(line) > WIDTH]
    _, heading, examples = text.partition("Examples:")
    assert heading
    assert re.search(r"^ +footprint ", examples, re.MULTILINE)


def test_the_list_of_commands_says_what_each_does(footprint: Footprint) -> None:
    text = help_of((), footprint)
    for name in group.list_commands(click.Context(group)):
        assert re.search(rf"^  {name}  +[A-Z]\w+", text, re.MULTILINE), name


def examples(path: tuple[str, ...], footprint: Footprint) -> list[str]:
    text = help_of(path, footprint).partition("Examples:")[2].replace("\\\n", " ")
    return [match.group(0).strip() for match in re.finditer(r"^ +footprint .*$", text, re.MULTILINE)]


@pytest.mark.slow
@pytest.mark.parametrize("path", EVERY, ids=lambda path: " ".join(path) or "footprint")
def test_examples_are_real(path: tuple[str, ...], footprint: Footprint, tmp_path: Path, root: Path) -> None:
    """None is refused, but for a limit that is exceeded, or runs or a Slurm that are not here."""
    (tmp_path / "config.json").write_text(CONFIG, encoding="utf-8")
    (tmp_path / "README.md").write_text("# A model\n", encoding="utf-8")
    shutil.copy(root / "tests" / "flops" / "trace" / "modules.py", tmp_path / "my_model.py")
    shutil.copy(root / "hardware_profiles" / "v100-sxm2-16gb.toml", tmp_path / "my-chip.toml")
    shutil.copy(root / "tests" / "integrations" / "sacct" / "jobs.psv", tmp_path / "jobs.txt")
    shutil.copy(root / "tests" / "fleet" / "emissions.csv", tmp_path / "emissions.csv")
    rows = footprint("estimate", "--model", "bert-base", "--hw", "v100:8", "-o", "runs.csv")
    assert rows.returncode == 0
    shutil.copy(root / "tests" / "projects" / "small.toml", tmp_path / "project.toml")
    hours = [f"2026-03-{day:02d}T{hour:02d}:00Z,{hour}" for day in range(1, 8) for hour in range(24)]
    (tmp_path / "hours.csv").write_text("\n".join(["time,g_per_kwh", *hours]), encoding="utf-8")
    prices = "accelerator,usd_per_accelerator_h\nh100,2.10\n"
    (tmp_path / "my-prices.csv").write_text(prices, encoding="utf-8")
    found = examples(path, footprint)
    assert found
    for example in found:
        words = shlex.split(example)
        assert words[0] == "footprint"
        if words[1:2] in (["run"], ["demo"], ["app"]) or "--scheduler" in words:
            continue  # trains, serves until it is stopped, or asks other machines: tested where it belongs
        done = footprint(*words[1:], environment={"COLUMNS": os.environ.get("COLUMNS", "80")})
        absent = (
            "no such folder of journals",
            "footprint-runs: no such file or folder",
            "no runs were recorded",
            "sacct is not on this machine",
            "unknown anchor",
        )
        missing = any(what in done.stderr for what in absent)
        over = done.returncode == 3 and ("--fail-over" in words or "--fail-under" in words)
        assert done.returncode == 0 or over or missing, f"{example}\n{done.stderr}"
