"""A series of carbon intensities: a user's CSV (``time,g_per_kwh``), or the shipped means of months."""

from __future__ import annotations

import csv
from calendar import monthrange
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import isfinite
from pathlib import Path

from footprint.catalog.files import read_text
from footprint.catalog.places.names import resolve as place_key
from footprint.catalog.places.tables import rows_of, table
from footprint.errors import DataFileError, FootprintError, MissingFactError
from footprint.records import record
from footprint.units import SECONDS_PER_HOUR

MONTHLY = "monthly"
COLUMNS = ("time", "g_per_kwh")
MOST_ROWS = 300_000
MOST_G_PER_KWH = 5000.0
"""As the option ``grid_g_per_kwh=`` takes; more is a slip of the unit."""
LONGEST_STEP_H, SHORTEST_STEP_H = 24.0, 1 / 60
_EXAMPLE = "2026-01-31T13:00Z,41.5"


@record
class Series:
    """Intensities over time without gaps."""

    name: str
    """The file, or the place of the months."""
    times: tuple[datetime, ...]
    """When each value begins."""
    hours: tuple[float, ...]
    """How long each value holds."""
    g_per_kwh: tuple[float, ...]

    @property
    def step_h(self) -> float:
        """Length of a value, where all are of one length."""
        return self.hours[0]


def read_series(path: Path) -> Series:
    """The series of a CSV whose values follow one another at one distance, such as an hour.

    Raises DataFileError, which names the line: a gap, times out of order or twice, a time that is none, a
    value that is no number from 0 to 5000.
    """
    lines = list(csv.reader(read_text(path).splitlines()))
    if not lines or [cell.strip() for cell in lines[0]][:2] != list(COLUMNS):
        raise DataFileError(
            f"{path}: line 1 must be {','.join(COLUMNS)}, and each line after it such as {_EXAMPLE}"
        )
    if len(lines) > MOST_ROWS:
        raise DataFileError(f"{path}: {len(lines):,} lines are more than {MOST_ROWS:,}")
    times: list[datetime] = []
    values: list[float] = []
    for number, cells in enumerate(lines[1:], 2):
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) < len(COLUMNS):
            raise DataFileError(f"{path}: line {number} has {len(cells)} cell, not a time and a number")
        where = f"{path}: line {number}"
        times.append(_time(cells[0], where))
        values.append(_value(cells[1], where))
        _follows(times, where)
    if len(times) < 2:
        raise DataFileError(f"{path}: a series has at least two lines of values")
    step_h = (times[1] - times[0]).total_seconds() / SECONDS_PER_HOUR
    if not SHORTEST_STEP_H <= step_h <= LONGEST_STEP_H:
        raise DataFileError(f"{path}: line 3 is {step_h:g} h after line 2: values hold a minute to a day")
    return Series(name=str(path), times=tuple(times), hours=(step_h,) * len(times), g_per_kwh=tuple(values))


def _time(text: str, where: str) -> datetime:
    text = text.strip()
    try:
        time = datetime.fromisoformat(text)
        return time.astimezone(UTC) if time.tzinfo is not None else time
    except (ValueError, OverflowError):
        raise DataFileError(f"{where}: {text!r:.60} is no time such as 2026-01-31T13:00Z") from None


def _value(text: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise DataFileError(f"{where}: {text.strip()!r:.60} is no number of gCO2e/kWh") from None
    if not isfinite(value) or not 0 <= value <= MOST_G_PER_KWH:
        raise DataFileError(f"{where}: {text.strip():.60} is not from 0 to {MOST_G_PER_KWH:g} gCO2e/kWh")
    return value


def _follows(times: Sequence[datetime], where: str) -> None:
    """DataFileError unless the last time is one step after the one before."""
    if len(times) < 2:
        return
    before, last = times[-2:]
    if (before.tzinfo is None) != (last.tzinfo is None):
        raise DataFileError(f"{where}: a time zone is given in some lines and not in others")
    hint = "" if last.tzinfo is not None else " (where clocks change, write UTC: 2026-01-31T13:00Z)"
    if last == before:
        raise DataFileError(f"{where}: {last.isoformat()} is there twice{hint}")
    if last < before:
        raise DataFileError(f"{where}: {last.isoformat()} is before the line above{hint}")
    if len(times) > 2 and last - before != times[1] - times[0]:
        gap = (last - before) / timedelta(hours=1)
        step = (times[1] - times[0]) / timedelta(hours=1)
        raise DataFileError(f"{where}: {gap:g} h after the line above, where others are {step:g} h{hint}")


def monthly_series(place: str) -> Series:
    """The shipped means of the months of a place, the newest twelve.

    Raises FootprintError for a place without them, and names those that have them.
    """
    key = place_key(place)
    rows = rows_of("grid_monthly.csv", key)[-12:]
    if not rows:
        known = sorted({row["key"] for row in table("grid_monthly.csv")})
        raise MissingFactError(
            f"no monthly intensities of {place!r} are shipped, only of {', '.join(known)}: "
            "give a CSV of your own with `when=hours.csv`"
        )
    begins = [datetime.strptime(row["month"], "%Y-%m").replace(tzinfo=UTC) for row in rows]
    if any((b.year - a.year) * 12 + b.month - a.month != 1 for a, b in pairwise(begins)):
        raise FootprintError(f"the months of {key} have gaps")
    return Series(
        name=f"{key}, means of months, {rows[0]['month']} to {rows[-1]['month']}",
        times=tuple(begins),
        hours=tuple(24.0 * monthrange(begin.year, begin.month)[1] for begin in begins),
        g_per_kwh=tuple(float(row["g_per_kwh"]) for row in rows),
    )
