"""Processor time of a plan and of serving beside that of an estimate; exit code 1 above a limit.

A plan asks the chain some times for its medians and once for the whole answer, so it may take a few times as
long as one estimate of the same run. The first answer about serving is timed in programs of its own, because
it reads the data that later ones find read. Usage: ``python -m benchmarks.plan``.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import footprint

ROUNDS = 15
MOST_PLAN_S = 0.050
MOST_OVER_ESTIMATE = 3.5
"""Limit where the machine is so busy that an estimate alone takes longer than usual."""
MOST_LAW_S = 0.005
MOST_SERVING_S = 0.020
MOST_SERVING_OVER_ESTIMATE = 2.0
HERE = {"hw": "h100:64", "region": "FRA"}

SERVING = {
    "model": "llama3.1-8b",
    "hw": "h100:1",
    "prompt_tokens": 512,
    "output_tokens": 256,
    "region": "FRA",
}


def first_serving_s() -> float:
    """The median processor time [s] of the first answer about serving, after import, of several programs."""
    program = (
        "import time, footprint; footprint.inference; start = time.process_time(); "
        f"footprint.inference(**{SERVING!r}, batch_size=32); print(time.process_time() - start)"
    )
    return statistics.median(
        float(subprocess.check_output([sys.executable, "-c", program])) for _ in range(5)
    )


def seconds(call: Callable[[], object]) -> float:
    """The median processor time of a call [s], the first one left out."""
    call()
    taken = []
    for _ in range(ROUNDS):
        start = time.process_time()
        call()
        taken.append(time.process_time() - start)
    return statistics.median(taken)


def main() -> int:
    """Print the times and say whether they are within their limits."""
    estimate = seconds(lambda: footprint.estimate(parameters=1e10, tokens=2e11, **HERE))
    plan = seconds(lambda: footprint.plan("7d", **HERE))
    law = seconds(lambda: footprint.plan("1e22FLOP"))
    serving, first = seconds(lambda: footprint.inference(**SERVING, batch_size=32)), first_serving_s()
    limit = max(MOST_PLAN_S, MOST_OVER_ESTIMATE * estimate)
    serving_limit = max(MOST_SERVING_S, MOST_SERVING_OVER_ESTIMATE * estimate)
    print(f"an estimate                 {1e3 * estimate:6.1f} ms")
    print(f"a plan, --budget 7d         {1e3 * plan:6.1f} ms, limit {1e3 * limit:.0f} ms")
    print(f"a plan by the law alone     {1e3 * law:6.1f} ms, limit {1e3 * MOST_LAW_S:.0f} ms")
    print(f"serving, batch 32           {1e3 * serving:6.1f} ms, limit {1e3 * serving_limit:.0f} ms")
    print(f"serving, the first answer   {1e3 * first:6.1f} ms, limit {1e3 * serving_limit:.0f} ms")
    return 0 if plan <= limit and law <= MOST_LAW_S and max(serving, first) <= serving_limit else 1


if __name__ == "__main__":
    sys.exit(main())
