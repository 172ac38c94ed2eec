"""Processes of a run and the processor time they used, read cheaply.

On Linux the kernel's own child lists are followed, because a scan of every process costs
milliseconds on a busy node; elsewhere psutil does it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

_PROC = Path("/proc")


def descendants(root: int) -> list[int]:
    """A process and everything it started that still runs."""
    if (_PROC / str(root) / "task").is_dir():
        return list(_walk(root, set()))
    import psutil  # type: ignore[import-untyped]

    try:
        return [root, *(child.pid for child in psutil.Process(root).children(recursive=True))]
    except psutil.Error:
        return [root]


def _walk(root: int, seen: set[int]) -> Iterator[int]:
    if root in seen:
        return
    seen.add(root)
    yield root
    try:
        tasks = os.listdir(f"/proc/{root}/task")  # noqa: PTH208 - hot path
    except OSError:
        return
    for task in tasks:
        try:
            with open(f"/proc/{root}/task/{task}/children", "rb") as file:  # noqa: PTH123 - hot path
                children = file.read().split()
        except OSError:
            continue
        for child in children:
            yield from _walk(int(child), seen)


def cpu_time_s(root: int | None = None) -> float:
    """Processor time of this process, of a process, and of all it started [s]."""
    own = os.times()
    if root is None or root == os.getpid():
        spent = own.user + own.system + own.children_user + own.children_system
        return spent + sum(_process_time_s(pid) for pid in descendants(os.getpid())[1:])
    return sum(_process_time_s(pid) for pid in descendants(root))


def _process_time_s(pid: int) -> float:
    """Processor time of one process and of its children that have ended [s]; 0 when it is gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123 - hot path
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return _psutil_time_s(pid)
    # fields 14 to 17 of proc(5), counted from the state, which is field 3
    return sum(int(field) for field in fields[11:15]) / os.sysconf("SC_CLK_TCK")


def _psutil_time_s(pid: int) -> float:
    if _PROC.is_dir():
        return 0.0
    import psutil

    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.Error:
        return 0.0
    return float(times.user + times.system)


def waited_s() -> float | None:
    """Time this process's main thread was ready to run and another had its processor [s]; None if unknown."""
    try:
        with open("/proc/self/schedstat", "rb") as file:  # noqa: PTH123 - hot path
            return int(file.read().split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return None


def machine_busy_s() -> float | None:
    """Time the machine's processors were busy since it started, all cores together [s]."""
    try:
        with open("/proc/stat", "rb") as file:  # noqa: PTH123 - hot path
            fields = [int(field) for field in file.readline().split()[1:9]]
    except (OSError, ValueError):
        return None
    user, nice, system, _idle, _iowait, irq, softirq, _steal = fields
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")
