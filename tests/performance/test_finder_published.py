"""The finder beside published layouts: by its own model it is rarely slower, where memory allows them."""

from __future__ import annotations

import pytest

from footprint.performance.layouts.finder import find_layout
from footprint.performance.layouts.habits import NO_HABITS
from footprint.performance.roofline.machine import Machine
from footprint.performance.roofline.memory import memory_byte, usable_byte
from footprint.performance.roofline.terms import step_terms
from footprint.validation.cases import of_its_software
from footprint.validation.published.throughput import countable_cases

ROUNDING = 1e-9


def ratios() -> dict[str, float]:
    """Time of the found layout over that of the published one, where this is known and fits."""
    found: dict[str, float] = {}
    for case, work, _ in countable_cases():
        if case.scope != "step" or case.sealed or "tp" not in case.given:
            continue
        constants = of_its_software(case, None).but(**NO_HABITS)
        machine = Machine(case.cluster, case.precision, case.year, constants, case.native)
        flash, length = case.training.attention == "flash", float(case.shape.sequence_length or 0)
        published, _ = find_layout(work, machine, given=case.given, flash=flash, sequence_length=length)
        if memory_byte(work, published, machine) > usable_byte(machine):
            continue
        free, fits = find_layout(work, machine, flash=flash, sequence_length=length)
        assert fits, case.id
        theirs, ours = (sum(step_terms(work, one, machine).values()) for one in (published, free))
        found[case.id] = ours / theirs
    return found


@pytest.mark.slow
def test_published_layouts_are_hardly_ever_faster_than_the_found_ones() -> None:
    """23 of 1,140 are: selective recomputation before fused attention, larger micro-batches that recompute,
    and shares of a batch that are no whole number."""
    every = ratios()
    slower = {name: ratio for name, ratio in every.items() if ratio > 1.0 + ROUNDING}
    assert len(every) > 900
    assert len(slower) <= 0.03 * len(every), slower
    assert max(slower.values()) < 1.3
