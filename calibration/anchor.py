"""Fits the constants of ``footprint anchor`` by a grid search."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Sequence

import numpy as np

from calibration.time_model import Fitted
from footprint.arithmetic import weighted_quantile
from footprint.performance.anchoring import NEAR
from footprint.validation.published.anchored import SAME, Pair, pairs

SHARES = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
SCALES = (1.0, 2.0, 4.0, 8.0)


def fit_anchoring() -> list[Fitted]:
    """Share and scales with the smallest mean absolute log error, and the remaining residuals."""
    chosen = [pair for pair in pairs() if pair.how == SAME]
    weights = _weights(chosen)
    apart = [pair.apart() for pair in chosen]
    best: tuple[float, tuple[float, float, float]] = (math.inf, (0.0, 1.0, 1.0))
    weight, truth, shift = (
        np.array(column)
        for column in (weights, [pair.truth for pair in chosen], [pair.shift for pair in chosen])
    )
    lengths, sizes = np.array(apart).T
    for share, length, size in itertools.product(SHARES, SCALES, SCALES):
        carried = share * np.exp(-lengths / length - sizes / size) * shift
        loss = float(np.sum(weight * np.abs(truth - carried)))
        best = min(best, (loss, (share, length, size)))
    share, length, size = best[1]
    stacks = {pair.target.case.stack for pair in chosen}
    note = f"{len({pair.target.case.id for pair in chosen})} rows of {len(stacks)} stacks"
    rows = [
        Fitted("share", share, min(SHARES), max(SHARES), note),
        Fitted("length_scale", length, min(SCALES), max(SCALES), note),
        Fitted("size_scale", size, min(SCALES), max(SCALES), note),
    ]
    taken = [share * math.exp(-a / length - b / size) for a, b in apart]
    for name, inside in (("near", True), ("far", False)):
        entries = [
            (p.truth - t * p.shift, w)
            for p, t, w in zip(chosen, taken, weights, strict=True)
            if (t >= NEAR) == inside
        ]
        low, high = (weighted_quantile(entries, q) for q in (0.05, 0.95))
        rows.append(Fitted(f"residual_{name}", 1.0, math.exp(low), math.exp(high), f"{len(entries)} pairs"))
    return rows


def _weights(chosen: Sequence[Pair]) -> list[float]:
    """Weights of the pairs; those of one target sum to 1."""
    offered = Counter(pair.target.case.id for pair in chosen)
    return [1.0 / offered[pair.target.case.id] for pair in chosen]


def render(rows: Sequence[Fitted]) -> str:
    """The fitted numbers as the text of their file."""
    lines = [
        "# Written by `python -m calibration --write`; never by hand.",
        "# share, scales: how much of a measurement's deviation carries over; residual_*: what stays, 90 %.",
    ]
    for row in rows:
        lines += [
            "", f"[{row.name}]", f"value = {row.value:.6g}", f"low = {row.low:.6g}", f"high = {row.high:.6g}",
            'unit = "1"', 'basis = "fitted"', 'source = "published-throughput"', f'note = "{row.note}"',
        ]  # fmt: skip
    return "\n".join(lines) + "\n"
