"""Every package that is declared is imported by the package, and the other way round."""

from __future__ import annotations

import ast
import functools
import re
import sys
import tomllib

import pytest

from tests.conftest import ROOT

IMPORTED_AS = {
    "mlflow-skinny": "mlflow",
    "scikit-learn": "sklearn",
    "ruamel.yaml": "ruamel",
    "tomli-w": "tomli_w",
}
"""Distributions whose packages have another name."""
BY_ANOTHER = {
    "tensorboard": "torch.utils.tensorboard, the writer of torch, imports it",
}
"""Distributions that another package imports for us."""
NOT_DECLARED = {
    "pytorch_lightning": "the older name of lightning",
    "sitecustomize": "a user's own, which ours imports in its turn",
    "pynvml": "comes with codecarbon",
    "psutil": "comes with codecarbon",
    "numpy": "comes with pandas",
}
"""Packages that are imported where they are, and asked for by nothing of ours."""
DECLARED = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


FOR_DEVELOPERS = ("docs", "test")
"""Extras that the package itself does not use."""


def distributions() -> set[str]:
    """What the package and its extras ask for, those for developers apart."""
    extras = [
        one
        for name, asked in DECLARED["optional-dependencies"].items()
        if name not in FOR_DEVELOPERS
        for one in asked
    ]
    names = {re.split(r"[\[<>=;! ]", one)[0] for one in (*DECLARED["dependencies"], *extras)}
    return names - {DECLARED["name"]}


@functools.cache
def imported(folder: str = "footprint") -> set[str]:
    """The top names that a folder imports, by a statement or by its door to optional packages."""
    found = set()
    for path in sorted((ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module)
            elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                called = ast.unparse(node.func).rpartition(".")[2]
                if called in ("load", "import_module", "find_spec") and isinstance(node.args[0].value, str):
                    found.add(node.args[0].value)
    return {name.partition(".")[0] for name in found}


@pytest.mark.parametrize("name", sorted(distributions() - BY_ANOTHER.keys()))
def test_what_is_declared_is_imported(name: str) -> None:
    assert IMPORTED_AS.get(name, name) in imported()


def test_what_is_imported_is_declared() -> None:
    known = {IMPORTED_AS.get(name, name) for name in distributions()} | NOT_DECLARED.keys()
    assert imported() - known - sys.stdlib_module_names - {"footprint", "__future__"} == set()


def test_the_exceptions_are_in_use() -> None:
    assert IMPORTED_AS.keys() | BY_ANOTHER.keys() <= distributions()
    assert NOT_DECLARED.keys() <= imported()


def test_what_builds_the_documentation_is_declared_and_used_there_alone() -> None:
    asked = {re.split(r"[\[<>=;! ]", one)[0] for one in DECLARED["optional-dependencies"]["docs"]}
    assert asked == {"zensical", "griffelib"}
    assert "griffe" in imported("site")
    assert '"-m", "zensical"' in (ROOT / "site" / "documentation.py").read_text(encoding="utf-8")
    assert not {"zensical", "griffe"} & imported()
