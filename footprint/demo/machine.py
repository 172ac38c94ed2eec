"""A profile of this machine for the demo: its peak measured, its power as the meter rates it."""

from __future__ import annotations

import time
from pathlib import Path

MATRIX = 1024
REPEATS = 6


def measured_peak_flop_per_s(threads: int) -> float:
    """The best rate at which this machine multiplies two fp32 matrices [FLOP/s]."""
    import torch

    torch.set_num_threads(threads)
    a, b = torch.rand(MATRIX, MATRIX), torch.rand(MATRIX, MATRIX)
    best = 0.0
    for _ in range(REPEATS):
        before = time.perf_counter()
        torch.mm(a, b)
        best = max(best, 2.0 * MATRIX**3 / (time.perf_counter() - before))
    return best


def measured_bandwidth_byte_per_s() -> float:
    """The best rate at which this machine copies memory, read and written bytes together [byte/s]."""
    import torch

    a = torch.rand(16 * 1024 * 1024)
    b = torch.empty_like(a)
    best = 0.0
    for _ in range(REPEATS):
        before = time.perf_counter()
        b.copy_(a)
        best = max(best, 2.0 * a.nbytes / (time.perf_counter() - before))
    return best


def write_profile(path: Path, threads: int) -> Path:
    """A profile of the processor as the demo uses it: so many threads, peak and bandwidth measured now."""
    from footprint.meters.codecarbon_meter import rated_memory_w, rated_processor_w
    from footprint.tracking.process.detected_hardware import cores, processor_name

    processor_w, memory_w = rated_processor_w(), rated_memory_w()
    share = min(1.0, threads / max(1, cores()))
    name = (processor_name() or "processor").replace('"', "'").replace("\\", "/")
    # other_w: fans and losses of a small server; wide, and marked as assumed
    other_w = 0.15 * (processor_w + memory_w)
    text = f"""\
# Written by footprint demo: what this machine did when it was asked.
id = "this-machine"
name = "{name}, {threads} thread(s)"
vendor = "unknown"
kind = "cpu"
unit = "socket"
generation = "this machine"
year = {time.gmtime().tm_year}
tdp_w = {max(1.0, processor_w * share):.6g}
memory_gib = {_memory_gib():.6g}
memory_byte_per_s = {measured_bandwidth_byte_per_s():.6g}

[peak_flop_per_s]
fp32 = {measured_peak_flop_per_s(threads):.6g}

[[nodes]]
id = "here"
name = "this machine"
accelerators = 1
cpu_w = 0.0
ram_w = {memory_w:.6g}
other_w = {other_w:.6g}
host_low_w = {0.5 * memory_w:.6g}
host_high_w = {2 * memory_w + 4 * other_w:.6g}
cpu = "the accelerator itself"

[cite]
year = {{ source = "demo", basis = "assumed" }}
tdp_w = {{ source = "demo", basis = "assumed", note = "codecarbon's rated power x threads in use / cores" }}
memory_gib = {{ source = "demo", basis = "measured", note = "as the system reports it" }}
memory_byte_per_s = {{ source = "demo", basis = "measured", note = "copying 64 MiB" }}
peak_flop_per_s = {{ source = "demo", basis = "measured", note = "fp32 matrices of {MATRIX}" }}
"nodes.here" = {{ source = "demo", basis = "assumed", note = "codecarbon's memory watts; 15 % for the rest" }}

[sources.demo]
title = "footprint demo, measured on this machine"
locator = "footprint demo"
year = {time.gmtime().tm_year}
"""
    path.write_text(text, encoding="utf-8")
    return path


def _memory_gib() -> float:
    import os

    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    except (ValueError, OSError, AttributeError):
        return 8.0
