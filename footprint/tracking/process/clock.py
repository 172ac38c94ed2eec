"""The clocks of a run: the machine's own, which nobody sets, and the wall clock."""

from __future__ import annotations

import time


def boot_clock_s() -> float:
    """Seconds since this machine started, sleep included where the system can tell [s].

    Never set back or forth, and the same for all processes of a machine.
    """
    try:
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    except (AttributeError, OSError):
        return time.monotonic()


def utc_now() -> str:
    """The wall clock, UTC, ISO 8601 to the millisecond."""
    now = time.time()
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(now))}.{int(now % 1 * 1000):03d}+00:00"
