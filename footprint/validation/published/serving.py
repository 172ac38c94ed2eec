"""Predictions of measured serving rows, by constants that were fitted without them.

A named engine is predicted without the model of the row, or without its source, an engine that is not named
without the row's source. The calibration writes the constants into ``serving_folds.csv``. Rows that
``evaluation.toml`` seals are left out.
"""

from __future__ import annotations

import functools
import math
import statistics
from collections.abc import Sequence

from footprint.catalog.files import read_csv, reference_folder
from footprint.named_tuples import NamedTuple
from footprint.records import replace
from footprint.serving.engine import UNSET, Constants, Engine, Spread, load_engine
from footprint.serving.power import PowerConstants
from footprint.serving.settle import PowerErrors, power_errors
from footprint.validation.published.serving_rows import ServingCase, is_sealed, part_of, serving_cases
from footprint.validation.report import ValidationReport, ValidationRow

FOLDS = reference_folder() / "serving_folds.csv"
NAMED, UNNAMED, ELSEWHERE = "engine named", "engine not named", "engine named, source left out"
"""Kinds of folds: a model left out, a source left out, and a source of a named engine left out."""


def left_out(case: ServingCase, by: str) -> str:
    """What is left out of an engine's rows together: a part of them, or a source."""
    return case.source if by == ELSEWHERE else part_of(case)


class Outside(NamedTuple):
    """A case with what is predicted of it by constants that its fold did not see."""

    case: ServingCase
    engine: Engine
    """With the constants and the interval of the fit without the fold."""
    power: PowerConstants

    def fold(self, by: str) -> str:
        """What was left out: a part of the engine's rows, or the source."""
        if by == UNNAMED:
            return self.case.source
        return f"{self.case.engine if by == ELSEWHERE else self.case.server}: {left_out(self.case, by)}"

    def key(self, by: str) -> str:
        """Its fold in `FOLDS`; where a source is left out, experts have an interval of their own."""
        kind = (" with experts" if self.case.experts else " without experts") if by == ELSEWHERE else ""
        return self.fold(by) + kind

    def with_spread(self, spread: Spread) -> Outside:
        """The same with this interval."""
        return self._replace(engine=replace(self.engine, dense=spread, experts=spread))

    @property
    def log_ratio(self) -> float:
        """Log of measured over predicted time."""
        return math.log(self.case.measured_s / self.case.time_s(self.engine.constants))

    @property
    def ends(self) -> tuple[float, float]:
        """The ends of measured over predicted time [1]."""
        return self.engine.spread(experts=self.case.experts).ends(self.case.time_s, self.engine.constants)

    @property
    def inside(self) -> bool:
        """Whether the measured time lies in the interval."""
        low, high = self.ends
        return low <= math.exp(self.log_ratio) <= high

    @property
    def energy_j(self) -> float:
        """Predicted J a token."""
        reached = self.engine.constants
        return self.case.power_w(reached, self.power) * self.case.time_s(reached) / self.case.batch

    @property
    def energy_ratio(self) -> float | None:
        """Measured over predicted J a token; None where none was measured."""
        if not self.case.board_w:
            return None
        return self.case.board_w / self.case.tokens_per_s / self.energy_j

    def energy_ends(self, error: PowerErrors) -> tuple[float, float]:
        """Logs of the ends of the interval of J a token over the middle."""
        power_low, power_high = error[self.case.experts]
        # As the answer combines them: both causes in quadrature; a slower step also draws less.
        fast, slow = self.ends
        reached = self.engine.constants
        middle = self.case.power_w(reached, self.power)
        ends = []
        for factor, power in ((fast, power_low), (slow, power_high)):
            board = self.case.power_w(reached, self.power, slower=factor) * factor / middle
            ends.append(math.hypot(math.log(board), math.log(power)))
        return -ends[0], ends[1]

    def energy_inside(self, error: PowerErrors) -> bool | None:
        """Whether J a token lies in the interval of time and power together."""
        ratio = self.energy_ratio
        if ratio is None:
            return None
        low, high = self.energy_ends(error)
        return low <= math.log(ratio) <= high


@functools.cache
def outside(by: str) -> tuple[Outside, ...]:
    """Every case that is not sealed, with the constants and the interval of its fold.

    Where a source of a named engine is left out, engines with one source have no fold.
    """
    folds: dict[str, dict[str, float]] = {}
    for row in read_csv(FOLDS):
        if row["by"] == by:
            folds.setdefault(row["fold"], {})[row["name"]] = float(row["value"])
    found = []
    for case in serving_cases():
        if is_sealed(case):
            continue
        engine = load_engine({NAMED: case.server, ELSEWHERE: case.engine, UNNAMED: UNSET}[by])
        bare = Outside(case, engine, PowerConstants(0.0, 0.0, 0.0))
        numbers = folds.get(bare.key(by))
        if numbers is None:
            continue
        constants = Constants(*(numbers[name] for name in Constants._fields))
        power = PowerConstants(*(numbers[name] for name in PowerConstants._fields))
        spread = Spread(**{name: numbers[name] for name in Spread._fields if name in numbers})
        found.append(Outside(case, replace(engine, constants=constants), power).with_spread(spread))
    return tuple(found)


def validate_serving(by: str = NAMED) -> ValidationReport:
    """Tokens/s of measured rows: the engine named and the model or the source left out, or not named."""
    rows = []
    for one in outside(by):
        fast, slow = one.ends
        rate = one.case.given / one.case.time_s(one.engine.constants)
        rows.append(
            ValidationRow(
                id=one.case.id, published=one.case.tokens_per_s, predicted=rate, unit="tokens/s",
                fold=one.case.server if by == NAMED else one.fold(by), low=rate / slow,
                high=rate / fast, note=_kind(one.case),
            )
        )  # fmt: skip
    name = {NAMED: "serving", ELSEWHERE: "serving-sources", UNNAMED: "serving-unnamed"}[by]
    return ValidationReport(dataset=name, rows=tuple(rows), notes=_by_kind(rows))


def validate_serving_energy() -> ValidationReport:
    """J a token of the boards, the engine named, the model left out."""
    error = power_errors()
    rows = []
    for one in outside(NAMED):
        if one.case.board_w:
            low, high = one.energy_ends(error)
            joules = one.energy_j
            rows.append(
                ValidationRow(
                    id=one.case.id, published=one.case.board_w / one.case.tokens_per_s, predicted=joules,
                    unit="J/token", fold=one.case.engine, low=joules * math.exp(low),
                    high=joules * math.exp(high), note=_kind(one.case),
                )
            )  # fmt: skip
    return ValidationReport(dataset="serving-energy", rows=tuple(rows), notes=_by_kind(rows))


def _kind(case: ServingCase) -> str:
    if case.phase == "prompt":
        return "prompts"
    return "experts" if case.experts else "dense, batch 1" if case.batch == 1 else "dense"


def _by_kind(rows: Sequence[ValidationRow]) -> tuple[str, ...]:
    notes = []
    for kind in sorted({row.note for row in rows}):
        own = [row for row in rows if row.note == kind]
        inside = sum((row.low or 0.0) <= row.published <= (row.high or 0.0) for row in own) / len(own)
        middle = statistics.median(row.error for row in own)
        notes.append(f"{kind}: {len(own)} rows, median {middle:.1%}, {inside:.0%} in their interval")
    return tuple(notes)
