"""The intervals of step times, from residuals of sources that the fit had not seen.

The residuals of a source family share a bias, so 300 rows of one family say little of the next one. The
half-width of an interval has two parts in quadrature: the biases of families, and the scatter of rows within
their family. The biases have a scale that no far source rules, drawn toward that of all regimes, because a
regime has few families, and the tails of Student's t. Forms that were compared: docs/decisions/widths.md.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from calibration.fit import FREEDOM, HUBER, Z90
from footprint.arithmetic import weighted_quantile

Entry = tuple[float, str]
"""The log of true over predicted time of a row, out of sample, and its family."""
WORTH = 3.0
"""The biases of all regimes count as those of so many families of the regime [1]."""
UNSEEN = 1.35
"""Factor on the half-width that biases give [1].

Facts and the search were changed in answer to each source that was read, so the biases at the first reading
of the drawn sources were larger than those of today."""
NORMAL = 0.7785
"""Mean of the squares of a standard normal variable, none of them above that of `HUBER` [1]."""
REPEATS = 200
"""Most repeats of the search for a scale."""
LEAST_ROWS = 8
"""Least number of rows in families of two or more; with fewer, the scatter of all regimes is used."""
POWER = 0.25
"""Exponent of the weights of residuals: a row of a family with n rows has weight n^-0.25."""
LEAST = 0.05
"""Least half-width, in logarithms [1]."""


def biases(entries: Iterable[Entry]) -> dict[str, float]:
    """The median residual of each family [1]."""
    found: dict[str, list[float]] = {}
    for residual, family in entries:
        found.setdefault(family, []).append(residual)
    return {family: statistics.median(residuals) for family, residuals in found.items()}


def root_mean_square(values: Sequence[float]) -> float:
    """Root mean square of some values, 0 where there are none [1]."""
    return math.sqrt(statistics.fmean(value**2 for value in values)) if values else 0.0


def huber(values: Sequence[float]) -> float:
    """Huber's scale about zero: the standard deviation, where no value counts as more than 1.5 of it [1].

    Reference: Huber and Ronchetti 2009, 10.1002/9780470434697, chapter 5.
    """
    scale = root_mean_square(values)
    for _ in range(REPEATS):
        held = root_mean_square([min(abs(value), HUBER * scale) for value in values])
        before, scale = scale, held / math.sqrt(NORMAL)
        if abs(scale - before) < 1e-9:
            break
    return scale


@dataclass(frozen=True, slots=True)
class Form:
    """How the half-width of an interval follows from the biases of families."""

    scale: Callable[[Sequence[float]], float] = huber
    freedom: float = FREEDOM
    """Degrees of freedom of Student's t [1]."""
    worth: float = WORTH
    unseen: float = UNSEEN


SHIPPED = Form()


def ends(
    entries: Sequence[Entry], everything: Sequence[Entry], *, form: Form = SHIPPED
) -> tuple[float, float]:
    """5th and 95th percentile of the log of true over predicted time for a source that was not seen [1].

    ``entries`` are the residuals of a regime, ``everything`` those of all regimes.
    """
    own, every = (list(biases(rows).values()) for rows in (entries, everything))
    scale = (len(own) * form.scale(own) + form.worth * form.scale(every)) / (len(own) + form.worth)
    of_family = student_95(form.freedom) * scale * form.unseen
    low, high = _scatter(entries) or _scatter(everything) or (0.0, 0.0)
    return -max(LEAST, math.hypot(of_family, low)), max(LEAST, math.hypot(of_family, high))


def _scatter(entries: Sequence[Entry]) -> tuple[float, float] | None:
    """5th and 95th percentile of the residuals about the bias of their family; None if too few tell."""
    bias, counts = biases(entries), _counts(entries)
    several = [(residual - bias[family], family) for residual, family in entries if counts[family] > 1]
    if len(several) < LEAST_ROWS:
        return None
    weighted = [(value, counts[family] ** -POWER) for value, family in several]
    return weighted_quantile(weighted, 0.05), weighted_quantile(weighted, 0.95)


def _counts(entries: Iterable[Entry]) -> Mapping[str, int]:
    found: dict[str, int] = {}
    for _, family in entries:
        found[family] = found.get(family, 0) + 1
    return found


def student_95(freedom: float) -> float:
    """95th percentile of Student's t [1] (Cornish and Fisher's expansion; 1 % high at 3, exact from 5 on)."""
    z = Z90
    first = (z**3 + z) / 4.0
    second = (5.0 * z**5 + 16.0 * z**3 + 3.0 * z) / 96.0
    third = (3.0 * z**7 + 19.0 * z**5 + 17.0 * z**3 - 15.0 * z) / 384.0
    return z + first / freedom + second / freedom**2 + third / freedom**3
