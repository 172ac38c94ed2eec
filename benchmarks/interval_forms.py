"""Compares forms of the intervals of step times on sources that their widths have not seen.

    python -m benchmarks.interval_forms

The widths of a form are made from the residuals of the last fit, without some sources, and tested on these:
on the residuals that a drawn source had when it was read for the first time (``first``), on those that it
has today with its whole draw left out (``draw``), and with a fifth of all families left out in turn
(``fifth``). A figure is a mean over sources. ``score`` is Winkler's: the width, and twenty times what an
interval misses (smaller is better).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from calibration.fit import Z90
from calibration.time_model import of_unknown_stack
from calibration.widths import SHIPPED, Form, ends, root_mean_square
from footprint.catalog.assumptions import assumed
from footprint.catalog.files import read_csv, reference_folder
from footprint.catalog.stacks import find_stack
from footprint.performance.regimes import regime
from footprint.validation.published.throughput import Counted, countable_cases, rows

WAYS = tuple((found, said) for found in (False, True) for said in (True, False))
"""Whether the layout is found, and whether the stack is said."""
MISS = 20.0
"""What a unit outside an interval counts in Winkler's score at 90 % [1]."""
LEAST_HELD = 0.7
"""Share of the rows of a source below which its interval fails."""
PARTS = 5


class Row(NamedTuple):
    """The residual of one row in one of four ways."""

    one: Counted
    source: str
    """The drawn source, else the family."""
    draw: str
    found: bool
    said: bool
    residual: float
    """Log of published over predicted time [1]."""


class Shape(NamedTuple):
    """A form of widths, and whether one accelerator and PyTorch's own kernels are regimes of their own."""

    name: str
    form: Form
    one_apart: bool = True
    native_apart: bool = True


def mean_absolute(values: Sequence[float]) -> float:
    """The standard deviation of a normal distribution with this mean absolute value [1]."""
    return math.sqrt(math.pi / 2) * statistics.fmean(map(abs, values)) if values else 0.0


def median_absolute(values: Sequence[float]) -> float:
    """The standard deviation of a normal distribution with this median absolute value [1]."""
    return statistics.median(map(abs, values)) / 0.6745 if values else 0.0


BEFORE = Form(scale=root_mean_square, freedom=5.0, unseen=1.0)
PLAIN = Form(unseen=1.0)
SHAPES = (
    Shape("root mean square, t of 5 degrees (before)", BEFORE, one_apart=False, native_apart=False),
    Shape("root mean square, t of 3", Form(root_mean_square, unseen=1.0), False, False),
    Shape("mean absolute bias, t of 3", Form(mean_absolute, unseen=1.0), False, False),
    Shape("median absolute bias, t of 3", Form(median_absolute, unseen=1.0), False, False),
    Shape("Huber's scale, t of 5", Form(freedom=5.0, unseen=1.0), False, False),
    Shape("Huber's scale, t of 3", PLAIN, False, False),
    Shape("and PyTorch's own kernels apart", PLAIN, one_apart=False),
    Shape("and one accelerator apart", PLAIN),
    Shape("and 1.15 times wider", Form(unseen=1.15)),
    Shape("and 1.3 times wider", Form(unseen=1.3)),
    Shape("and 1.35 times wider (shipped)", SHIPPED),
    Shape("and 1.45 times wider", Form(unseen=1.45)),
    Shape("shipped, regimes drawn together by 6 families", Form(worth=6.0)),
    Shape("shipped, regimes drawn together by 1 family", Form(worth=1.0)),
    Shape("shipped, root mean square", Form(root_mean_square)),
    Shape("shipped, median absolute bias", Form(median_absolute)),
)


def residuals() -> Iterator[Row]:
    """Today's residuals, each without its own family, in the four ways."""
    cases = {one.case.id: one for one in countable_cases()}
    drawn = {row["id"]: row["draw"] for row in first_readings()}
    for found, said in WAYS:
        for row in rows(found=found, said=said):
            one, draw = cases[row.id], drawn.get(row.id, "")
            source = one.case.stack if draw else row.fold
            yield Row(one, source, draw, found, said, math.log(row.published / row.predicted))


def first_residuals() -> Iterator[Row]:
    """The residuals of the drawn sources when they were read for the first time."""
    cases = {one.case.id: one for one in countable_cases()}
    for row in first_readings():
        one = cases[row["id"]]
        for found, said in WAYS:
            name = f"{'found' if found else 'given'}_{'said' if said else 'unsaid'}_factor"
            yield Row(one, one.case.stack, row["draw"], found, said, math.log(float(row[name])))


def first_readings() -> list[dict[str, str]]:
    """The table of what each drawn row took over its prediction when it was read for the first time."""
    return list(read_csv(reference_folder() / "first_readings.csv"))


