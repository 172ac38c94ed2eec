"""A message names options once; Python, the command line and a file read it their own way."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import footprint
from footprint.errors import FootprintError
from footprint.estimator.request import FIELDS
from footprint.spelling import flag, in_file, named_in, on_command_line
from tests.architecture.trees import tree
from tests.cli.run import footprint as command_line
from tests.conftest import ROOT


@pytest.mark.parametrize(
    ("message", "flags"),
    [
        ("give `batch_size=`", "give --batch-size"),
        ("`ep=3` does not divide 8: `ep=` 1, 2 do", "--ep 3 does not divide 8: --ep 1, 2 do"),
        ("such as `hw='v100:8'`", "such as --hw v100:8"),
        ("or add `overwrite=True`", "or add --overwrite"),
        ("`network_byte_per_s=` must be above 0", "--network must be above 0"),
        ("`footprint prices list` shows them all", "`footprint prices list` shows them all"),
        ("`Not=` a {name} or %s or `x y=`", "`Not=` a {name} or %s or `x y=`"),
        ("a lone ` and `tp=2`, then `dp=", "a lone ` and --tp 2, then `dp="),
        ("`a `tp=`b`", "`a --tpb`"),
    ],
)
def test_the_command_line_has_flags(message: str, flags: str) -> None:
    assert on_command_line(message) == flags


def test_a_file_has_keys_where_it_gives_the_value() -> None:
    text = "`hours=` and `mfu=0.3` contradict"
    assert in_file(text, {"hours", "mfu"}) == "hours and mfu = 0.3 contradict"
    assert on_command_line(in_file(text, {"hours"})) == "hours and --mfu 0.3 contradict"


def test_an_error_carries_its_fields() -> None:
    with pytest.raises(FootprintError) as caught:
        footprint.estimate(model="bert-base", hw="v100:8", hours=3, mfu=0.3)
    assert caught.value.fields == ("hours", "mfu")
    assert str(caught.value).startswith("`hours=` and `mfu=` contradict")
    assert FootprintError("no names here").fields == ()


def test_one_mistake_on_three_surfaces(tmp_path: Path) -> None:
    with pytest.raises(FootprintError, match=r"^`pue=` must be at least 1, not 0\.5$"):
        footprint.estimate(model="bert-base", hw="v100:8", pue=0.5)
    options = ("estimate", "--model", "bert-base", "--hw", "v100:8", "--pue", "0.5")
    assert command_line(*options).err == "footprint: --pue must be at least 1, not 0.5\n"
    file = tmp_path / "s.toml"
    file.write_text("schema = 'footprint/scenario/1'\nhw = 'v100:8'\npue = 0.5\n")
    assert command_line("estimate", "--from", str(file)).err == (
        f"footprint: {file}: pue must be at least 1, not 0.5\n"
    )
    file.write_text("schema = 'footprint/scenario/1'\nmodel = 'bert-base'\n")
    assert f"{file}: hw is missing" in command_line("estimate", "--from", str(file)).err


def test_what_was_not_given_in_the_file_keeps_its_flag(tmp_path: Path) -> None:
    file = tmp_path / "s.toml"
    file.write_text("schema = 'footprint/scenario/1'\nhw = 'v100:8'\ncapital_usd = 9000\n")
    assert "capital_usd means owned hardware: leave out what rents it" in (
        command_line("estimate", "--from", str(file), "--provider", "aws").err
    )


def test_a_users_own_text_is_never_formatted() -> None:
    for name in ("{hw}", "%s", "{0.__class__}", "`x", "`tokens="):
        done = command_line("estimate", "--model", name, "--hw", "v100:8")
        assert done.code == 2
        assert name in done.err


def test_warnings_speak_to_python_and_the_json_to_scripts() -> None:
    result = footprint.estimate(model="bert-base", hw="v100:8")
    (python,) = (warning for warning in result.warnings if "no place given" in warning)
    assert python.endswith("give `region=`")
    (script,) = (warning for warning in result.to_json()["warnings"] if "no place given" in warning)
    assert script.endswith("give --region")


# --------------------------------------------------------------------------- the whole package

PACKAGE = ROOT / "footprint"
SPEAKS_OF_FLAGS = {
    "cli": "it is the command line",
    "demo": "its examples are commands",
    "reports/texts/cards.py": "its examples are commands",
    "reports/estimate_text.py": "the text of the command line",
    "reports/exports": "what an export leaves open is told on the command line",
    "reports/gate.py": "--fail-over is of the command line alone",
    "integrations/slurm": "sacct has options too",
    "reports/decisions": "texts of the command line",
    "spelling.py": "it writes them",
}
OPTION = r"--[a-z][a-z0-9-]*"
OPTIONS_OF_A_ROW = re.compile(rf"{OPTION}((, | or | ){OPTION})*")
"""A whole literal: the ``option`` of an assumption, which the JSON contract spells as flags."""
OURS = {flag(name) for name in FIELDS}


def messages(path: Path) -> list[str]:
    """Texts of a file that name one of our options as a flag, its docstrings left out."""
    whole = tree(path)
    said = {
        id(node.value)
        for node in ast.walk(whole)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    return [
        node.value
        for node in ast.walk(whole)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said
        if not OPTIONS_OF_A_ROW.fullmatch(node.value) and OURS & set(re.findall(OPTION, node.value))
    ]


def test_messages_below_the_command_line_name_no_flags() -> None:
    found = {
        name: texts
        for path in sorted(PACKAGE.rglob("*.py"))
        if not (name := str(path.relative_to(PACKAGE))).startswith(tuple(SPEAKS_OF_FLAGS))
        if (texts := messages(path))
    }
    assert not found


def test_names_in_messages_are_fields_or_known_arguments() -> None:
    """A slip in a name would be shown to people as an option that does not exist."""
    others = {"overwrite", "plot", "save", "energy_plugin", "data", "inputs", "columns", "absent_hardware"}
    others |= {"prompt_tokens", "output_tokens", "concurrency", "paths", "technique", "break_even"}  # serving
    others |= {"sample", "scheduler", "by", "kind", "max_hours"}  # compare, sweep
    others |= {"move_gb", "egress_usd_per_gb"}  # rank
    others |= {"requests", "when", "deadline", "resume_hours", "keep_in"}  # project, rank
    others |= {"width", "spread"}  # plots
    others |= {"meter"}  # track
    others |= {"budget", "law", "loss", "unique_tokens", "inference_tokens"}  # plan
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found |= set(named_in(node.value.replace("``", "")))
    assert found - FIELDS.keys() - others == set()
