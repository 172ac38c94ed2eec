"""The files of the package, each parsed once by a test process."""

from __future__ import annotations

import ast
import functools
from collections.abc import Mapping
from pathlib import Path

from tests.conftest import ROOT

PACKAGE = ROOT / "footprint"


@functools.cache
def tree(path: Path) -> ast.Module:
    """What a file says; no test changes it."""
    return ast.parse(path.read_text(encoding="utf-8"))


@functools.cache
def trees() -> Mapping[Path, ast.Module]:
    """Every module of the package."""
    return {path: tree(path) for path in sorted(PACKAGE.rglob("*.py"))}
