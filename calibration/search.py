"""The search for the constants of highest posterior density.

The logarithm of a step time is nearly linear in the logarithms of the constants. So the cases are
linearised about the current constants, the linear problem is solved (`Linear.solve`), and the case is
linearised again about its solution until the objective falls no further. The linear problem is convex:
a Huber loss with normal priors, solved by weighted least squares repeated.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from calibration.fit import (
    BIAS,
    FACTORS,
    HUBER,
    PHYSICS,
    SCATTER,
    Prepared,
    base_constants,
    folds,
    log_factors,
    log_sums,
    objective,
    priors,
    readers,
    stiffness,
)

Array = Any
STEP = 0.02
"""Half the difference of a logarithm over which a slope is taken [1]."""
REACH = 0.5
"""Largest change of the logarithm of a constant between two linearisations [1]."""
REPEATS = 60
"""Weighted least squares of one linear problem."""
ENOUGH = 1e-3
"""Decrease of the objective below which the search ends [1]."""
MOST = 12
"""Largest number of linearisations."""


@dataclass(frozen=True, slots=True)
class Linear:
    """The log residuals of some cases as linear functions of the logarithms of the constants."""

    names: tuple[str, ...]
    at: Array
    """Logarithms of the constants about which it is linear."""
    residuals: Array
    slopes: Array
    """One row for each case, one column for each constant."""
    weights: Array
    families: Array
    """One column for each source family, 1 where a case belongs to it."""

    def solve(self, kept: Array | None = None) -> dict[str, float]:
        """The constants with the least weighted Huber loss and prior, on the kept cases alone."""
        rows = slice(None) if kept is None else kept
        residuals, weights = self.residuals[rows], self.weights[rows]
        slopes = np.hstack([self.slopes[rows], -self.families[rows]])
        prior = [priors()[name] for name in self.names]
        biases = self.families.shape[1]
        middle = np.hstack([np.array([math.log(one.mid) for one in prior]) - self.at, np.zeros(biases)])
        stiff = np.hstack([np.array([one.sigma**-2 for one in prior]), np.full(biases, BIAS**-2)])
        move = np.zeros(len(stiff))
        for _ in range(REPEATS):
            apart = np.abs(residuals + slopes @ move) / SCATTER
            pull = weights / SCATTER**2 / np.maximum(1.0, apart / HUBER)
            stiff[-biases:] = stiffness(move[-biases:])
            left = (slopes.T * pull) @ slopes + np.diag(stiff)
            right = stiff * middle - (slopes.T * pull) @ residuals
            after = np.clip(np.linalg.solve(left, right), -REACH, REACH)
            moved, move = float(np.abs(after - move).max()), after
            if moved < 1e-7:
                break
        return {
            name: float(math.exp(one))
            for name, one in zip(self.names, self.at + move[: len(self.names)], strict=True)
        }


def linearised(prepared: Sequence[Prepared], values: Mapping[str, float]) -> Linear:
    """The cases as linear functions about these constants."""
    base = base_constants()
    names = (*FACTORS, *PHYSICS)
    constants = base.but(**values)
    families = sorted({item.case.family for item in prepared})
    affected = readers(prepared, constants)
    sums, factors = np.array(log_sums(prepared, constants)), np.array(log_factors(prepared, constants))
    slopes = np.zeros((len(prepared), len(names)))
    for column, name in enumerate(names):
        moved = [base.but(**{**values, name: values[name] * math.exp(sign * STEP)}) for sign in (1.0, -1.0)]
        if name in FACTORS:
            up, down = (np.array(log_factors(prepared, one)) for one in moved)
            slopes[:, column] = (up - down) / (2 * STEP)
        places = affected.get(name, [])
        if places:
            some = [prepared[place] for place in places]
            up, down = (np.array(log_sums(some, one)) for one in moved)
            slopes[places, column] += (up - down) / (2 * STEP)
    return Linear(
        names, np.array([math.log(values[name]) for name in names]), sums + factors, slopes,
        np.array([item.weight for item in prepared]),
        np.array([[item.case.family == one for one in families] for item in prepared], float),
    )  # fmt: skip


def fit(
    prepared: Sequence[Prepared],
    *,
    start: Mapping[str, float] | None = None,
    most: int = MOST,
) -> tuple[dict[str, float], Linear]:
    """The constants with the highest posterior density, and the cases linearised about them."""
    base = base_constants()
    values = {name: priors()[name].mid for name in (*FACTORS, *PHYSICS)} | dict(start or {})

    def cost(trial: Mapping[str, float]) -> float:
        return objective(prepared, trial, log_sums(prepared, base.but(**trial)))

    best = cost(values)
    linear = linearised(prepared, values)
    for _ in range(most):
        target, share = linear.solve(), 1.0
        before = best
        while share > 0.1:
            trial = {name: values[name] * (target[name] / values[name]) ** share for name in values}
            after = cost(trial)
            if after < best:
                values, best = trial, after
                break
            share *= 0.5
        if best < before:
            linear = linearised(prepared, values)
        if before - best < ENOUGH:
            break
    return values, linear


def fold_values(prepared: Sequence[Prepared], linear: Linear, by: str) -> dict[str, dict[str, float]]:
    """Fold -> constants fitted without it; ``by`` is ``family``, ``publisher``, ``generation``, ...

    The cases stay linear about the constants of all rows: the constants of a fold are near them.
    """
    return {
        name: linear.solve(np.array([getattr(item.case, by) != name for item in prepared]))
        for name in folds(prepared, by)
    }
