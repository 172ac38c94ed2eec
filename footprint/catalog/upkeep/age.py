"""Today, how old prices and factors are, and for how long their kind usually stays true.

The limits stand in one table, ``reference_data/assumptions/ages.toml``, each with its reason. A month counts
from the day of the figure; a date known to the year or month counts as its first day, and the factor of a
year from the year's end. ``FOOTPRINT_TODAY`` sets today for tests and for answers that must not change.
"""

from __future__ import annotations

import os
from time import gmtime, strftime

from footprint.catalog.assumptions import assumed
from footprint.errors import FootprintError

VARIABLE = "FOOTPRINT_TODAY"
MONTHS_PER_YEAR = 12


def today() -> str:
    """The day in UTC, ISO 8601.

    Raises FootprintError if ``FOOTPRINT_TODAY`` is no day.
    """
    given = os.environ.get(VARIABLE)
    if not given:
        return strftime("%Y-%m-%d", gmtime())
    parts = given.split("-")
    numbers = [int(part) if part.isascii() and part.isdigit() else 0 for part in parts]
    if (
        [len(part) for part in parts] == [4, 2, 2]
        and numbers[0]
        and 1 <= numbers[1] <= 12
        and 1 <= numbers[2] <= 31
    ):
        return given
    raise FootprintError(f"{VARIABLE}={given[:40]}: give a day such as 2026-01-31")


def age_months(dated: str, today: str) -> int:
    """Whole months from an ISO 8601 day, month or year to a day; 0 for a later one."""
    then, now = (_parts(text) for text in (dated, today))
    months = MONTHS_PER_YEAR * (now[0] - then[0]) + now[1] - then[1] - (now[2] < then[2])
    return max(0, months)


def _parts(text: str) -> tuple[int, int, int]:
    year, month, day = [*text.split("-"), "1", "1"][:3]
    return int(year), int(month), int(day)


def too_old(kind: str, what: str, dated: str, today: str) -> str:
    """A warning if a figure is older than its kind usually stays true; empty if it is not."""
    months, limit = age_months(dated, today), assumed(f"ages.{kind}").value
    if months <= limit:
        return ""
    return (
        f"{what} is {months} months old; such figures usually stay true for {limit:g} months (docs/ages.md)"
    )


def end_of(year: int) -> str:
    """The last day of a year, from which the age of its factor counts."""
    return f"{year:04d}-12-31"
