"""The core on other systems: without what only Unix has, on a terminal of another encoding."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from footprint.results.lock import process_exists

ONLY_UNIX = """
import os, signal, sys, warnings

warnings.filterwarnings("error", category=EncodingWarning, module="footprint|__main__")
for module in ("fcntl", "grp", "pty", "pwd", "resource", "syslog", "termios", "tty"):
    sys.modules[module] = None
for where, names in (
    (os, "fork getuid geteuid getgid setsid killpg mkfifo uname sched_getaffinity register_at_fork "
         "O_NOFOLLOW O_NONBLOCK O_DIRECTORY O_CLOEXEC"),
    (signal, "SIGKILL SIGHUP SIGUSR1 SIGALRM SIGCHLD SIGPIPE SIGQUIT pthread_sigmask setitimer"),
):
    for name in names.split():
        if hasattr(where, name):
            delattr(where, name)
"""
STRICT = ["-X", "warn_default_encoding"]
PROGRAM = """
from footprint.cli import group

for words in %r:
    try:
        group.main(args=words, prog_name="footprint")
    except SystemExit as ended:
        assert not ended.code, (words, ended.code)
"""
PROGRAM_OF_A_RUN = """
import footprint

with footprint.track(model="baby-gpt", hw="v100:1", region="FRA", meter="constant:250W") as run:
    for _ in range(5):
        run.step(tokens=1000)
"""
COMMANDS = [
    ["estimate", "--model", "bert-base", "--hw", "v100x8", "--explain", "--spread"],
    ["estimate", "--model", "bert-base", "--hw", "v100x8", "--region", "SWE", "-o", "estimate.json"],
    ["export", "estimate.json", "--format", "eu-mdf"],
    ["compare", "--model", "bert-base", "--hw", "v100:8,h100:8"],
    ["plan", "--budget", "$10k", "--hw", "h100:8"],
    ["rank", "--model", "bert-base", "--hw", "h100:8", "--keep-in", "EU"],
    ["models", "list"],
    ["regions", "list"],
    ["runs", "list"],
    ["doctor"],
]


@pytest.mark.parametrize("encoding", ["cp1252", "utf-8"])
def test_the_core_needs_no_unix_and_no_encoding(encoding: str, tmp_path: Path) -> None:
    """A file that is opened without its encoding would be an error here, and is one on other systems."""
    done = subprocess.run(
        [sys.executable, *STRICT, "-c", ONLY_UNIX + PROGRAM % COMMANDS],
        cwd=tmp_path, env={**os.environ, "PYTHONIOENCODING": encoding}, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode(errors="replace")[-800:]
    assert "energy (facility)" in done.stdout.decode(encoding)


def test_a_run_needs_no_unix(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ONLY_UNIX + PROGRAM_OF_A_RUN], cwd=tmp_path, capture_output=True, check=False
    )
    assert done.returncode == 0
    assert b" completed: 5 steps" in done.stderr


def test_a_process_is_asked_for_without_ctrl_c(monkeypatch: pytest.MonkeyPatch) -> None:
    """On Windows signal 0 is Ctrl+C, which would stop a training."""
    import psutil

    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert process_exists(os.getpid())
    assert not process_exists(ended.pid)
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(os, "kill", lambda *_: pytest.fail("a signal was sent"))
    monkeypatch.setattr(psutil, "pid_exists", {os.getpid(): True, ended.pid: False}.__getitem__)
    assert process_exists(os.getpid())
    assert not process_exists(ended.pid)


def test_what_is_taken_away_would_be_missed(tmp_path: Path) -> None:
    """The test above can fail: a program that uses any of it does."""
    for line in ("import fcntl", "import os; os.fork()", "open('x', 'w')"):
        done = subprocess.run(
            [sys.executable, *STRICT, "-c", ONLY_UNIX + line], cwd=tmp_path, capture_output=True, check=False
        )
        assert done.returncode == 1, line
