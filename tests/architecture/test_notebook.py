"""The quick-start notebook runs from its first cell to its last, and keeps no outputs of its own."""

from __future__ import annotations

import ast
import contextlib
import io
import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from tests.cli.run import footprint as run
from tests.conftest import ROOT

FILE = ROOT / "docs" / "examples" / "quick-start.ipynb"
NOTEBOOK = json.loads(FILE.read_text(encoding="utf-8"))
CODE = ["".join(cell["source"]) for cell in NOTEBOOK["cells"] if cell["cell_type"] == "code"]


def executed(source: str, names: dict[str, Any]) -> tuple[str, Any]:
    """What a cell prints, and the value of its last line, as a kernel of Python gives them."""
    printed = io.StringIO()
    lines = []
    for line in source.splitlines():
        if line.startswith("!footprint "):
            done = run(*shlex.split(line)[1:])
            assert done.code == 0, done.err
            printed.write(done.out)
        else:
            lines.append(line.replace("%pip ", "raise AssertionError('installs') #"))
    body = ast.parse("\n".join(lines)).body
    last = ast.Expression(body.pop().value) if body and isinstance(body[-1], ast.Expr) else None
    with contextlib.redirect_stdout(printed):
        exec(compile(ast.Module(body, []), str(FILE), "exec"), names)  # noqa: S102 - that is what a kernel does
        value = eval(compile(last, str(FILE), "eval"), names) if last else None  # noqa: S307
    return printed.getvalue(), value


@pytest.mark.slow
def test_it_runs_from_the_first_cell_to_the_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    found = [executed(source, names) for source in CODE]
    texts = [text + ("" if value is None else str(value)) for text, value in found]
    quiet = [source for source, text in zip(CODE, texts, strict=True) if not text]
    assert len(quiet) == 2, quiet  # the import, and the run, which speaks on stderr
    assert names["answer"].energy_kwh.low < names["answer"].energy_kwh.mid < names["answer"].energy_kwh.high
    assert len(names["frame"]) == 6
    shown = run("estimate", "--model", "bert-base", "--hw", "v100:8", "--region", "FRA", "--explain").out
    assert texts[-1] == shown
    measured = found[-2][1]
    energy_wh = measured.loc["measurement", "energy_kwh_mid"].item() * 1000
    assert 0 < energy_wh < 250 * 1.6 / 60  # 250 W and a PUE of at most 1.6, for less than a minute


def test_it_is_a_notebook_of_format_4_without_outputs() -> None:
    assert (NOTEBOOK["nbformat"], NOTEBOOK["metadata"]["kernelspec"]["name"]) == (4, "python3")
    ids = [cell["id"] for cell in NOTEBOOK["cells"]]
    assert len(ids) == len(set(ids))
    for cell in NOTEBOOK["cells"]:
        assert cell["cell_type"] in ("code", "markdown")
        assert "".join(cell["source"]).strip()
        if cell["cell_type"] == "code":
            assert (cell["outputs"], cell["execution_count"]) == ([], None)


def test_the_first_cell_installs_where_nothing_is_installed() -> None:
    assert "%pip install --quiet footprint-ml" in CODE[0]
    assert "import footprint" in CODE[0]
