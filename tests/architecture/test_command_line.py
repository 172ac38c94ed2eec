"""Every command explains itself with examples that work, in 80 columns."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from footprint.cli import group
from tests.architecture.reader import write_reader_files
from tests.conftest import Footprint

WIDTH = 80


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
def test_examples_are_real(path: tuple[str, ...], footprint: Footprint, tmp_path: Path) -> None:
    """None is refused, but for a limit that is exceeded, or runs or a Slurm that are not here."""
    write_reader_files(tmp_path)
    rows = footprint("estimate", "--model", "bert-base", "--hw", "v100:8", "-o", "runs.csv")
    assert rows.returncode == 0
    found = examples(path, footprint)
    assert found
    for example in found:
        words = shlex.split(example)
        assert words[0] == "footprint"
        if words[1:2] in (["run"], ["demo"], ["app"], ["mcp"]) or "--scheduler" in words:
            continue  # trains, serves until it is stopped, or asks other machines: tested where it belongs
        if "--seconds" in words:
            words[words.index("--seconds") + 1] = "1"  # the meter is read as well in one second
        if "-o" in words and (output := words[words.index("-o") + 1]).endswith(".json"):
            (tmp_path / output).unlink(missing_ok=True)  # an example writes a file of the readers' itself
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
