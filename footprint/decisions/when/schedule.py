"""The cleanest schedules of a run: one window, or hours between which it pauses.

A run starts and stops at the times of the series and ends when its work is done. Resuming after a pause takes
a fixed time without progress, at the run's power.
"""

from __future__ import annotations

import operator
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from math import ceil, inf

from footprint.errors import FootprintError
from footprint.records import record

MOST_STATES = 2_000_000
"""Of the search for pauses: some seconds."""
PARTS = 60
"""Most parts of a step in which the time of resuming is counted; other times are rounded up to a part."""
ROUNDING = 1e-9
GOES_ON, RESUMES, FIRST = 0, 1, 2
"""How a step at work begins."""


@record
class Piece:
    """Hours without a pause: where they begin in the series, and how long they last."""

    begin: int
    hours: float


@record
class Schedule:
    """When a run works."""

    pieces: tuple[Piece, ...]
    g_h: float
    """Intensity summed over its hours [g/kWh x h]."""

    @property
    def hours(self) -> float:
        """Hours of work, those of resuming included."""
        return sum(piece.hours for piece in self.pieces)

    @property
    def g_per_kwh(self) -> float:
        """Mean intensity over its hours."""
        return self.g_h / self.hours


class Windows:
    """Intensity of any window of a series, by its running sums."""

    def __init__(self, hours: Sequence[float], g_per_kwh: Sequence[float]) -> None:
        self._hours, self._values = hours, g_per_kwh
        self._ends = [0.0, *accumulate(hours)]
        self._sums = [0.0, *accumulate(h * g for h, g in zip(hours, g_per_kwh, strict=True))]

    @property
    def whole_h(self) -> float:
        """Length of the series."""
        return self._ends[-1]

    def at(self, begin: int, hours: float) -> float | None:
        """Intensity summed over a window [g/kWh x h]; None where it ends after the series."""
        end_h = self._ends[begin] + hours
        if end_h > self.whole_h * (1 + ROUNDING):
            return None
        last = min(bisect_right(self._ends, end_h) - 1, len(self._hours) - 1)
        return self._sums[last] + (end_h - self._ends[last]) * self._values[last] - self._sums[begin]

    def all_of(self, hours: float) -> list[float]:
        """That of every window of a length, by its begin."""
        found = []
        for begin in range(len(self._hours)):
            summed = self.at(begin, hours)
            if summed is None:
                break
            found.append(summed)
        return found


def with_pauses(g_per_kwh: Sequence[float], step_h: float, hours: float, resume_h: float) -> Schedule:
    """The schedule with the least intensity that does so many hours of work within the series.

    A state is an amount of work done after a step, with the run at work or paused; the least sum of each is
    kept. Raises FootprintError where there are more states than can be searched, or the series ends first.
    """
    parts = next((n for n in range(1, PARTS) if _is_whole(resume_h * n / step_h)), PARTS)
    unit_h = step_h / parts
    lost = ceil(resume_h / unit_h - ROUNDING)  # units without progress after a pause
    wanted = hours / unit_h
    size = ceil(wanted - ROUNDING) + lost  # place n of a list is n - lost units of work done
    if len(g_per_kwh) * size > MOST_STATES:
        raise FootprintError(
            "the series is too long to search for pauses: set `deadline=` nearer, or give `resume_hours=` in "
            "whole steps of the series"
        )
    working, paused = [inf] * size, [inf] * size
    traces: list[tuple[bytearray, bytearray]] = []
    best, end = inf, (0, 0, FIRST)
    for number, g in enumerate(g_per_kwh):
        value = g * step_h
        for how, states, more in ((GOES_ON, working, 0), (RESUMES, paused, lost)):
            for place in range(max(0, size - parts), size):
                share = (wanted - (place - lost) + more) / parts  # of this step, until the work is done
                if share <= 1 + ROUNDING and states[place] + share * value < best:
                    best, end = states[place] + share * value, (number, place, how)
        if wanted <= parts * (1 + ROUNDING) and wanted / parts * value < best:
            best, end = wanted / parts * value, (number, lost, FIRST)
        went_on, resumed = _moved(working, parts), _moved(paused, parts - lost)
        hows = bytearray(map(operator.lt, resumed, went_on))  # 1 is RESUMES
        traces.append((hows, bytearray(map(operator.le, working, paused))))
        paused = list(map(min, working, paused))
        working = [least + value for least in map(min, went_on, resumed)]
        if lost + parts < size and value < working[lost + parts]:
            working[lost + parts], hows[lost + parts] = value, FIRST
    if best == inf:
        raise FootprintError("the series ends before the work is done")
    number, place, how = end
    last_h = (wanted - (place - lost) + (lost if how == RESUMES else 0)) * unit_h
    return _pieces(_steps(end, traces, parts, lost), step_h, last_h, best)


def _moved(states: Sequence[float], places: int) -> list[float]:
    """The states with so many places more of work done, or less."""
    size = len(states)
    if places >= size:
        return [inf] * size
    return (
        [inf] * places + list(states[: size - places])
        if places >= 0
        else [*states[-places:], *[inf] * -places][:size]
    )


def _steps(
    end: tuple[int, int, int], traces: Sequence[tuple[bytearray, bytearray]], parts: int, lost: int
) -> list[int]:
    """The steps at work that lead to an end, traced back from the last one."""
    number, place, how = end
    steps = [number]
    while how != FIRST:
        if how == RESUMES:
            place_before = place
            number -= 1
            while not traces[number][1][place_before]:
                number -= 1
        number -= 1
        steps.append(number)
        came = traces[number][0][place]
        place -= parts - (lost if came == RESUMES else 0)
        how = came
    return steps[::-1]


def _pieces(steps: Sequence[int], step_h: float, left_h: float, g_h: float) -> Schedule:
    """Steps that follow one another as one piece; the last step is used in part."""
    pieces: list[list[int]] = []
    for step in steps:
        if pieces and pieces[-1][-1] == step - 1:
            pieces[-1].append(step)
        else:
            pieces.append([step])
    lengths = [len(piece) * step_h for piece in pieces]
    lengths[-1] += left_h - step_h
    return Schedule(
        pieces=tuple(Piece(begin=piece[0], hours=h) for piece, h in zip(pieces, lengths, strict=True)),
        g_h=g_h,
    )


def _is_whole(value: float) -> bool:
    return abs(value - round(value)) < ROUNDING * max(1.0, value)
