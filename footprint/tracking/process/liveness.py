"""What tells a start of a machine, and a process of it, from any other; whether that process still runs."""

from __future__ import annotations

import functools
import socket
import time

from footprint.results.lock import process_exists

MOST_PID = 2**31


@functools.cache
def boot_id() -> str:
    """What tells this start of this machine from any other."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:  # noqa: PTH123 - read once, no Path needed
            return file.read().strip()
    except OSError:
        return f"{socket.gethostname()}-{round((time.time() - time.monotonic()) / 60)}"


def _status(pid: int) -> list[bytes]:
    """What the kernel says of a process after its name: state, parent, ...; nothing where it says nothing."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123
            return file.read().rpartition(b")")[2].split()
    except OSError:
        return []


def process_start(pid: int) -> str:
    """When a process started, in the kernel's own ticks; tells a number used twice apart."""
    status = _status(pid)
    return status[19].decode() if len(status) > 19 else "0"


def process_image(pid: int) -> str:
    """What tells the program that a process runs from one before or after it; empty where nothing does.

    The kernel puts the stack and the code of each program at other addresses, which only the process's own
    user may read.
    """
    try:
        status = _status(pid)
        code, stack = int(status[23]), int(status[25])
    except (IndexError, ValueError):
        return ""
    return f"{code:x}-{stack:x}" if stack > 1 else ""


def is_alive(boot: str, pid: int, started: str, image: str = "") -> bool:
    """Whether the process that began at ``started`` still runs the same program, on this start of this
    machine.
    """
    if not pid or pid > MOST_PID or boot != boot_id():
        return False
    now = process_start(pid)
    if now == "0":
        return process_exists(pid)
    if now != started or _status(pid)[:1] in ([b"Z"], [b"X"]):  # ended, and nobody has asked how
        return False
    image_now = process_image(pid)
    return not image or not image_now or image == image_now
