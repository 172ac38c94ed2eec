"""CPU time of the command line's start-up, as ratios to ``python -c "import click"``.

Each round runs the three programs one after the other, so that a slow machine affects all of them.
Ratios are taken within a round; the median and the quartiles over the rounds are printed. CPU time is
user + system time of the child process (``wait4``), with warm caches and compiled modules. The command
is the console script of this interpreter's environment if there is one, else ``python -m footprint``.

Usage: ``python benchmarks/startup.py [ROUNDS]``; exit code 1 above a limit.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from pathlib import Path

LIMITS = {"--help": 1.3, "estimate --model bert-base --hw v100x8": 1.7}
ROUNDS = 41
WARM_UP_ROUNDS = 2
BASELINE = [sys.executable, "-c", "import click"]


def footprint_command() -> list[str]:
    """The console script of this interpreter's environment, else the module."""
    script = Path(sys.executable).with_name("footprint")
    return [str(script)] if script.exists() else [sys.executable, "-m", "footprint"]


def cpu_s(command: list[str]) -> float:
    """CPU time of a command [s], user and system; SystemExit if it fails."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, env=environment
    ) as child:
        assert child.stderr is not None
        said = child.stderr.read()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{' '.join(command)}: exit code {child.returncode}\n{said.decode()}")
    return usage.ru_utime + usage.ru_stime


def main() -> int:
    """Print the ratios; exit code 1 if one is above its limit."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    program = footprint_command()
    commands = {arguments: [*program, *arguments.split()] for arguments in LIMITS}
    for _ in range(WARM_UP_ROUNDS):
        for command in (BASELINE, *commands.values()):
            cpu_s(command)
    base: list[float] = []
    ratios: dict[str, list[float]] = {arguments: [] for arguments in LIMITS}
    for _ in range(rounds):
        here = cpu_s(BASELINE)
        base.append(here)
        for arguments, command in commands.items():
            ratios[arguments].append(cpu_s(command) / here)
    name = "footprint" if len(program) == 1 else "python -m footprint"
    print(f'python -c "import click": {1e3 * statistics.median(base):.1f} ms CPU, median of {rounds} rounds')
    over = False
    for arguments, limit in LIMITS.items():
        low, mid, high = statistics.quantiles(ratios[arguments], n=4)
        over |= mid > limit
        verdict = "OVER" if mid > limit else "within"
        print(f"{name} {arguments}: {mid:.2f} x ({low:.2f} - {high:.2f}), {verdict} the limit of {limit}")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
