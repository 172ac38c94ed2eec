"""A format is a file: found by its name, for the kinds of answer that it shows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from footprint.catalog.version import DATA_VERSION, footprint_version
from footprint.errors import FootprintError, UnknownNameError
from footprint.reports import formats
from footprint.reports.formats import Answer, find_format, format_names, format_of
from tests.cli.run import footprint

ANSWER = Answer(kind="flops", text=lambda: "two", data=lambda: {"value": 2.0, "name": "é"})


@pytest.fixture
def badge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One more file in the folder of formats, and nothing else."""
    (tmp_path / "badge.py").write_text(
        'KINDS = ("estimate",)\nENDING = ".svg"\n'
        "def write(answer):\n    return f'badge of {answer.subject.energy_kwh.mid > 0}'\n"
    )
    for path in Path(formats.__path__[0]).glob("*.py"):
        (tmp_path / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(formats, "_FOLDER", str(tmp_path))
    monkeypatch.setattr(formats, "__path__", [*formats.__path__, str(tmp_path)])


def test_the_formats_of_each_kind() -> None:
    assert format_names("estimate") == ["table", "json", "csv", "github-comment", "html", "markdown"]
    assert format_names("jobs") == ["table", "json", "csv", "markdown"]
    assert format_names("anything") == ["table", "json"]


def test_the_ending_of_a_file_chooses() -> None:
    for name, wanted in (("x.json", "json"), ("x.CSV", "csv"), ("x.md", "markdown"), ("x", "table")):
        assert format_of(Path(name), "estimate") == wanted
    with pytest.raises(FootprintError, match=r"x\.md: nothing is written with the ending \.md"):
        format_of(Path("x.md"), "anything")
    assert format_of(None, "estimate") == "table"


def test_an_answer_in_each_format() -> None:
    assert (
        find_format("table", "flops").write(ANSWER)
        == f"two\n\nfootprint {footprint_version()}, data {DATA_VERSION}"
    )
    assert json.loads(find_format(" JSON", "flops").write(ANSWER)) == {"value": 2.0, "name": "é"}


@pytest.mark.parametrize("name", ["jsn", "csv", "../json", "json_", "__init__", "", "jsön"])
def test_an_unknown_format_names_the_nearest(name: str) -> None:
    with pytest.raises(UnknownNameError, match="one of: table, json") as caught:
        find_format(name, "check")
    assert caught.value.nearest in ((), ("json",))


def test_an_unknown_format_is_bad_input() -> None:
    done = footprint("estimate", "--model", "bert-base", "--hw", "v100:8", "--format", "markdwn")
    assert done.code == 2
    assert "did you mean markdown?" in done.err


@pytest.mark.usefixtures("badge")
def test_a_new_file_is_a_new_format_of_the_commands_that_show_its_kind() -> None:
    estimate = ("estimate", "--model", "bert-base", "--hw", "v100:8", "--quiet")
    assert footprint(*estimate, "--format", "badge").out == "badge of True\n"
    assert "badge" in footprint("estimate", "--help").out
    assert footprint("flops", "--model", "bert-base", "--format", "badge").code == 2
