"""A command is a file of ``footprint/cli/commands``; what they share stands elsewhere."""

from __future__ import annotations

import ast
from pathlib import Path

import click
import pytest

import footprint.cli
from footprint.cli import group
from tests.architecture.trees import tree
from tests.cli.run import footprint as command_line
from tests.conftest import ROOT

CLI = ROOT / "footprint" / "cli"
MOST = 16
"""Files and folders of one folder, a catalogue of one thing a file aside."""


def test_each_file_is_a_command() -> None:
    files = {path.stem for path in (CLI / "commands").glob("*.py")} - {"__init__"}
    assert set(group.list_commands(click.Context(group))) == files


def test_a_new_file_is_a_new_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from footprint.cli import commands

    (tmp_path / "greet.py").write_text(
        '"""Say hello."""\nimport click\n@click.command()\ndef command():\n    click.echo("hello")\n'
    )
    monkeypatch.setattr(footprint.cli, "_FOLDER", str(tmp_path))
    monkeypatch.setattr(commands, "__path__", [*commands.__path__, str(tmp_path)])
    assert command_line("greet").out == "hello\n"
    assert "greet  Say hello" in command_line("--help").out


@pytest.mark.parametrize("folder", ["cli", "cli/shared", "reports", "reports/formats", "estimator"])
def test_no_folder_is_crowded(folder: str) -> None:
    found = [
        p
        for p in (ROOT / "footprint" / folder).iterdir()
        if p.suffix == ".py" or (p / "__init__.py").exists()
    ]
    assert len(found) <= MOST


def test_commands_do_not_import_each_other() -> None:
    for path in (CLI / "commands").glob("*.py"):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ImportFrom):
                assert not (node.module or "").startswith("footprint.cli.commands"), path
