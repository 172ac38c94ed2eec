"""Processor time of a plan beside that of one estimate; exit code 1 above a limit.

A plan asks the chain some times for its medians and once for the whole answer, so it may take a few times as
long as one estimate of the same run. Usage: ``python -m benchmarks.plan``.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable

import footprint

ROUNDS = 15
MOST_PLAN_S = 0.050
MOST_OVER_ESTIMATE = 3.5
"""Limit where the machine is so busy that an estimate alone takes longer than usual."""
MOST_LAW_S = 0.005
HERE = {"hw": "h100:64", "region": "FRA"}


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
    limit = max(MOST_PLAN_S, MOST_OVER_ESTIMATE * estimate)
    print(f"an estimate                 {1e3 * estimate:6.1f} ms")
    print(f"a plan, --budget 7d         {1e3 * plan:6.1f} ms, limit {1e3 * limit:.0f} ms")
    print(f"a plan by the law alone     {1e3 * law:6.1f} ms, limit {1e3 * MOST_LAW_S:.0f} ms")
    return 0 if plan <= limit and law <= MOST_LAW_S else 1


if __name__ == "__main__":
    sys.exit(main())
