"""Water use per kWh: on site at the data centre, and off site at power stations.

On-site water (WUE) is in litres per kWh of **IT** energy. Off-site water is consumed at power stations,
in litres per kWh of **electricity**, so of facility energy. This module never adds the two.
"""

from __future__ import annotations

from footprint.catalog.assumptions import assumed
from footprint.catalog.places.pue import PueFact
from footprint.catalog.places.tables import rows_of
from footprint.records import record
from footprint.results import Quantity
from footprint.schema import Place


@record
class WaterFact:
    """Water use on site and off site, per kWh of different energies; None where none is published."""

    on_site_l_per_kwh: Quantity | None
    """Litres at the data centre per kWh of IT energy (WUE)."""
    off_site_l_per_kwh: Quantity | None
    """Litres consumed at power stations per kWh of facility energy."""
    on_site_source: str
    off_site_source: str
    warnings: tuple[str, ...] = ()


def find_water(place: Place, pue: PueFact) -> WaterFact:
    """Water on site [L/kWh of IT energy] and at power stations [L/kWh of electricity].

    On-site water is the WUE of ``pue``; off-site water is the factor of the place's state or country.
    """
    key = place.factor_key or place.key
    rows = rows_of("water.csv", key)
    row = rows[0] if rows else None
    warnings = []
    if row is None:
        warnings.append(f"no off-site water factor of {key} is known")
    if pue.wue_l_per_kwh is None:
        warnings.append("no on-site water figure (WUE) is known for this site")
    off_site = None
    if row is not None:
        spread, mid = assumed("places.off_site_water"), float(row["l_per_kwh"])
        off_site = Quantity.between(mid * spread.low, mid, mid * spread.high, f"water:{key}")
    return WaterFact(
        on_site_l_per_kwh=pue.wue_l_per_kwh,
        off_site_l_per_kwh=off_site,
        on_site_source=pue.wue_source,
        off_site_source=row["source"] if row else "",
        warnings=tuple(warnings),
    )
