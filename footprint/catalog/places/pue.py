"""PUE of data centres, and the water that they use on site.

PUE is facility energy over IT energy. WUE is the water evaporated or withdrawn on site, in litres per
kWh of **IT** energy (ISO/IEC 30134-9).
"""

from __future__ import annotations

from footprint.arithmetic import Z90, exp
from footprint.catalog.assumptions import assumed
from footprint.catalog.places.find import check_year
from footprint.catalog.places.tables import cloud_regions, rows_of
from footprint.errors import DataFileError
from footprint.records import record
from footprint.results import Quantity

INDUSTRY = "industry"
_NEWEST = 9999
_CANONICAL = {"amazon": "aws", "google": "gcp", "microsoft": "azure", "ovhcloud": "ovh"}


@record
class PueFact:
    """PUE [1] and on-site water [L/kWh of IT energy] of a provider, region and year."""

    pue: Quantity
    wue_l_per_kwh: Quantity | None
    year: int
    provider: str
    region: str
    """Region or geography; empty for the provider's fleet and for the industry."""
    source: str
    basis: str
    warnings: tuple[str, ...] = ()
    wue_year: int | None = None
    wue_source: str = ""
    note: str = ""


def find_pue(*, provider: str | None = None, region: str | None = None, year: int | None = None) -> PueFact:
    """PUE [1] and WUE [L/kWh of IT energy] of the provider's region, for the year nearest to ``year``.

    The figure of the region is preferred, then that of its geography, then that of the provider's fleet.
    If the provider publishes none, the result is the industry average (Uptime Institute's survey) with
    the spread of sites. ``region`` may be ``aws:us-east-1`` or ``us-east-1``; places that are no cloud
    regions are ignored.

    Raises:
        FootprintError: an impossible year.
    """
    check_year(year)
    maker, name = _named(provider, region)
    warnings = []
    if maker and not rows_of("pue.csv", maker):
        warnings.append(f"no PUE of {maker} is published: the industry average is used")
        maker = None
    row = _nearest(maker or INDUSTRY, _levels(maker, name), "pue", year)
    if row is None:
        raise DataFileError(f"pue.csv: no row of the whole fleet of {maker or INDUSTRY}")
    used = int(row["year"])
    where = _where(row)
    if year is not None and used != year:
        warnings.append(f"no PUE of {where} for {year}: that of {used}, the nearest year, is used")
    water = _nearest(maker, _levels(maker, name), "wue_l_per_kwh", year) if maker else None
    return PueFact(
        pue=_pue_quantity(float(row["pue"]), row["scope"]),
        wue_l_per_kwh=_wue_quantity(water) if water else None,
        year=used,
        provider=row["provider"],
        region=row["region"],
        source=row["source"],
        basis=row["basis"],
        warnings=tuple(warnings),
        wue_year=int(water["year"]) if water else None,
        wue_source=water["source"] if water else "",
        note=row["note"],
    )


def _named(provider: str | None, region: str | None) -> tuple[str | None, str]:
    """Canonical provider and bare region; a bare region gets its provider if only one has that region."""
    given, _, name = region.strip().lower().rpartition(":") if region else ("", "", "")
    maker = (provider or given).strip().lower()
    maker = _CANONICAL.get(maker, maker)
    if given and given != maker:
        name = ""  # the region belongs to another provider, so it is ignored
    if not maker and name:
        homes = {key.partition(":")[0] for key in cloud_regions() if key.partition(":")[2] == name}
        maker = homes.pop() if len(homes) == 1 else ""
    return maker or None, name


def _levels(maker: str | None, name: str) -> list[str]:
    """Region names to look up, the most specific first; an empty name is the whole fleet."""
    home = rows_of("regions.csv", f"{maker}:{name}")
    geography = home[0]["geography"] if home else ""
    return list(dict.fromkeys([name, geography, ""]))


def _nearest(maker: str, levels: list[str], column: str, year: int | None) -> dict[str, str] | None:
    """Row of the nearest year in the first level that has a figure; of two years equally near, the later."""
    target = _NEWEST if year is None else year
    known = [row for row in rows_of("pue.csv", maker) if row[column]]
    for level in levels:
        rows = [row for row in known if row["region"] == level]
        if rows:
            return min(rows, key=lambda r: (abs(int(r["year"]) - target), -int(r["year"])))
    return None


def _pue_quantity(pue: float, scope: str) -> Quantity:
    """PUE [1], at least 1; the spread of its scope applies to the overhead, PUE - 1."""
    above = pue - 1.0
    if scope == INDUSTRY:
        spread = assumed("places.pue_industry_overhead")
        return Quantity.between(1.0 + above * spread.low, pue, 1.0 + above * spread.high, "pue")
    factor = exp(Z90 * assumed(f"places.pue_{scope}").value)
    return Quantity.between(1.0 + above / factor, pue, 1.0 + above * factor, "pue")


def _wue_quantity(row: dict[str, str]) -> Quantity:
    """WUE [L/kWh of IT energy] with the spread of its scope, at most what cooling can evaporate."""
    value, factor = float(row["wue_l_per_kwh"]), exp(Z90 * assumed(f"places.wue_{row['scope']}").value)
    ceiling = max(value, assumed("places.wue_ceiling").value)
    return Quantity.between(value / factor, value, min(value * factor, ceiling), "wue")


def _where(row: dict[str, str]) -> str:
    if row["scope"] == INDUSTRY:
        return "the industry"
    return f"{row['provider']}:{row['region']}" if row["region"] else f"{row['provider']}'s fleet"