class Widths:
    """The intervals of a shape, made of some residuals."""

    def __init__(self, shape: Shape, seen: Sequence[Row]) -> None:
        self.shape = shape
        self.seen = [row for row in seen if row.said]
        self.kept: dict[tuple[str, bool, bool], tuple[float, float]] = {}

    def of(self, row: Row) -> tuple[float, float]:
        """Both ends of the interval of a row, in logarithms [1]."""
        found = row.found or "tp" not in row.one.case.given
        low, high = self._interval(self._regime(row, row.said, found), found, row.said)
        if row.said and find_stack(row.one.case.software).basis != "fitted":
            extra = Z90 * assumed("stacks.unfitted").value
            low, high = -math.hypot(low, extra), math.hypot(high, extra)
        return low, high

    def _interval(self, name: str, found: bool, said: bool) -> tuple[float, float]:
        """The interval of a regime, in logarithms [1]."""
        key = (name, found, said)
        if key not in self.kept:
            every = [row for row in self.seen if row.found == found]
            own = [row for row in every if self._regime(row, said, found) == name]
            both = ends(*map(_entries, (own, every)), form=self.shape.form)
            if not said:
                each = {self._regime(row, True, found) for row in own}
                both = of_unknown_stack(both, [both, *(self._interval(one, found, True) for one in each)])
            self.kept[key] = both
        return self.kept[key]

    def _regime(self, row: Row, said: bool, found: bool) -> str:
        one = row.one
        native = one.case.native if said and (self.shape.native_apart or found) else None
        count = one.case.cluster.count if self.shape.one_apart else 0
        kind = regime(one.work, one.case.precision, one.case.year, native, count, layout_given=not found)
        return kind.removesuffix("_stack_unknown")


def _entries(seen: Iterable[Row]) -> list[tuple[float, str]]:
    return [(row.residual, row.one.case.family) for row in seen]


Split = Iterator[tuple[list[Row], list[Row]]]
"""What the widths have seen, and what they are tested on."""


def splits(today: Sequence[Row], first: Sequence[Row]) -> dict[str, Callable[[], Split]]:
    """The three tests by name."""
    draws = sorted({row.draw for row in first})
    families = sorted({row.one.case.family for row in today})

    def of_draws(tested: Sequence[Row]) -> Split:
        for draw in draws:
            yield [row for row in today if row.draw != draw], [row for row in tested if row.draw == draw]

    def of_fifths() -> Split:
        for part in range(PARTS):
            out = set(families[part::PARTS])
            yield (
                [row for row in today if row.one.case.family not in out],
                [row for row in today if row.one.case.family in out],
            )

    return {"first": lambda: of_draws(first), "draw": lambda: of_draws(today), "fifth": of_fifths}


class Figures(NamedTuple):
    """The means over sources of one test in one way."""

    held: float
    failed: int
    """Sources whose intervals hold less than `LEAST_HELD` of their rows."""
    sources: int
    width: float
    score: float


def figures(shape: Shape, split: Split) -> dict[tuple[bool, bool], Figures]:
    """The figures of a shape in each of the four ways."""
    found: dict[tuple[bool, bool], dict[str, list[tuple[bool, float, float]]]] = {way: {} for way in WAYS}
    for seen, tested in split:
        widths = Widths(shape, seen)
        for row in tested:
            low, high = widths.of(row)
            missed = max(0.0, low - row.residual, row.residual - high)
            line = (missed == 0.0, high - low, high - low + MISS * missed)
            found[row.found, row.said].setdefault(row.source, []).append(line)
    return {way: _over_sources(list(by_source.values())) for way, by_source in found.items()}


def _over_sources(of: Sequence[Sequence[tuple[bool, float, float]]]) -> Figures:
    held, width, score = ([statistics.fmean(line[i] for line in lines) for lines in of] for i in range(3))
    mean = statistics.fmean
    return Figures(mean(held), sum(one < LEAST_HELD for one in held), len(of), mean(width), mean(score))


def table() -> Iterator[str]:
    """The comparison as lines of Markdown."""
    today, first = list(residuals()), list(first_residuals())
    yield "| form | test | given, said | given, unsaid | found, said | found, unsaid |"
    yield "|---|---|---|---|---|---|"
    for shape in SHAPES:
        for name, split in splits(today, first).items():
            cells = (
                f"{one.held:.0%}, {one.failed} of {one.sources}, {one.width:.2f}, {one.score:.2f}"
                for one in figures(shape, split()).values()
            )
            yield f"| {shape.name} | {name} | " + " | ".join(cells) + " |"


if __name__ == "__main__":
    for line in table():
        print(line, flush=True)
