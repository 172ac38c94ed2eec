"""The skill file says what is so: its commands exist and run, its keys and exit codes are the program's."""

from __future__ import annotations

import json
import re
import shlex

import pytest

from footprint import cli
from tests.cli.run import footprint as run
from tests.conftest import ROOT

TEXT = (ROOT / "footprint" / "cli" / "skill.md").read_text(encoding="utf-8")
EXAMPLES = re.search(r"```bash\n(.*?)```", TEXT, re.DOTALL)[1].splitlines()  # type: ignore[index]


def test_the_command_prints_the_file() -> None:
    done = run("skill")
    assert (done.code, done.out) == (0, TEXT)
    assert TEXT.startswith("---\nname: footprint\ndescription: ")


@pytest.mark.parametrize("example", EXAMPLES)
def test_each_example_answers(example: str) -> None:
    done = run(*shlex.split(example)[1:])
    assert done.code == 0, done.err
    if "--format json" in example:
        assert isinstance(json.loads(done.out), dict)


def test_every_command_that_is_named_exists() -> None:
    named = set(re.findall(r"`footprint ([a-z]+)", TEXT))
    assert len(named) > 15
    assert named <= set(cli.group.list_commands(cli.click.Context(cli.group)))


def test_every_option_that_is_named_exists() -> None:
    page = run("estimate", "--help").out
    for option in set(re.findall(r"`(--[a-z-]+)", TEXT)):
        assert option in page, option


def test_the_keys_are_those_of_the_answer() -> None:
    answer = json.loads(run("estimate", "--model", "bert-base", "--hw", "v100:8", "--format", "json").out)
    named = re.search(r"asked for most: (.*?)\.\n", TEXT, re.DOTALL)[1]  # type: ignore[index]
    keys = re.findall(r"`(\w+)`", named)
    assert len(keys) == 10
    assert set(keys) <= set(answer)
    assert set(answer["energy_kwh"]) == {"low", "mid", "high"}
    assert "embodied_co2e_kg" in answer


def test_the_exit_codes_are_those_of_the_program() -> None:
    codes = {int(code) for code in re.findall(r"^\| (\d) \|", TEXT, re.MULTILINE)}
    assert codes == {0, cli.EXIT_OUR_FAULT, cli.EXIT_BAD_INPUT, cli.EXIT_OVER_LIMIT}
    gate = re.search(r"As a gate: `(.*?)`", TEXT)[1]  # type: ignore[index]
    assert run(*shlex.split(gate)[1:]).code == cli.EXIT_OVER_LIMIT
    assert run("estimate", "--model", "no-such", "--hw", "v100:8").code == cli.EXIT_BAD_INPUT
