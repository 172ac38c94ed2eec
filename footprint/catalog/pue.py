"""What a data centre draws besides computing: PUE, and water on site and at power stations."""

from __future__ import annotations

import csv
import functools
from dataclasses import dataclass

from footprint.catalog.files import read_text, reference_folder
from footprint.results import Quantity

INDUSTRY = "industry"


@dataclass(frozen=True, slots=True, kw_only=True)
class PueFact:
    """PUE [1] and on-site water [L/kWh of IT energy] of a provider, region and year."""

    pue: Quantity
    wue_l_per_kwh: Quantity | None
    year: int
    provider: str
    region: str
    source: str
    basis: str
    warnings: tuple[str, ...] = ()


def find_pue(
    *, provider: str | None = None, region: str | None = None, year: int | None = None, cooling: str | None = None
) -> PueFact:
    """PUE [1] of the provider's region and year, else the industry average of the year."""
    rows = [row for row in _rows() if row["provider"] == provider and row["region"] == (region or "")]
    rows = rows or [row for row in _rows() if row["provider"] == INDUSTRY]
    target = 9999 if year is None else year
    row = min(rows, key=lambda r: (abs(int(r["year"]) - target), -int(r["year"])))
    pue = float(row["pue"])
    spread = 1.2 if row["provider"] == INDUSTRY else 1.05
    used = int(row["year"])
    warnings = (f"PUE of {used} used for {year}",) if year not in (None, used) else ()
    wue = row["wue_l_per_kwh"]
    return PueFact(
        pue=Quantity.between(1 + (pue - 1) / spread**2, pue, 1 + (pue - 1) * spread**2, "pue"),
        wue_l_per_kwh=Quantity.between(float(wue) / 1.5, float(wue), float(wue) * 1.5, "wue") if wue else None,
        year=used, provider=row["provider"], region=row["region"], source=row["source"], basis=row["basis"],
        warnings=warnings,
    )  # fmt: skip


@functools.cache
def _rows() -> list[dict[str, str]]:
    return list(csv.DictReader(read_text(reference_folder() / "pue.csv").splitlines()))
