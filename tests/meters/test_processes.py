"""Processor time of a tree of processes, against the kernel's own account."""

import os
import resource
import subprocess
import sys
import time

import pytest

from footprint.meters.processes import cpu_time_s, descendants, machine_busy_s, waited_s

BURN = """
import time
while time.process_time() < 0.6:
    pass
print("done", flush=True)
input()
"""


def test_living_and_ended_children_are_counted_once() -> None:
    before = cpu_time_s()
    child = subprocess.Popen(
        [sys.executable, "-c", BURN], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "done\n"
    assert child.pid in descendants(os.getpid())
    alive = cpu_time_s() - before
    usage_before = resource.getrusage(resource.RUSAGE_CHILDREN)
    child.communicate("\n")
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = usage.ru_utime + usage.ru_stime - usage_before.ru_utime - usage_before.ru_stime
    assert alive == pytest.approx(spent, abs=0.1)  # two clock ticks, and what it did after "done"
    assert cpu_time_s() - before == pytest.approx(spent, abs=0.1)
    assert child.pid not in descendants(os.getpid())


def test_another_process_by_its_number() -> None:
    assert cpu_time_s(os.getpid()) == pytest.approx(cpu_time_s(), abs=0.05)
    assert cpu_time_s(2**22 + 1) == 0.0


def test_machine_busy_time_grows_with_work() -> None:
    before = machine_busy_s()
    if before is None:
        pytest.skip("no /proc/stat here")
    end = time.process_time() + 0.3
    while time.process_time() < end:
        pass
    after = machine_busy_s()
    assert after is not None
    assert after - before >= 0.25  # others may add to it, never take away


def test_time_waited_for_a_processor_is_what_a_busy_loop_lacks() -> None:
    if waited_s() is None:
        pytest.skip("the kernel keeps no account of it")
    burners = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(os.cpu_count() or 1)
    ]
    try:
        before, wall, own = waited_s(), time.monotonic(), time.process_time()
        while time.monotonic() - wall < 1.0:
            pass
        lacked = (time.monotonic() - wall) - (time.process_time() - own)
        waited = waited_s() - before  # type: ignore[operator]
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()
    assert lacked > 0.1
    assert waited == pytest.approx(lacked, rel=0.2)
