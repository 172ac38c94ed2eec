"""What a start loads: heavy packages only inside functions, and never by the main commands."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.trees import trees
from tests.conftest import Footprint

NEVER = ("codecarbon", "matplotlib", "numpy", "pandas", "pydantic", "rich", "torch")
"""Not loaded by the commands that must be quick."""
HEAVY = (
    *NEVER, "accelerate", "dask", "distributed", "huggingface_hub", "jinja2", "keras", "lightning", "mlflow",
    "platformdirs", "psutil", "pyarrow", "pynvml", "rapidfuzz", "requests", "ruamel", "scipy", "sklearn",
    "tomli_w", "torchvision", "transformers", "wandb",
)  # fmt: skip
"""Imported inside functions only."""
COMMANDS = {
    "import footprint": ["-c", "import footprint"],
    "footprint --help": ["-m", "footprint", "--help"],
    "footprint estimate": ["-m", "footprint", "estimate", "--model", "bert-base", "--hw", "v100x8"],
    "footprint estimate --explain": [
        "-m", "footprint", "estimate", "--model", "bert-base", "--hw", "v100x8", "--explain",
    ],
    "footprint estimate --format json": [
        "-m", "footprint", "estimate", "--model", "bert-base", "--hw", "v100x8", "--format", "json",
    ],
}  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_no_heavy_package_is_loaded(command: str, tmp_path: Path, root: Path) -> None:
    """By what -X importtime lists, which is every module that was loaded."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *COMMANDS[command]],
        cwd=tmp_path,
        env={"PYTHONPATH": str(root), "PATH": "", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if "|" in line}
    assert "footprint" in loaded
    assert not {name for name in loaded if name.partition(".")[0] in NEVER}


def test_import_of_the_package_loads_nothing_of_it_but_itself(root: Path) -> None:
    code = "import sys, footprint; print(*(m for m in sys.modules if m.startswith('footprint')))"
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["footprint"]


def module_level_imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and package of each import that runs when a module is loaded (TYPE_CHECKING blocks do not)."""
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            waiting += node.orelse
        elif isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name.partition(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, (node.module or "").partition(".")[0]
        else:
            waiting += ast.iter_child_nodes(node)


@pytest.mark.slow
def test_heavy_packages_are_imported_inside_functions() -> None:
    assert len(trees()) > 100
    assert not [
        f"{path}:{line}: {package}"
        for path, tree in trees().items()
        for line, package in module_level_imports(tree)
        if package in HEAVY
    ]


def test_the_check_itself_sees_imports_at_module_level() -> None:
    text = (
        "import torch.nn\nif TYPE_CHECKING:\n    import numpy\nelse:\n    import rich\n"
        "class A:\n    from pandas import x\n    def f(self):\n        import scipy\n"
        "try:\n    import mlflow\nexcept ImportError:\n    pass\n"
    )
    assert {name for _, name in module_level_imports(ast.parse(text))} == {
        "torch",
        "rich",
        "pandas",
        "mlflow",
    }


def test_a_frozen_class_is_a_record() -> None:
    """The standard decorator takes 1.4 ms a class to say the same (see footprint/records.py)."""
    decorators = [
        (path, ast.unparse(decorator))
        for path, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        for decorator in node.decorator_list
    ]
    assert len(decorators) > 50
    assert not [(path, text) for path, text in decorators if "frozen=True" in text and "kw_only=True" in text]


def test_the_package_imports_no_program_beside_it() -> None:
    """They are in no wheel; inside functions, too."""
    imported = {
        (path, name.partition(".")[0])
        for path, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
        )
    }
    assert len(imported) > 100
    assert not [(path, name) for path, name in imported if name in ("benchmarks", "calibration", "tests")]


def test_the_benchmark_knows_its_limits(footprint: Footprint, root: Path) -> None:
    """The limits that the project promised, and the commands they are for, are still the benchmark's."""
    text = (root / "benchmarks" / "startup.py").read_text(encoding="utf-8")
    assert '"--help": 1.3' in text
    assert '"estimate --model bert-base --hw v100x8": 1.7' in text
