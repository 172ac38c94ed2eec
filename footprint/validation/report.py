"""The report of a validation: published and predicted values by row, and the scores over all rows.

Errors are relative, ``|predicted / published - 1|``. Shares within a factor use the ratio in both
directions. Coverage and the interval score need rows with an interval.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any, Self

from footprint.catalog.version import headed
from footprint.records import field, record
from footprint.results import Quantity

SCHEMA = "footprint/validation/1"
COVERAGE = 0.90


@record
class ValidationRow:
    """One published number and its prediction, which does not use it."""

    id: str
    published: float
    predicted: float
    unit: str
    fold: str
    low: float | None = None
    high: float | None = None
    note: str = ""

    @classmethod
    def of(
        cls,
        *,
        id: str,  # noqa: A002 - the name of the field
        published: float,
        predicted: Quantity,
        unit: str,
        fold: str,
        note: str = "",
    ) -> Self:
        """The row of a prediction that has an interval."""
        return cls(
            id=id, published=published, predicted=predicted.mid, unit=unit, fold=fold, low=predicted.low,
            high=predicted.high, note=note,
        )  # fmt: skip

    @property
    def error(self) -> float:
        """Relative error of the prediction [1]."""
        return abs(self.predicted / self.published - 1.0)

    @property
    def factor(self) -> float:
        """The ratio of prediction to published number or its inverse, whichever is at least 1 [1]."""
        ratio = self.predicted / self.published
        return max(ratio, 1.0 / ratio)


@record
class ValidationReport:
    """All rows of a dataset, with its scores and baselines."""

    dataset: str
    rows: tuple[ValidationRow, ...]
    baselines: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    how: str = "predicted, out of sample"
    """What the second column is, for a plot; arithmetic predicts nothing."""

    @property
    def median_error(self) -> float:
        """Median relative error over the rows [1]."""
        return statistics.median(row.error for row in self.rows)

    @property
    def median_over_folds(self) -> float:
        """Main score: median over folds of the fold's median error [1], so that no large fold dominates."""
        folds: dict[str, list[float]] = {}
        for row in self.rows:
            folds.setdefault(row.fold, []).append(row.error)
        return statistics.median(statistics.median(errors) for errors in folds.values())

    @property
    def ninety_percent_factor(self) -> float:
        """The factor within which nine of ten rows lie [1]."""
        factors = sorted(row.factor for row in self.rows)
        return factors[math.ceil(0.9 * len(factors)) - 1]

    def within(self, factor: float) -> float:
        """Share of the rows within a factor of the published number [1]."""
        return sum(row.factor <= factor for row in self.rows) / len(self.rows)

    @property
    def coverage(self) -> float | None:
        """Share of the rows whose 90 % interval holds the published number [1]; None without intervals."""
        ranged = _ranged(self.rows)
        if not ranged:
            return None
        return sum(low <= row.published <= high for row, low, high in ranged) / len(ranged)

    @property
    def coverage_band(self) -> tuple[float, float] | None:
        """90 % range of the coverage expected for this number of rows, if each interval holds 90 % [1]."""
        count = len(_ranged(self.rows))
        return binomial_band(count) if count else None

    @property
    def interval_score(self) -> float | None:
        """Mean Winkler score of the 90 % intervals of the logarithm [1]; smaller is better.

        Gneiting and Raftery 2007, 10.1198/016214506000001437, equation 43.
        """
        ranged = _ranged(self.rows)
        if not ranged:
            return None
        penalty = 2.0 / (1.0 - COVERAGE)
        scores = []
        for row, low, high in ranged:
            bottom, top, truth = math.log(low), math.log(high), math.log(row.published)
            scores.append(top - bottom + penalty * (max(0.0, bottom - truth) + max(0.0, truth - top)))
        return statistics.fmean(scores)

    def to_json(self) -> dict[str, Any]:
        """The report as JSON values, unrounded."""
        return {
            **headed(SCHEMA),
            "dataset": self.dataset,
            "rows": [
                {name: getattr(row, name) for name in ValidationRow.__dataclass_fields__} for row in self.rows
            ],
            "median_error": self.median_error,
            "median_over_folds": self.median_over_folds,
            "ninety_percent_factor": self.ninety_percent_factor,
            "within_1_25": self.within(1.25),
            "within_1_5": self.within(1.5),
            "within_2": self.within(2.0),
            "coverage_90": self.coverage,
            "coverage_band": self.coverage_band,
            "interval_score": self.interval_score,
            "baselines": {name: dict(scores) for name, scores in self.baselines.items()},
            "notes": list(self.notes),
        }


def binomial_band(count: int) -> tuple[float, float]:
    """5th and 95th percentile of the share of ``count`` independent rows that 90 % intervals hold [1]."""
    ends = []
    for tail in (0.05, 0.95):
        below, hits = 0.0, -1
        while below < tail:
            hits += 1
            choices = math.lgamma(count + 1) - math.lgamma(hits + 1) - math.lgamma(count - hits + 1)
            below += math.exp(choices + hits * math.log(COVERAGE) + (count - hits) * math.log1p(-COVERAGE))
        ends.append(hits / count)
    return ends[0], ends[1]


def _ranged(rows: Sequence[ValidationRow]) -> list[tuple[ValidationRow, float, float]]:
    return [(row, row.low, row.high) for row in rows if row.low is not None and row.high is not None]
