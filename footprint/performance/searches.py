"""Searches for hyper-parameters: how many whole runs all their trials come to.

Successive halving begins many short trials, keeps the best one in ``eta`` and makes these ``eta`` times
longer, until the last ones are whole runs. Hyperband repeats that from several lengths (Li et al. 2018, JMLR
18(185), Algorithm 1).
"""

from __future__ import annotations

from collections.abc import Iterator
from math import floor, log
from typing import Any

from footprint.catalog.assumptions import assumed
from footprint.errors import FootprintError
from footprint.results import Assumption, Quantity
from footprint.results.decisions.search import Rung, Search

ETA = 3
SHORTEST = 1 / 81
"""The example of Li et al. 2018: eta = 3, R = 81."""
ROUNDING = 1e-3
"""A shortest trial of 0.0123 is one in 81; relative to one step of the logarithm [1]."""
MOST_RUNGS = 60
MEAN_FRACTION, SCHEDULE = "searches.mean_fraction", "searches.schedule"


def check_search(asked: Any) -> None:
    """FootprintError for what a search lacks, and for what it decides itself, by a request's fields."""
    if asked.search is None and (asked.keep_one_in is not None or asked.shortest_fraction is not None):
        raise FootprintError("`keep_one_in=` and `shortest_fraction=` need `search=` halving or hyperband")
    if asked.search is not None and asked.mean_fraction is not None:
        raise FootprintError("`search=` says how long its trials are: leave out `mean_fraction=`")
    if asked.search == "hyperband" and asked.trials is not None:
        raise FootprintError("`search=` hyperband says how many `trials=` it makes: leave them out")
    if asked.trials is None and asked.mean_fraction is not None:
        raise FootprintError("`mean_fraction=` is that of `trials=`: say how many there are, such as 60")


def search_of(request: Any) -> Search:
    """The search that a request asks for.

    Raises FootprintError for one with more rungs than any search has.
    """
    if request.search is None:
        trials = request.trials or 1
        mean = assumed(MEAN_FRACTION).quantity
        if request.mean_fraction is not None:
            mean = Quantity(request.mean_fraction)
        return Search(strategy="trials", trials=trials, whole_runs=mean * trials)
    eta, shortest = request.keep_one_in or ETA, request.shortest_fraction
    if request.search == "halving":
        # Without either number it is the widest bracket of Hyperband.
        steps = _steps(1 / (shortest or SHORTEST), eta)
        trials = request.trials or eta**steps
        if request.trials is not None:
            steps = min(_steps(float(trials), eta), steps if shortest is not None else MOST_RUNGS)
        rungs = least = halving(trials, steps, eta)
    else:
        steps = _steps(1 / (shortest or SHORTEST), eta)
        rungs = hyperband(steps, eta)
        least = hyperband(steps, eta, as_in_the_table=True)
    mid, low = whole_runs(rungs), min(whole_runs(rungs), whole_runs(least, resumed=True))
    begin = {rung.bracket: rung.trials for rung in reversed(rungs)}
    return Search(
        strategy=request.search,
        trials=sum(begin.values()),
        whole_runs=Quantity(mid) if low == mid else Quantity.between(low, mid, mid, SCHEDULE),
        rungs=rungs,
    )


def halving(trials: int, steps: int, eta: int, bracket: int = 0) -> tuple[Rung, ...]:
    """The rungs of successive halving from so many trials to whole runs."""
    return tuple(
        Rung(bracket=bracket, trials=trials // eta**rung, fraction=float(eta) ** (rung - steps))
        for rung in range(steps + 1)
        if trials >= eta**rung
    )


def hyperband(most: int, eta: int, *, as_in_the_table: bool = False) -> tuple[Rung, ...]:
    """The rungs of Hyperband, whose widest bracket has ``most`` steps of halving.

    Algorithm 1 of the paper rounds the trials of a bracket up; its Table 1 and the authors' first code round
    (most + 1) / (steps + 1) down, which makes fewer trials.
    """
    rungs: list[Rung] = []
    for steps in range(most, -1, -1):
        trials = -(-(most + 1) * eta**steps // (steps + 1))
        if as_in_the_table:
            trials = (most + 1) // (steps + 1) * eta**steps
        rungs += halving(trials, steps, eta, most - steps)
    return tuple(rungs)


def whole_runs(rungs: tuple[Rung, ...], *, resumed: bool = False) -> float:
    """How many whole runs the rungs come to; ``resumed``: a trial that is kept goes on where it stopped."""
    total = 0.0
    before: dict[int, float] = {}
    for rung in rungs:
        done = before.get(rung.bracket, 0.0) if resumed else 0.0
        total += rung.trials * (rung.fraction - done)
        before[rung.bracket] = rung.fraction
    return total


def search_rows(request: Any) -> Iterator[Assumption]:
    """What a search assumes."""
    if request.search is not None:
        yield Assumption(
            name="trials that a search keeps", value="begin anew", unit="", basis="assumed",
            source="li2018-hyperband", option="--mean-fraction",
        )  # fmt: skip
    elif request.mean_fraction is None:
        yield assumed(MEAN_FRACTION).row("--mean-fraction")


def _steps(ratio: float, eta: int) -> int:
    """How often a ratio can be divided by eta."""
    steps = floor(log(ratio) / log(eta) + ROUNDING)
    if steps > MOST_RUNGS:
        raise FootprintError(f"`shortest_fraction=` makes {steps} rungs; {MOST_RUNGS} are the most")
    return steps
