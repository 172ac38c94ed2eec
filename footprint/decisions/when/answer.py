"""When to train: a run in the cleanest window of a series, and with pauses, beside one at once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from math import log
from pathlib import Path
from typing import Any

from footprint import equations
from footprint.decisions.causes import perturbed
from footprint.decisions.comparison import Answered, answered, said_of_the_run
from footprint.decisions.when.record import Timing, TimingRow
from footprint.decisions.when.schedule import Piece, Schedule, Windows, with_pauses
from footprint.decisions.when.series import MONTHLY, Series, monthly_series, read_series
from footprint.errors import FootprintError, UnknownNameError
from footprint.estimator.resolve.shared import Shared
from footprint.parsing import parse_duration_h
from footprint.records import replace
from footprint.results import Quantity

LENGTH = "when.length"
"""The cause that a run of another length has other hours."""
FIRST, ANY = "at once", "mean of all"
"""The first row, against which the others save."""
GIVEN_BY_THE_SERIES = ("grid_g_per_kwh", "year")


def best_times(
    *,
    when: str | Path,
    deadline: str | float | None = None,
    resume_hours: float | None = None,
    **fields: Any,
) -> Timing:
    """A run in the cleanest window of a series, beside one that begins with its first value.

    ``when`` is a CSV with the columns ``time,g_per_kwh``, or ``"monthly"`` for the shipped means of
    months at ``region``. ``deadline`` is a time, or hours after the first value; ``resume_hours``, from 0
    on, is what resuming costs, and asks for pausing. The other fields are those of `footprint.estimate`.

    Raises
    ------
    FootprintError
        For a series with a gap, a place without months, and a run that is longer than the series.
    """
    for name in GIVEN_BY_THE_SERIES:
        if fields.get(name) is not None:
            raise FootprintError(f"`{name}=` contradicts `when=`, whose series says it: leave it out")
    if resume_hours is not None and not 0 <= resume_hours <= 1e4:
        raise FootprintError(f"`resume_hours=` must be from 0 to 10,000, not {resume_hours:g}")
    series = _series(when, fields.get("region"), deadline)
    windows = Windows(series.hours, series.g_per_kwh)
    mean = windows.at(0, windows.whole_h) or 0.0
    run = answered({**fields, "grid_g_per_kwh": mean / windows.whole_h}, Shared())
    if run.facts is None or not (run.fits or run.facts.request.force):
        raise FootprintError(run.reason)
    hours = run.whole["duration_h"]
    every = windows.all_of(hours.mid)
    if not every:
        raise FootprintError(
            f"the run takes {hours.mid:.4g} h, and the series until the deadline has {windows.whole_h:.4g} h"
        )
    found = list(_rows(series, windows, every, run, monthly=when == MONTHLY))
    warnings = list(run.prediction.warnings if run.prediction is not None else ())
    warnings.extend(said_of_the_run(run))
    if when == MONTHLY:
        warnings.append("means of past months: the weather of another year moves them")
    if hours.high > windows.whole_h:
        warnings.append("at the high end of its interval the run is longer than the series")
    if resume_hours is not None:
        found.append(_paused(series, windows, run, resume_hours))
    return Timing(
        series=series.name,
        begin=series.times[0].isoformat(),
        end=_at(series, len(series.times) - 1, series.hours[-1]),
        scenario=dict(run.scenario),
        rows=tuple(_against(row, found[0]) for row in found),
        warnings=tuple(dict.fromkeys(warnings)),
    )


def _series(when: str | Path, region: str | None, deadline: str | float | None) -> Series:
    if when == MONTHLY:
        if region is None:
            raise FootprintError("`region=` is missing: `when=` monthly has the months of a place")
        try:
            series = monthly_series(region)
        except UnknownNameError as error:
            raise error.with_hint("footprint regions search finds names") from None
    elif not Path(when).suffix and not Path(when).exists():
        raise FootprintError(f"`when=` takes monthly or a CSV, and there is no file {str(when)!r}")
    else:
        series = read_series(Path(when))
    if deadline is None:
        return series
    last = _deadline(series, deadline)
    kept = [n for n, time in enumerate(series.times) if time + timedelta(hours=series.hours[n]) <= last]
    if not kept:
        raise FootprintError(f"`deadline=` {deadline} is before the end of the first value of the series")
    many = len(kept)
    return replace(
        series, times=series.times[:many], hours=series.hours[:many], g_per_kwh=series.g_per_kwh[:many]
    )


def _deadline(series: Series, deadline: str | float) -> datetime:
    first = series.times[0]
    if isinstance(deadline, str):
        try:
            time = datetime.fromisoformat(deadline.strip())
        except ValueError:
            deadline = parse_duration_h(deadline, "`deadline=`")
        else:
            if first.tzinfo is None or time.tzinfo is None:
                return time.replace(tzinfo=first.tzinfo)
            return time
    try:
        return first + timedelta(hours=deadline)
    except (OverflowError, ValueError):  # NaN is no value
        raise FootprintError(f"`deadline=` {deadline} is too far away, or no time") from None


def _rows(
    series: Series, windows: Windows, every: list[float], run: Answered, *, monthly: bool
) -> Iterator[TimingRow]:
    """The run at once, in the cleanest window and in the worst; by months, in each, the cleanest first."""
    least, most = every.index(min(every)), every.index(max(every))
    if not monthly:
        yield _window(FIRST, series, windows, run, 0)
        yield _window("best window", series, windows, run, least)
        yield _window("worst window", series, windows, run, most)
        return
    hours = run.whole["duration_h"].mid
    mean = (windows.at(0, windows.whole_h) or 0.0) / windows.whole_h
    whole = Schedule(pieces=(Piece(begin=0, hours=hours),), g_h=mean * hours)
    yield replace(_row(ANY, series, run, whole, mean, mean), end=_at(series, 0, windows.whole_h))
    for begin in sorted(range(len(every)), key=every.__getitem__):
        yield _window(f"in {series.times[begin]:%Y-%m}", series, windows, run, begin)


def _window(name: str, series: Series, windows: Windows, run: Answered, begin: int) -> TimingRow:
    hours = run.whole["duration_h"]

    def mean(length: float) -> float:
        rest = windows.whole_h - sum(series.hours[:begin])
        length = min(length, rest)
        return (windows.at(begin, length) or 0.0) / length

    schedule = Schedule(pieces=(Piece(begin=begin, hours=hours.mid),), g_h=mean(hours.mid) * hours.mid)
    return _row(name, series, run, schedule, mean(hours.low), mean(hours.high))


def _paused(series: Series, windows: Windows, run: Answered, resume_hours: float) -> TimingRow:
    """The run in the cleanest hours; at another length, in those of that length."""
    if len(set(series.hours)) > 1:
        raise FootprintError("`resume_hours=` pauses between hours, not months: give a CSV as `when=`")
    hours = run.whole["duration_h"]

    def planned(length: float) -> Schedule:
        return with_pauses(series.g_per_kwh, series.step_h, length, resume_hours)

    schedule = planned(hours.mid)
    if hours.low == hours.high:
        return _row("with pauses", series, run, schedule, schedule.g_per_kwh, schedule.g_per_kwh)
    ends = [planned(min(end, windows.whole_h)).g_per_kwh for end in hours.bounds]
    return _row("with pauses", series, run, schedule, *ends)


def _row(
    name: str, series: Series, run: Answered, schedule: Schedule, at_low: float, at_high: float
) -> TimingRow:
    mid = schedule.g_per_kwh
    ends = (at_low, mid, at_high)
    spread = (
        {}
        if min(ends) <= 0 or at_low == at_high == mid
        else {LENGTH: (log(at_low / mid), log(at_high / mid))}
    )
    longer = schedule.hours / run.whole["duration_h"].mid
    g_per_kwh, energy = Quantity(mid, spread), run.whole["energy_kwh"] * longer
    cost = run.whole.get("cost_usd")
    last = schedule.pieces[-1]
    return TimingRow(
        name=name,
        begin=series.times[schedule.pieces[0].begin].isoformat(),
        end=_at(series, last.begin, last.hours),
        duration_h=run.whole["duration_h"] * longer,
        pauses=len(schedule.pieces) - 1,
        pieces=tuple((series.times[piece.begin].isoformat(), piece.hours) for piece in schedule.pieces),
        g_per_kwh=g_per_kwh,
        energy_kwh=energy,
        co2e_kg=equations.co2e_kg(energy, g_per_kwh),
        cost_usd=None if cost is None else cost * longer,
    )


def _at(series: Series, begin: int, hours: float) -> str:
    """The time so many hours after the begin of a value."""
    return (series.times[begin] + timedelta(hours=hours)).isoformat(timespec="minutes")


def _against(row: TimingRow, first: TimingRow) -> TimingRow:
    """The row with what it saves against the run that begins at once."""
    saved = perturbed(lambda own, other: other - own, row.co2e_kg, first.co2e_kg) or (0.0, 0.0, 0.0)
    verdict = "lower" if saved[0] > 0 else "higher" if saved[2] < 0 else "not_clear"
    return replace(row, saved_kg=saved, verdict=verdict)
