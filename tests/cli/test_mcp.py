"""`footprint mcp` asked by the protocol's own client over stdin and stdout, as an agent's program asks it."""

from __future__ import annotations

import asyncio
import csv
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT, Footprint

mcp = pytest.importorskip("mcp", reason="the client is in the extra mcp")


def asked(*calls: tuple[str, dict[str, Any]]) -> list[Any]:
    """The tools that the server lists, and its answer to each call."""

    async def talk() -> list[Any]:
        started = mcp.StdioServerParameters(
            command=sys.executable, args=["-m", "footprint", "mcp"], cwd=str(ROOT)
        )
        async with mcp.Client(started) as client:
            return [await client.list_tools(), *[await client.call_tool(*call) for call in calls]]

    return asyncio.run(talk())


def without_time(record: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key != "created_at"}


def test_answers_are_those_of_the_commands(footprint: Footprint, tmp_path: Path) -> None:
    scenario = {"model": "bert-base", "options": {"region": "FRA", "pue": 1.1}}
    footprint("estimate", "--model", "bert-base", "--hw", "v100:8", "-o", "runs.csv")
    path = tmp_path / "runs.csv"
    tools, one, several, added, wrong, none = asked(
        ("estimate", {"hw": "v100:8", **scenario}),
        ("compare", {"hw": ["v100:8", "h100:8"], **scenario}),
        ("report", {"inputs": [str(path)], "by": ["model"]}),
        ("estimate", {"hw": "v100:8", "model": "brt-base"}),
        ("compare", {"hw": ["v100:8"], "model": "bert-base", "options": {"by": "cost"}}),
    )
    assert {tool.name for tool in tools.tools} == {"estimate", "compare", "report"}
    assert all("model" in tool.description for tool in tools.tools)

    options = ["--model", "bert-base", "--region", "FRA", "--pue", "1.1", "--format", "json"]
    printed = json.loads(footprint("estimate", "--hw", "v100:8", *options).stdout)
    assert without_time(one.structured_content) == without_time(printed)
    assert json.loads(one.content[0].text) == one.structured_content
    printed = json.loads(footprint("compare", "--hw", "v100:8,h100:8", *options).stdout)
    assert without_time(several.structured_content) == without_time(printed)

    with path.open(encoding="utf-8", newline="") as file:
        cells = next(csv.DictReader(file))
    [total] = added.structured_content["totals"]
    assert total["energy_kwh"]["mid"] == float(cells["energy_kwh_mid"])
    assert [group["by"] for group in added.structured_content["groups"]] == [{"model": "bert-base"}]

    assert wrong.is_error
    assert "bert-base" in wrong.content[0].text
    assert none.is_error
    assert "unknown scenario field 'by'" in none.content[0].text


def test_without_the_extra_it_says_what_to_install(own_process: Footprint, tmp_path: Path) -> None:
    (tmp_path / "mcp.py").write_text("raise ImportError('none here')", encoding="utf-8")
    done = own_process("mcp", environment={"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"})
    assert done.returncode == 2
    assert 'pip install "footprint-ml[mcp]"' in done.stderr
