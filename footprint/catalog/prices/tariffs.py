"""What large customers pay for electricity where the hardware stands.

``reference_data/electricity.csv`` has the United States and their states (industrial customers), the
countries of Eurostat's table, the United Kingdom, South Korea and four provinces of Canada. Which customer
a data centre is nobody publishes, so the number is the published price times ``prices.tariff_over_large``,
which reaches from a large customer's price to that of commerce.
"""

from __future__ import annotations

from footprint.catalog.assumptions import assumed
from footprint.catalog.places.tables import rows_of
from footprint.records import record
from footprint.results import Assumption, Quantity
from footprint.schema import Place

OPTION = "--electricity-usd-per-kwh"


@record
class Tariff:
    """Price of electricity [USD/kWh]."""

    usd_per_kwh: Quantity
    rows: tuple[Assumption, ...] = ()
    """How it is known, unless it was given."""


def find_tariff(place: Place | None) -> Tariff:
    """The price of electricity of a place, else of its country, else an average with a wide interval."""
    if place is not None and place.electricity_usd_per_kwh is not None:
        return Tariff(usd_per_kwh=Quantity(place.electricity_usd_per_kwh))
    key = "" if place is None else place.factor_key or place.key
    for name in (key, "USA" if key.startswith("US-") else ""):
        for row in rows_of("electricity.csv", name) if name else ():
            over = assumed("prices.tariff_over_large")
            large = float(row["usd_per_kwh"])
            price = Quantity.between(
                large * over.low, large * over.value, large * over.high, f"tariff:{name}:{row['year']}"
            )
            return Tariff(
                usd_per_kwh=price,
                rows=(
                    Assumption(
                        name="prices.electricity_usd_per_kwh",
                        value=price.mid,
                        unit="USD/kWh",
                        basis="derived",
                        source=row["source"],
                        option=OPTION,
                    ),
                ),
            )
    number = assumed("prices.electricity_usd_per_kwh")
    return Tariff(usd_per_kwh=number.quantity, rows=(number.row(OPTION),))
