"""From a module to an operation file to an estimate, by the commands alone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.run import footprint

pytest.importorskip("torch")


@pytest.fixture(scope="module")
def operations(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("traced") / "vision.ops.json"
    done = footprint("trace", "tests.flops.trace.modules:vision", "-o", str(path))
    assert done.code == 0, done.err
    assert "Vision" in done.err
    return path


def test_the_file_has_one_operation_a_line(operations: Path) -> None:
    text = operations.read_text("utf-8")
    matmuls = [line for line in text.splitlines() if '"matmul"' in line]
    assert len(matmuls) == text.count('"matmul"') == 8  # patches, six of the one block, head
    assert json.loads(text)["model_type"] == "operations"


def test_flops_and_memory_come_from_the_file(operations: Path) -> None:
    done = footprint("flops", "--model", str(operations), "--format", "json", "--batch-size", "8")
    record = json.loads(done.out)
    assert record["basis"] == "traced"
    assert record["memory"] is not None


def test_an_estimate_needs_no_torch(operations: Path) -> None:
    line = ["estimate", "--model", str(operations), "--hw", "a100:8", "--batch-size", "64", "--samples", "1M"]
    code = (
        "import sys\nfrom footprint.cli import main\n"
        f"try:\n    main({line!r})\nfinally:\n    assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "parallel layout" in done.stdout


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("tests.flops.trace.modules", "is no function"),
        ("tests.flops.trace.modules:nothing", "has no function"),
        ("no_such_package_here:batch", "cannot import"),
        ("tests.flops.trace.modules:Perceptron", "must return a module and its inputs"),
    ],
)
def test_a_wrong_target_is_one_line_and_exit_2(target: str, said: str) -> None:
    done = footprint("trace", target)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert len(done.err.splitlines()) == 1
