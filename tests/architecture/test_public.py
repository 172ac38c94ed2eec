"""What is public, and that everything that calls itself public is there."""

from __future__ import annotations

import ast
import importlib
import re
import tomllib
from pathlib import Path

import pytest

import footprint
from tests.architecture.trees import tree
from tests.conftest import ROOT

PACKAGE = ROOT / "footprint"
MODULES = sorted(PACKAGE.rglob("*.py"))


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def exported(path: Path) -> list[str] | None:
    """The names of ``__all__``; None if a module has none."""
    for node in tree(path).body:
        if isinstance(node, ast.Assign) and any(ast.unparse(target) == "__all__" for target in node.targets):
            names: list[str] = ast.literal_eval(node.value)
            return names
    return None


def order(name: str) -> tuple[int, str]:
    """CONSTANTS, Classes, functions; alphabetical within each (ruff's RUF022)."""
    return (0 if name.isupper() else 1 if name[:1].isupper() else 2), name


LISTED = [path for path in MODULES if "\n__all__" in path.read_text("utf-8")]
"""By their text: each worker collects the tests, and only one needs the trees."""


@pytest.mark.parametrize("path", LISTED, ids=module_name)
def test_all_is_sorted_and_there(path: Path) -> None:
    names = exported(path)
    assert names is not None
    assert names == sorted(set(names), key=order)
    module = importlib.import_module(module_name(path))
    assert not [name for name in names if not hasattr(module, name)]


def brought_in(path: Path) -> set[str]:
    """Names that an ``__init__`` defines, or imports without using them itself."""
    used = {node.id for node in ast.walk(tree(path)) if isinstance(node, ast.Name)}
    found = set()
    for node in tree(path).body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(module_name(path)):
            found |= {name for alias in node.names if (name := alias.asname or alias.name) not in used}
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
    return {name for name in found if not name.startswith("_")}


PACKAGES = [path for path in LISTED if path.name == "__init__.py" and path.parent != PACKAGE]


@pytest.mark.parametrize("path", PACKAGES, ids=module_name)
def test_a_package_lists_all_that_it_brings_in(path: Path) -> None:
    assert brought_in(path) <= set(exported(path) or [])


def test_the_public_names_are_the_lazy_ones_and_the_type_checked_ones() -> None:
    text = (PACKAGE / "__init__.py").read_text(encoding="utf-8")
    seen = set(re.findall(r"^    from footprint\S* import (\w+) as \1$", text, re.MULTILINE))
    assert set(footprint.__all__) == seen | {"__version__"}
    assert dir(footprint) == sorted(footprint.__all__)
    for name in footprint.__all__:
        assert getattr(footprint, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = footprint.nonsense


def test_one_version_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["dynamic"] == ["version"]
    assert project["tool"]["hatch"]["version"]["path"] == "footprint/catalog/version.py"
    for name, pattern in (("CITATION.cff", r"^version: (\S+)$"), ("CHANGELOG.md", r"^## (\d\S*)")):
        found = re.search(pattern, (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE)
        assert found is not None, name
        assert found.group(1) == footprint.__version__, name


def test_every_public_thing_says_what_it_is() -> None:
    for name in footprint.__all__:
        if name != "__version__":
            assert (getattr(footprint, name).__doc__ or "").strip(), name
