"""Energy over time from several readers of the same thing, none of it counted twice.

A series is what one journal says about one component or device: cumulative energy [kWh] at
moments of the machine's own clock [s]. Two series of the same component that overlap in time
are two readings of one interval, so the interval counts once.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise

Series = Sequence[tuple[float, float]]
"""(moment [s], cumulative value), moments rising."""


def value_at(series: Series, moment: float) -> float:
    """The cumulative value at a moment, linear between readings, constant outside."""
    index = bisect_left(series, (moment,))
    if index == 0:
        return series[0][1]
    if index == len(series):
        return series[-1][1]
    (t0, v0), (t1, v1) = series[index - 1], series[index]
    return v0 + (v1 - v0) * (moment - t0) / (t1 - t0) if t1 > t0 else v1


def gain(series: Series, start: float, end: float) -> float:
    """What a cumulative series gained between two moments."""
    return value_at(series, end) - value_at(series, start)


def overlap_s(one: Series, other: Series) -> float:
    """Seconds that both series cover."""
    return max(0.0, min(one[-1][0], other[-1][0]) - max(one[0][0], other[0][0]))


def union_kwh(group: Sequence[Series]) -> float:
    """Energy of one component from all its readers; where they overlap, the highest reading [kWh]."""
    group = [series for series in group if len(series) > 1]
    ordered = sorted(group, key=lambda series: series[0][0])
    clear = all(a[-1][0] <= b[0][0] for a, b in pairwise(ordered))
    if clear:
        return sum(series[-1][1] - series[0][1] for series in ordered)
    moments = sorted({moment for series in ordered for moment, _ in series})
    total = 0.0
    for start, end in pairwise(moments):
        covering = [series for series in ordered if series[0][0] <= start and series[-1][0] >= end]
        if covering:
            total += max(gain(series, start, end) for series in covering)
    return total


def own_share_kwh(energy: Series, own_cpu_s: Series, others_cpu_s: Sequence[Series]) -> tuple[float, float]:
    """The part of a shared component's energy that is this run's, and the seconds it was shared.

    While other runs are on the node, its processor's and memory's energy is divided by the
    processor time that each run used; alone, a run has all of it. The division is made for each
    stretch with the same runs present, so that all runs divide alike and their parts add up.
    """
    moments = {energy[0][0], energy[-1][0]}
    for series in others_cpu_s:
        if len(series) > 1:
            moments |= {series[0][0], series[-1][0]}
    first, last = energy[0][0], energy[-1][0]
    inside = sorted(moment for moment in moments if first <= moment <= last)
    own_kwh = shared_s = 0.0
    for start, end in pairwise(inside):
        step = gain(energy, start, end)
        present = [s for s in others_cpu_s if len(s) > 1 and s[0][0] <= start and s[-1][0] >= end]
        if not present:
            own_kwh += step
            continue
        shared_s += end - start
        own = gain(own_cpu_s, start, end) if len(own_cpu_s) > 1 else 0.0
        every = own + sum(gain(series, start, end) for series in present)
        own_kwh += step * (own / every if every > 0 else 1.0 / (1 + len(present)))
    return own_kwh, shared_s
