"""The progress line: on a terminal, over itself, and nowhere else."""

from __future__ import annotations

import os
import pty
import re
import sys
from pathlib import Path

import pytest

from tests.tracking.fault_harness import ROOT

PROGRAM = """
import time, footprint
with footprint.track(meter="constant:360kW", flush_s=0.1, total_steps=60, region="FRA", pue=1.0) as run:
    for n in range(60):
        time.sleep(0.02)
        run.step()
        if n == 30:
            print("the training's own line")
"""


def on_a_terminal(folder: Path) -> str:
    """What the program writes on a terminal of 100 columns."""
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(folder)
        os.environ.update(PYTHONPATH=str(ROOT), COLUMNS="100", TERM="xterm")
        os.execv(sys.executable, [sys.executable, "-c", PROGRAM])  # noqa: S606 - our own program
    written = b""
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError:  # the program has ended
            break
        if not part:
            break
        written += part
    os.waitpid(child, 0)
    os.close(terminal)
    return written.decode()


@pytest.mark.filterwarnings("ignore:This process.*multi-threaded:DeprecationWarning")
def test_a_terminal_sees_one_line_that_is_cleared(tmp_path: Path) -> None:
    written = on_a_terminal(tmp_path)
    drawn = re.findall(r"\r\x1b\[2K([^\r\n]*)", written)
    shown = [re.sub(r"\x1b\[[0-9;]*m", "", text) for text in drawn]
    assert sum("CO2e" in text and "left" in text for text in shown) >= 3
    assert all(text.index("left") < 96 for text in shown if "left" in text)
    percents = [int(match) for text in shown for match in re.findall(r"^ *(\d+)%", text)]
    assert percents == sorted(percents)
    assert percents[-1] > 50
    assert "the training's own line" in written
    assert "\x1b[?25l" not in written  # no hidden cursor to forget after a kill
    last = [line for line in written.replace("\r\n", "\n").split("\n") if "footprint: run" in line][-1]
    assert "completed" in last
    assert last.split("\x1b[2K")[-1].startswith("footprint: run")  # cleared before the last line


def test_a_pipe_sees_nothing_of_it(tmp_path: Path) -> None:
    from tests.tracking.fault_harness import end_by

    ended = end_by(tmp_path, "", arguments="{'total_steps': 200}")
    assert "\x1b" not in ended.err
    assert ended.err.count("footprint: ") == 2
