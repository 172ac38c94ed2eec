"""Messages on standard error: folded to 80 columns on a terminal, whole lines where a program reads them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

pty = pytest.importorskip("pty")

WORDS = ("estimate", "--model", "bert-base", "--hw", "v100:8", "--region", "US-STRUBELL2019")
WRONG = ("estimate", "--model", "bert-base", "--hw", "v100:8", "--region", "nowhere-at-all")
USAGE = ("estimate", "--precision", "fp17")


def on_terminal(folder: Path, *words: str) -> list[str]:
    """The lines that a terminal gets on standard error."""
    ours, theirs = pty.openpty()
    done = subprocess.Popen(
        [sys.executable, "-m", "footprint", *words],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=theirs,
    )  # fmt: skip
    os.close(theirs)
    said = b""
    try:
        while part := os.read(ours, 1 << 16):
            said += part
    except OSError:  # how Linux says that the other end is closed
        pass
    os.close(ours)
    done.wait(60)
    return said.decode().splitlines()


def piped(folder: Path, *words: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-m", "footprint", *words],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stderr.splitlines()


@pytest.mark.parametrize("words", [WORDS, WRONG, USAGE], ids=["warnings", "error", "usage"])
def test_a_terminal_gets_the_same_words_in_lines_of_80(words: tuple[str, ...], tmp_path: Path) -> None:
    folded, whole = on_terminal(tmp_path, *words), piped(tmp_path, *words)
    assert max(map(len, folded)) <= 80
    assert " ".join(folded).split() == " ".join(whole).split()
    if words is not USAGE:
        assert max(map(len, whole)) > 80
        assert all(line.startswith("footprint: ") for line in whole)
        assert {line[:4] for line in folded if not line.startswith("footprint: ")} == {"    "}
