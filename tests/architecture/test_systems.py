"""The core on other systems: without what only Unix has, on a terminal of another encoding."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ONLY_UNIX = """
import os, signal, sys, warnings

warnings.filterwarnings("error", category=EncodingWarning, module="footprint|__main__")
for module in ("fcntl", "grp", "pty", "pwd", "resource", "syslog", "termios", "tty"):
    sys.modules[module] = None
for where, names in (
    (os, "fork getuid geteuid getgid setsid killpg mkfifo uname sysconf sched_getaffinity register_at_fork "
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


def test_what_is_taken_away_would_be_missed(tmp_path: Path) -> None:
    """The test above can fail: a program that uses any of it does."""
    for line in ("import fcntl", "import os; os.fork()", "open('x', 'w')"):
        done = subprocess.run(
            [sys.executable, *STRICT, "-c", ONLY_UNIX + line], cwd=tmp_path, capture_output=True, check=False
        )
        assert done.returncode == 1, line
