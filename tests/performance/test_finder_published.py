"""The finder beside published layouts: by its own model it is never slower, where memory allows them."""

from __future__ import annotations

import pytest

from footprint.performance.layouts.finder import find_layout
from footprint.performance.roofline.constants import load_constants
from footprint.performance.roofline.machine import Machine
from footprint.performance.roofline.memory import memory_byte, usable_byte
from footprint.performance.roofline.terms import step_terms
from footprint.validation.throughput import countable_cases

ROUNDING = 1e-9


def test_no_published_layout_is_faster_than_the_found_one() -> None:
    slower = []
    compared = 0
    for case, work, _ in countable_cases():
        if case.scope != "step" or "tp" not in case.given:
            continue
        machine = Machine(case.cluster, case.precision, case.year, load_constants(), case.native)
        flash, length = case.training.attention == "flash", float(case.shape.sequence_length or 0)
        given, _ = find_layout(work, machine, given=case.given, flash=flash, sequence_length=length)
        if memory_byte(work, given, machine) > usable_byte(machine):
            continue
        found, fits = find_layout(work, machine, flash=flash, sequence_length=length)
        compared += 1
        ratio = sum(step_terms(work, found, machine).values()) / sum(step_terms(work, given, machine).values())
        if not fits or ratio > 1.0 + ROUNDING:
            slower.append(f"{case.id} {case.model} on {case.cluster.count}: {ratio:.3f}: {found.text} against {given.text}, {found.interleaving} {given.interleaving} z{found.zero}{given.zero}")
    assert compared > 600
    assert not slower, "\n".join([f"{len(slower)} of {compared}", *slower[:400]])
