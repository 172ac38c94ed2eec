"""The survey of model types ends and says the truth, whatever the code of a type does."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from benchmarks import kept_types, model_types

pytestmark = pytest.mark.skipif(
    find_spec("torch") is None or find_spec("transformers") is None, reason="torch or transformers is missing"
)
TYPES = ("counted", "ends", "long", "loops", "nothing", "raises", "leaves")
LEFT = Path(tempfile.mkdtemp()) / "left"
"""What a process writes at its end that a type leaves behind."""


def attempt(model_type: str) -> dict[str, Any]:
    """What types do that nobody has checked."""
    if model_type == "loops":
        while True:
            pass
    if model_type == "leaves" and not os.fork():
        os.closerange(0, 3)
        time.sleep(30)  # longer than the survey takes to go on
        LEFT.touch()
        os._exit(0)
    if model_type == "ends":
        os._exit(3)
    if model_type == "raises":
        raise RecursionError("too deep")
    if model_type == "long":
        return {"reason": "a" * 100_000}
    return {"forward_flop": 0 if model_type == "nothing" else 12, "traced": "near"}


@pytest.fixture
def surveyed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for the results and the page of these types; a type has 0.2 s of processor time."""
    monkeypatch.setattr(kept_types, "KEPT", tmp_path / "kept.json")
    for name, value in {
        "PAGE": tmp_path / "page.md", "LIMIT_S": 0.2, "attempt": attempt, "has_class": lambda _: True,
        "known_types": lambda: list(TYPES),
    }.items():  # fmt: skip
        monkeypatch.setattr(model_types, name, value)
    monkeypatch.setattr(sys, "argv", ["model_types.py"])
    return tmp_path


def test_a_survey_ends_on_types_that_loop_end_or_say_too_much(surveyed: Path) -> None:
    late = {"reason": "not counted within 0.2 s of processor time"}
    model_types.main()
    assert not LEFT.exists()
    found = json.loads((surveyed / "kept.json").read_text("utf-8"))
    assert set(found) == set(TYPES)
    assert found["loops"] == late
    assert found["ends"]["reason"] == "ends its process with code 3"
    assert found["raises"]["reason"] == "RecursionError: too deep"
    assert found["long"]["reason"] == "a" * 107 + "..."
    assert (found["counted"]["forward_flop"], found["nothing"]["forward_flop"]) == (12, 0)
    page = (surveyed / "page.md").read_text("utf-8")
    assert "## Counted by torch: 3" in page
    assert f"| loops | {late['reason']} |" in page
    assert "earlier state" not in page


def test_a_type_that_runs_out_of_time_keeps_its_earlier_result(surveyed: Path) -> None:
    earlier = {"forward_flop": 7}
    kept_types.keep({"loops": earlier})
    model_types.main()
    assert json.loads((surveyed / "kept.json").read_text("utf-8"))["loops"] == earlier
    page = (surveyed / "page.md").read_text("utf-8").replace("\n", " ")
    assert "1 of these results are of an earlier state" in page
