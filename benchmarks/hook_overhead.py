"""Cost of torch's hooks under ``footprint run``: processor time beside the loop of a program as it is.

A small net is trained in steps of 100 ms, of which it sleeps most. The program itself measures the processor
time of all its threads, from its 30th step on: the traced step is before that, and its own cost is printed
apart. Programs with and without hooks alternate. Usage: ``python -m benchmarks.hook_overhead [--quick]``;
exit code 1 above the limit.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MOST_SHARE = 0.001
"""Of a 100 ms step, what our own code may take of one core [1]."""
WARM_STEPS = 30

LOOP = """
import json, resource, sys, time, torch
from torch import nn
torch.set_num_threads(1)
net = nn.Sequential(*(nn.Linear(8, 8) for _ in range(3)))
optimizer = torch.optim.SGD(net.parameters(), lr=1e-3)
def loop(steps):
    for _ in range(steps):
        net(torch.ones(4, 8)).sum().backward()
        optimizer.step()
        optimizer.zero_grad()
        time.sleep(0.1)
before = time.process_time()
loop({warm})
warm = time.process_time() - before
cpu, wall = time.process_time(), time.monotonic()
loop(int(sys.argv[1]))
print(json.dumps(dict(warm_s=warm, each_s=(time.process_time() - cpu) / int(sys.argv[1]))), flush=True)
"""


def measured(steps: int, folder: Path, *options: str) -> dict[str, float]:
    """Processor time of the first steps [s], and of each later one [s]."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-m", "footprint", "run", "--quiet", "--meter", "none", *options, "--"]
    done = subprocess.run(
        [*command, sys.executable, "-c", LOOP.format(warm=WARM_STEPS), str(steps)],
        cwd=folder, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return json.loads(done.stdout)


def main() -> int:
    """Print the cost with its limit; exit code 1 if it is above."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short round")
    rounds, steps = (1, 100) if parser.parse_args().quick else (5, 300)
    pairs = []
    with tempfile.TemporaryDirectory() as name:
        for _ in range(rounds):
            without = measured(steps, Path(name), "--no-hooks")
            pairs.append((without, measured(steps, Path(name))))
    each_s = statistics.median(hooked["each_s"] - plain["each_s"] for plain, hooked in pairs)
    warm_s = statistics.median(hooked["warm_s"] - plain["warm_s"] for plain, hooked in pairs)
    share = each_s / 0.1
    print(f"our own code in a step: {each_s * 1e6:.0f} us, {share:.3%} of 100 ms (limit {MOST_SHARE:.1%})")
    print(f"once, in the first {WARM_STEPS} steps (imports and start): {warm_s:.2f} s of processor time")
    plain_s = statistics.median(plain["each_s"] for plain, _ in pairs)
    print(f"a step of the program itself: {plain_s * 1e6:.0f} us")
    return int(share > MOST_SHARE)


if __name__ == "__main__":
    sys.exit(main())
