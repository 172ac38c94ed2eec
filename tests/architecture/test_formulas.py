"""Each formula stands once, has a caller in the package, says its unit, and is explained if it is a link."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import pytest

import footprint
from footprint import equations
from tests.architecture.trees import trees
from tests.conftest import ROOT

FORMULAS = {
    name: function
    for name, function in vars(equations).items()
    if inspect.isfunction(function) and function.__module__ == equations.__name__ and name != "formula"
}
PAGE = ROOT / "footprint" / "equations.py"


def _used_names() -> set[str]:
    """Every attribute and imported name of every module but the page of formulas itself."""
    found: set[str] = set()
    for path, tree in trees().items():
        if path == PAGE:
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                if node.value.id == "equations":
                    found.add(node.attr)
            elif isinstance(node, ast.ImportFrom) and node.module == "footprint.equations":
                found |= {alias.name for alias in node.names}
    return found


def test_every_formula_has_a_caller() -> None:
    assert sorted(set(FORMULAS) - _used_names()) == []


FACTORS = {3.6e6, 3600.0, 86400.0, 8760.0, 8766.0, 0.45359237}
"""Numbers that only a conversion of units is multiplied with, or divided by."""


def test_a_conversion_of_units_is_named() -> None:
    typed = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path, tree in trees().items()
        if path.name != "units.py"
        for node in ast.walk(tree)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div)
        for side in (node.left, node.right)
        if isinstance(side, ast.Constant) and isinstance(side.value, int | float) and side.value in FACTORS
    ]
    assert typed == []


def test_every_formula_states_its_unit() -> None:
    # One in brackets at the end of the first sentence; a total has that of what is added up.
    without = [name for name, f in FORMULAS.items() if not re.search(r"\[\S+\]", inspect.getdoc(f) or "")]
    assert without == ["total_of_runs"]


def test_every_reference_exists_and_is_used() -> None:
    text = inspect.getdoc(equations) or ""
    listed = set(re.findall(r"^\[(\d+)\]", text, re.MULTILINE))
    cited = {number for f in FORMULAS.values() for number in re.findall(r"\((\d)\)", inspect.getdoc(f) or "")}
    assert cited == listed


SCENARIOS = [
    {"hw": "v100:8", "mfu": 0.2},
    {"hw": "v100:8", "capital_usd": 9000.0},
    {"hw": "v100:8", "region": "aws:us-east-1"},
]


def test_every_form_names_the_arguments_of_its_formula() -> None:
    for name, function in FORMULAS.items():
        form = getattr(function, "form", None)
        if form is not None:
            assert set(re.findall(r"{(\w+)}", form)) == set(inspect.signature(function).parameters), name


def test_every_form_is_explained_somewhere() -> None:
    seen = {
        link.form
        for scenario in SCENARIOS
        for link in footprint.estimate(model="bert-base", **scenario).links
    }
    forms = {name: f.form for name, f in FORMULAS.items() if hasattr(f, "form")}
    assert sorted(name for name, form in forms.items() if form not in seen) == []


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.name)
def test_every_module_and_formula_that_a_page_names_exists(page: Path) -> None:
    text = page.read_text("utf-8")
    missing = [path for path in re.findall(r"`(footprint/[\w/]+\.py)`", text) if not (ROOT / path).is_file()]
    missing += [
        f"equations.{name}" for name in re.findall(r"`equations\.(\w+)`", text) if name not in FORMULAS
    ]
    assert missing == []
