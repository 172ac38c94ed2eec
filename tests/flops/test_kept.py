"""What is kept of torch's answers is asked anew where any code that has a part in it changed."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.flops.kept import FLOPS, asking_torch, tracing


def imported(path: Path) -> Iterator[Path]:
    """The files of `footprint.flops` that a file imports, inside its functions, too."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("footprint.flops"):
            module = ROOT.joinpath(*(node.module or "").split("."))
            names = [module / alias.name for alias in node.names]
            yield from (found for one in (module, *names) if (found := one.with_suffix(".py")).is_file())


@pytest.mark.parametrize("files", [asking_torch, tracing])
def test_the_key_of_an_answer_holds_every_file_that_those_of_the_key_import(files) -> None:
    named = set(files())
    assert all(path.is_relative_to(FLOPS) for path in named)
    assert {found for path in named for found in imported(path)} <= named
