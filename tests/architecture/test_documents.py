"""The documents say what is so: outputs are real, examples run, links lead somewhere."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from footprint.tracking.process.detected_hardware import detect_hardware
from footprint.tracking.process.identity import identify
from tests.architecture.reader import TRAINS, write_reader_files
from tests.architecture.readme import DECIDING, PROJECT, PROJECT_FILE, README, commands, outputs, real_output
from tests.conftest import ROOT, Footprint

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
TEXT = README.read_text(encoding="utf-8")


def test_there_are_exactly_two_set_up_commands() -> None:
    found = commands()
    assert sorted(found) == ["install and pass the tests", "install and run the main job"]
    fences = re.findall(r"```bash\n(.*?)```", TEXT, re.DOTALL)
    assert sum("pip install" in fence for fence in fences) == 2
    assert all(len(command.splitlines()) == 1 for command in found.values())
    assert found["install and run the main job"].endswith("footprint estimate --model bert-base --hw v100x8")
    assert "-c constraints.txt" in found["install and pass the tests"]


@pytest.mark.slow
@pytest.mark.parametrize("command", [*outputs(), *outputs(DECIDING), *outputs(PROJECT)])
def test_the_output_shown_is_the_output(command: str, tmp_path: Path) -> None:
    """If a number changed on purpose: python -m tests.architecture.readme, and a line in CHANGELOG.md."""
    assert (outputs() | outputs(DECIDING) | outputs(PROJECT))[command] == real_output(command, tmp_path)


def test_the_project_shown_is_the_file() -> None:
    assert f"```toml\n{PROJECT_FILE.read_text(encoding='utf-8')}```" in PROJECT.read_text(encoding="utf-8")


def test_the_three_decisions_are_what_their_page_shows() -> None:
    """Numbers of the README's answers, each found in the output of its question."""
    gpu, place, budget = (" ".join(text.split()) for text in outputs(DECIDING).values())
    answers = " ".join(TEXT.partition("**Three decisions**")[2].partition("**Places**")[0].split())
    asked = [part.strip() for part in answers.split("- W")[1:]]
    assert len(asked) == 3
    assert re.search(r"takes [\d.]+ to [\d.]+ times fewer hours", asked[0])[0] in gpu  # type: ignore[index]
    assert re.search(r"[\d.]+ to [\d.]+ times less energy", asked[0])[0] in gpu  # type: ignore[index]
    kilogrammes = re.search(r"saves (.+?) of CO2e", asked[1])[1]  # type: ignore[index]
    assert f"1 azure:swedencentral {kilogrammes} $0" in place
    size, days, ends = re.search(r"buy\? (.+? tokens), ([\d.]+ d) of 8 H100 \((.+)\)", asked[2]).groups()  # type: ignore[union-attr]
    assert f"buys {size} on 8 x NVIDIA H100" in budget
    assert f"duration {days} {ends}" in budget


def test_the_main_command_is_shown() -> None:
    assert list(outputs()) == ["footprint estimate --model bert-base --hw v100x8"]


def shown_commands() -> list[str]:
    fences = [
        fence for fence in re.findall(r"```bash\n(.*?)```", TEXT, re.DOTALL) if "pip install" not in fence
    ]
    lines = [line for fence in fences for line in fence.replace("\\\n", " ").splitlines()]
    return [line.partition("#")[0].strip() for line in lines if line.strip()]


@pytest.mark.slow
@pytest.mark.parametrize("command", shown_commands())
def test_the_commands_shown_work(
    command: str, footprint: Footprint, own_process: Footprint, tmp_path: Path
) -> None:
    write_reader_files(tmp_path)
    words = shlex.split(command)[1:]
    done = (own_process if words[0] in TRAINS else footprint)(*words)
    assert done.returncode == (3 if "--fail-over" in command else 0), done.stderr


@pytest.mark.slow
def test_the_python_shown_works(tmp_path: Path, root: Path) -> None:
    (block,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    (tmp_path / "program.py").write_text(block, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "program.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=True,
    )
    low, mid, high = map(float, done.stdout.split()[:3])
    assert low < mid < high
    kinds = {line.split(",")[0] for line in (tmp_path / "runs.csv").read_text().splitlines()}
    profile, _ = detect_hardware(identify())  # a machine without a profile has no estimate
    assert kinds == {"kind", "measurement"} | ({"estimate"} if profile else set())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]
    assert not [link for link in links if link and not (page.parent / link).exists()]


def test_every_page_is_reached_from_the_index() -> None:
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    decisions = (ROOT / "docs" / "decisions" / "README.md").read_text(encoding="utf-8")
    assert not [
        path.name
        for path in (ROOT / "docs").glob("*.md")
        if path.name not in {"index.md"} and f"({path.name})" not in index
    ]
    assert not [
        path.name
        for path in (ROOT / "docs" / "decisions").glob("*.md")
        if path.name != "README.md" and f"({path.name})" not in decisions
    ]


def test_the_page_of_assumed_numbers_is_current() -> None:
    """If the data changed: python -m benchmarks.assumed_numbers --write."""
    page = ROOT / "docs" / "assumed.md"
    before = page.read_text(encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.assumed_numbers"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == before
