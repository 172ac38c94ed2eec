"""No two modules of the package import each other, directly or through others."""

from __future__ import annotations

import ast
import functools
from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.architecture.trees import tree as tree_of
from tests.conftest import ROOT

PACKAGE = "footprint"
Trees = Mapping[str, ast.Module]
Graph = dict[str, set[str]]

KNOWN: list[set[str]] = []
"""Circles that are still there. The list may only shrink: an entry that is gone must be removed."""


def modules(root: Path) -> dict[str, ast.Module]:
    """Every module below a folder by its dotted name; a package has the name of its folder."""
    trees = {}
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root.parent).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        trees[name] = tree_of(path)
    return trees


@functools.cache
def own_names(tree: ast.Module) -> set[str]:
    """Names that a module defines at its top level, rather than imports."""
    names = set()
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        else:
            waiting += ast.iter_child_nodes(node)
    return names


@functools.cache
def imported(tree: ast.AST) -> tuple[tuple[str, str, str], ...]:
    """Module, name ("" for a whole module) and local name of each import, however deep it stands."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, "", alias.asname or alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports are not used here"
            found += [(node.module or "", alias.name, alias.asname or alias.name) for alias in node.names]
    return tuple(found)


def defining(module: str, name: str, trees: Trees) -> str:
    """The module that defines what ``from module import name`` gives: it follows re-exports."""
    seen = set()
    while (module, name) not in seen:
        seen.add((module, name))
        if f"{module}.{name}" in trees:
            return f"{module}.{name}"
        if not name or name in own_names(trees[module]):
            return module
        sources = [(m, n) for m, n, local in imported(trees[module]) if local == name and m in trees]
        if not sources:
            return module
        module, name = sources[0]
    return module


def graph(trees: Trees) -> Graph:
    """Each module with the modules of the package that it imports.

    Imports inside functions and for type checkers count. Modules that are found by their names
    (commands, model families) are not seen, nor is the loading of a package before its modules.
    """
    edges: Graph = {module: set() for module in trees}
    for module, tree in trees.items():
        for source, name, _ in imported(tree):
            if source in trees:
                edges[module].add(defining(source, name, trees))
    return edges


@functools.cache
def ours() -> Graph:
    return graph(modules(ROOT / PACKAGE))


def circles(edges: Graph) -> list[set[str]]:
    """Groups of modules that reach one another (Tarjan, 1972), and modules that import themselves."""
    order: dict[str, int] = {}
    lowest: dict[str, int] = {}
    open_: list[str] = []
    found: list[set[str]] = []

    def visit(module: str) -> None:
        order[module] = lowest[module] = len(order)
        open_.append(module)
        for other in sorted(edges[module]):
            if other not in order:
                visit(other)
                lowest[module] = min(lowest[module], lowest[other])
            elif other in open_:
                lowest[module] = min(lowest[module], order[other])
        if lowest[module] == order[module]:
            at = open_.index(module)
            group = set(open_[at:])
            del open_[at:]
            if len(group) > 1 or module in edges[module]:
                found.append(group)

    for module in sorted(edges):
        if module not in order:
            visit(module)
    return found


@pytest.mark.slow
def test_no_modules_import_each_other() -> None:
    found = circles(ours())
    assert [group for group in found if group not in KNOWN] == []


@pytest.mark.parametrize("known", KNOWN, ids=lambda group: " ".join(sorted(group)))
def test_a_known_circle_is_still_there(known: set[str]) -> None:
    assert known in circles(ours()), "it is gone: remove it from KNOWN"


def test_the_standard_library_agrees() -> None:
    """Without the known circles the graph has an order, by another algorithm than ours."""
    edges = ours()
    inside = {module for group in KNOWN for module in group}
    outside = {m: others - inside for m, others in edges.items() if m not in inside}
    try:
        tuple(TopologicalSorter(outside).static_order())
    except CycleError as error:
        pytest.fail(f"circle: {' -> '.join(error.args[1])}")


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        ({"p": "", "p.a": "import p.b", "p.b": "from p import a"}, [{"p.a", "p.b"}]),
        ({"p": "", "p.a": "def f():\n    from p.b import x", "p.b": "import p.a"}, [{"p.a", "p.b"}]),
        (
            {"p": "", "p.a": "if TYPE_CHECKING:\n    from p.b import x", "p.b": "from p.a import y"},
            [{"p.a", "p.b"}],
        ),
        ({"p": "", "p.a": "import p.b", "p.b": "import p.c", "p.c": "import p.a"}, [{"p.a", "p.b", "p.c"}]),
        ({"p": "", "p.a": "import p.a"}, [{"p.a"}]),
        # A package that hands on the names of its modules is no circle; one that defines them is.
        ({"p": "from p.a import f\nfrom p.b import g", "p.a": "def f(): ...", "p.b": "from p import f"}, []),
        ({"p": "from p.b import g\nf = 1", "p.b": "from p import f"}, [{"p", "p.b"}]),
        (
            {"p": "import p.c\nfrom p.q import f", "p.q": "from p.b import f", "p.b": "f = 1"}
            | {"p.c": "from p import f"},
            [],
        ),
        ({"p": "", "p.a": "import p.b", "p.b": "import os, click.core"}, []),
    ],
)  # fmt: skip
def test_the_check_itself(sources: dict[str, str], expected: list[set[str]]) -> None:
    assert circles(graph({name: ast.parse(text) for name, text in sources.items()})) == expected
