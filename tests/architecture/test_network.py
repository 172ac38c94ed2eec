"""No network call, ever: a socket of any kind ends the program that opens it."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

# An audit hook sees sockets that C code opens too, and cannot be caught or removed by the program.
WATCH = """
import os, sys

CALLS = os.environ["WATCHED"].split()

def refuse(event, arguments):
    if event in CALLS:
        os.write(2, f"NETWORK: {event} {arguments!r}\\n".encode())
        os._exit(99)

sys.addaudithook(refuse)
"""
CALLS = "socket.connect socket.getaddrinfo socket.gethostbyname socket.sendto socket.sendmsg"
ANY = f"socket.__new__ socket.bind {CALLS}"

COMMANDS = [
    ["--help"],
    ["--version"],
    ["estimate", "--model", "bert-base", "--hw", "v100x8"],
    ["estimate", "--model", "bert-base", "--hw", "v100x8", "--explain", "--spread", "--equivalents"],
    ["estimate", "--model", "bert-base", "--hw", "v100x8", "--region", "FRA", "--format", "json"],
    ["estimate", "--model", "bert-base", "--hw", "v100x8", "-o", "report.csv"],
    ["estimate", "--model", "no-such-model", "--hw", "v100x8"],
    ["models", "list"],
    ["models", "search", "brt-base"],
    ["hardware", "show", "v100"],
    ["regions", "search", "virginia"],
    ["prices", "show", "v100"],
    ["validate", "strubell"],
]


@pytest.fixture
def watched(tmp_path: Path, root: Path) -> dict[str, str]:
    """An environment whose Python refuses every socket."""
    folder = tmp_path / "watch"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(WATCH, encoding="utf-8")
    return {**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{root}", "WATCHED": ANY}


def run(arguments: list[str], environment: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.parametrize(
    "code", ["import _socket; _socket.socket()", "import socket; socket.getaddrinfo('a.b', 1)"]
)
def test_the_watch_sees_a_socket(code: str, watched: dict[str, str], tmp_path: Path) -> None:
    done = run(["-c", code], watched, tmp_path)
    assert done.returncode == 99
    assert "NETWORK: socket." in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_no_command_opens_a_socket(arguments: list[str], watched: dict[str, str], tmp_path: Path) -> None:
    done = run(["-m", "footprint", *arguments], watched, tmp_path)
    assert "NETWORK" not in done.stderr
    assert done.returncode == (2 if "no-such-model" in arguments else 0), done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("meter", ["constant:250W", "codecarbon"])
def test_tracking_calls_nobody(meter: str, watched: dict[str, str], tmp_path: Path) -> None:
    """codecarbon's HTTP library makes a socket on import, to see if there is IPv6; nothing may use one."""
    program = textwrap.dedent(f"""
        import time
        import footprint

        with footprint.track(model="baby-gpt", hw="v100:1", region="FRA", meter={meter!r}) as run:
            for _ in range(5):
                time.sleep(0.01)
                run.step(tokens=1000)
    """)
    (tmp_path / "train.py").write_text(program, encoding="utf-8")
    done = run(["train.py"], {**watched, "WATCHED": CALLS}, tmp_path)
    assert "NETWORK" not in done.stderr, done.stderr
    assert done.returncode == 0, done.stderr
