"""Every command that a page of the documentation shows runs as it stands, or says why it cannot run here."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from tests.architecture.reader import FENCE, NOT_RUN, TRAINS, shown_in, write_reader_files
from tests.cli.run import footprint as run
from tests.conftest import ROOT, Footprint

PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in sorted([*(ROOT / "docs").rglob("*.md"), ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md"])
}
JOURNALS = ROOT / "tests" / "tracking" / "journal" / "journals"


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page, text in PAGES.items() if shown_in(text)])
def test_the_commands_of_a_page_run_in_their_order(
    page: str, footprint: Footprint, own_process: Footprint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the folder of a reader: with the files that the page speaks of, and a run that was recorded."""
    write_reader_files(tmp_path)
    shutil.copytree(JOURNALS / "completed", tmp_path / "footprint-runs")
    monkeypatch.chdir(tmp_path)
    assert run("estimate", "--model", "bert-base", "--hw", "v100:8", "-o", "runs.csv").code == 0
    blocks: set[int] = set()
    every = [one for one in shown_in(PAGES[page]) if not one.reason]
    for one in every:
        words = one.words
        if one.block not in blocks:
            blocks.add(one.block)
            for name in written([other.words for other in every if other.block == one.block]):
                (tmp_path / name).unlink(missing_ok=True)
        done = (own_process if words[0] in TRAINS else footprint)(*words)
        over = done.returncode == 3 and "--fail-over" in words
        assert done.returncode == 0 or over, f"{one.command}\n{done.stderr[-800:]}"
        assert "Traceback" not in done.stderr, one.command


def written(commands: list[list[str]]) -> set[str]:
    """The files that the commands of a block make anew; what another block left there is in their way."""
    pairs = [pair for words in commands for pair in pairwise(words)]
    return {name for option, name in pairs if option in ("-o", "--save") and not name.endswith(".csv")}


def test_a_command_that_is_not_run_has_the_words_of_the_program() -> None:
    marked = [one for text in PAGES.values() for one in shown_in(text) if one.reason]
    assert marked
    for one in marked:
        words = one.words
        own = words[: words.index("--")] if "--" in words else words
        page = run(own[0], "--help").out
        assert page.startswith("Usage: footprint " + own[0]), one.command
        for option in own[1:]:
            assert not option.startswith("-") or option in re.split(r"[\s,]+", page), (one.command, option)


def test_a_mark_stands_before_a_block_with_a_command() -> None:
    for page, text in PAGES.items():
        marks = text.count("<!-- not run:")
        fences = [fence for fence in FENCE.finditer(text) if NOT_RUN.search(text[: fence.start()])]
        before = sum("footprint " in fence[2] for fence in fences)
        assert marks == before, page


@pytest.mark.parametrize("page", [page for page, text in PAGES.items() if "```python\n" in text])
def test_the_python_of_a_page_is_python(page: str) -> None:
    for block in re.findall(r"^```python\n(.*?)^```", PAGES[page], re.DOTALL | re.MULTILINE):
        ast.parse(block)


def test_the_python_of_the_first_page_runs(tmp_path: Path) -> None:
    (block,) = re.findall(r"^```python\n(.*?)^```", PAGES["docs/start.md"], re.DOTALL | re.MULTILINE)
    command, own = [sys.executable, "-c", block], {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=own, capture_output=True, text=True, check=True)
    low, mid, high = map(float, done.stdout.split())
    assert low < mid < high


def test_lines_are_found_with_their_continuation_and_without_their_comment() -> None:
    text = "```bash\nfootprint plan --budget '$1 # k'   # a comment\nfootprint flops \\\n    --model x\n```\n"
    text += "<!-- not run: why -->\n```yaml\n- footprint diff a b\n```\n```python\nfootprint estimate\n```\n"
    assert [(one.words, one.block, one.reason) for one in shown_in(text)] == [
        (["plan", "--budget", "$1 # k"], 0, ""),
        (["flops", "--model", "x"], 0, ""),
        (["diff", "a", "b"], 1, "why"),
    ]
