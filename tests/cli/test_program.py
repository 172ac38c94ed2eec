"""The program as the shell sees it: exit codes, streams, and a way out that loses nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, Footprint

ESTIMATE = ("estimate", "--model", "bert-base", "--hw", "v100x8")


def program(
    code: str, folder: Path, stdout: int | object = subprocess.PIPE
) -> subprocess.CompletedProcess[bytes]:
    """A program of its own that ends as ``footprint`` does."""
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stdout=stdout,  # type: ignore[arg-type]
        stderr=subprocess.PIPE,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--help",), 0),
        (ESTIMATE, 0),
        (("estimate", "--model", "no-such-model", "--hw", "v100x8"), 2),
        (("estimate", "--no-such-option"), 2),
        ((*ESTIMATE, "--fail-over", "1 Wh"), 3),
    ],
)
def test_exit_codes(arguments: tuple[str, ...], code: int, own_process: Footprint) -> None:
    assert own_process(*arguments).returncode == code


def test_all_of_a_long_output_arrives(own_process: Footprint, tmp_path: Path) -> None:
    """Through a pipe and into a file, which buffer differently."""
    piped = own_process("prices", "list", "--format", "json").stdout
    with (tmp_path / "out").open("wb") as file:
        done = subprocess.run(
            [sys.executable, "-m", "footprint", "prices", "list", "--format", "json"],
            env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=file, check=True,
        )  # fmt: skip
    assert done.returncode == 0
    assert len(piped) > 100_000
    assert (tmp_path / "out").read_text(encoding="utf-8") == piped


def test_what_others_asked_for_at_the_end_is_done(tmp_path: Path) -> None:
    code = (
        "import atexit, sys\n"
        "atexit.register(lambda: open('left.txt', 'w').write('done'))\n"
        "sys.argv = ['footprint', '--version']\n"
        "from footprint.__main__ import run\n"
        "run()\n"
    )
    assert program(code, tmp_path).returncode == 0
    assert (tmp_path / "left.txt").read_text() == "done"


def test_a_thread_is_waited_for(tmp_path: Path) -> None:
    code = (
        "import sys, threading, time\n"
        "threading.Thread(target=lambda: (time.sleep(0.3), open('left.txt', 'w').write('done'))).start()\n"
        "sys.argv = ['footprint', 'estimate', '--no-such-option']\n"
        "from footprint.__main__ import run\n"
        "run()\n"
    )
    assert program(code, tmp_path).returncode == 2
    assert (tmp_path / "left.txt").read_text() == "done"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_is_not_a_success(tmp_path: Path) -> None:
    code = f"import sys; sys.argv = ['footprint', *{ESTIMATE!r}]\nfrom footprint.__main__ import run\nrun()\n"
    with Path("/dev/full").open("wb") as full:
        done = program(code, tmp_path, stdout=full)
    assert done.returncode != 0
    assert done.stderr
    assert b"Traceback" not in done.stderr


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    command = f"{sys.executable} -m footprint models list | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0
    assert done.stderr == ""
