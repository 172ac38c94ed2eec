"""Fits how measured peaks of memory combine: what they add to the correlation of step times.

The logs of published over predicted peaks are normal with the correlation of
`footprint.performance.anchoring`, whose numbers are those of step times, and a factor for another
micro-batch. It and the width of what remains are fitted by maximum likelihood on the sources of published
peaks; a source counts with the square root of its rows. What a layout adds that is not given comes from
published steps: the memory of their layouts over that of the layouts that the finder takes for them.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np

from calibration.nearness import Group, distances, part_of, whole_of
from calibration.time_model import Fitted
from footprint.errors import FootprintError
from footprint.performance.anchoring import nearness
from footprint.performance.predict import predict_raw
from footprint.performance.roofline.constants import load_constants
from footprint.performance.roofline.machine import Machine
from footprint.performance.roofline.memory import memory_byte
from footprint.validation.cases import of_its_software
from footprint.validation.published.memory_anchored import known_peaks
from footprint.validation.published.throughput import Counted, countable_cases

SCALES = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 16.0)
LAYOUT = ("tp", "micro_batch")
"""The sizes that a published layout has at least."""


@cache
def groups(*, said: bool) -> list[Group]:
    """The published peaks by source."""
    return [
        Group(source, distances([one.job for one in rows]), np.array([one.z for one in rows]))
        for source, rows in known_peaks(said=said).items()
    ]


def at(scale: float, *, said: bool, without: str | None = None) -> tuple[float, float]:
    """Negative log likelihood of the peaks at the best width, and that width, without a source."""
    numbers = {**nearness(), "micro_batch_scale": scale}
    return whole_of([part_of(one, numbers) for one in groups(said=said) if one.family != without])


def best(without: str | None = None) -> dict[str, float]:
    """The most likely scale, and the widths where the stack is said and not, without a source."""

    def worth(scale: float) -> float:
        return sum(at(scale, said=said, without=without)[0] for said in (True, False))

    scale = min(SCALES, key=worth)
    said, unsaid = (at(scale, said=said, without=without)[1] for said in (True, False))
    return {"micro_batch_scale": scale, "width_said": said, "width_unsaid": unsaid}


def layout_deviations() -> dict[str, float]:
    """Family of sources -> mean square of the log memory of published over found layouts [1]."""
    squares: dict[str, list[float]] = {}
    for one in countable_cases():
        if (
            one.case.scope == "step"
            and not one.case.sealed
            and all(size in one.case.given for size in LAYOUT)
        ):
            try:
                published, found = (_memory_byte(one, given) for given in (one.case.given, {}))
            except FootprintError:  # of a batch that no layout takes
                continue
            squares.setdefault(one.case.family, []).append(math.log(published / found) ** 2)
    return {family: statistics.mean(values) for family, values in squares.items()}


def _memory_byte(one: Counted, given: Mapping[str, int | float | str]) -> float:
    """The memory of a case on the fastest layout with some given sizes [byte]."""
    case = one.case
    constants = of_its_software(case, load_constants())
    raw = predict_raw(
        one.work, case.cluster, case.precision, case.year, given=given, flash=case.training.fuses_attention,
        sequence_length=float(case.shape.sequence_length or 0), native=case.native, constants=constants,
    )  # fmt: skip
    machine = Machine(case.cluster, case.precision, case.year, constants, case.native)
    return float(memory_byte(one.work, raw.layout, machine))


def fit_memory() -> tuple[list[Fitted], dict[str, dict[str, float]]]:
    """The fitted numbers, with low and high without one source; and source -> the numbers without it."""
    folds = {one.family: best(one.family) for one in groups(said=True)}
    peaks = f"{sum(len(one.z) for one in groups(said=True))} rows of {len(folds)} sources"
    rows = []
    for name, value in best().items():
        others = [fold[name] for fold in folds.values()]
        rows.append(Fitted(name, value, min(others), max(others), peaks))
    squares = layout_deviations()
    without = [_root([value for other, value in squares.items() if other != family]) for family in squares]
    note = f"published over found layouts of {len(squares)} families of sources"
    rows.append(Fitted("layout_deviation", _root([*squares.values()]), min(without), max(without), note))
    return rows, folds


def render_folds(folds: Mapping[str, Mapping[str, float]]) -> str:
    """The numbers fitted without each source, as the text of their table."""
    lines = ["by,fold,name,factor,source,basis"]
    for source, numbers in folds.items():
        lines += [
            f"source,{source},{name},{one:.6g},published-memory,fitted" for name, one in numbers.items()
        ]
    return "\n".join(lines) + "\n"


def _root(squares: Sequence[float]) -> float:
    return math.sqrt(statistics.mean(squares))


def render(rows: Sequence[Fitted]) -> str:
    """The fitted numbers as the text of their file."""
    lines = [
        "# Written by `python -m calibration --write`; never by hand.",
        "# How measured peaks of memory combine, besides the numbers of step times.",
        "# low and high: without one source.",
    ]
    for row in rows:
        source = "published-throughput" if row.name == "layout_deviation" else "published-memory"
        lines += [
            "", f"[{row.name}]", f"value = {row.value:.6g}", f"low = {row.low:.6g}", f"high = {row.high:.6g}",
            'unit = "1"', 'basis = "fitted"', f'source = "{source}"', f'note = "{row.note}"',
        ]  # fmt: skip
    return "\n".join(lines) + "\n"
