"""Today, which ``FOOTPRINT_TODAY`` sets for tests and for answers that must not change."""

from __future__ import annotations

import os
from time import gmtime, strftime

from footprint.errors import FootprintError

VARIABLE = "FOOTPRINT_TODAY"


def today() -> str:
    """The day in UTC, ISO 8601.

    Raises FootprintError if ``FOOTPRINT_TODAY`` is no day.
    """
    given = os.environ.get(VARIABLE)
    if not given:
        return strftime("%Y-%m-%d", gmtime())
    parts = given.split("-")
    numbers = [int(part) if part.isascii() and part.isdigit() else 0 for part in parts]
    if [len(part) for part in parts] == [4, 2, 2] and 1 <= numbers[1] <= 12 and 1 <= numbers[2] <= 31:
        return given
    raise FootprintError(f"{VARIABLE}={given[:40]}: give a day such as 2026-01-31")
