"""GHG Protocol: the CO2e by scope, location-based and market-based apart, in tonnes."""

from __future__ import annotations

from footprint.reports.exports.shared.filed import Filed
from footprint.reports.exports.shared.reader import Bounds
from footprint.reports.exports.shared.written import boundary, how, json_text, required
from footprint.units import KG_PER_T

NAME = "ghg"
STANDARD = "the GHG Protocol's Scope 2 Guidance (2015) and Corporate Value Chain Standard (2011)"
ENDING = ".json"
LEFT = (
    "whether you run the site (scope 2) or rent it (scope 3 category 1, or 8 for leased machines)",
    "contracts and certificates behind a market-based figure, and their quality criteria",
    "your inventory's year and consolidation; offsets are reported apart and lower nothing here",
)
_NO_MARKET = "the market-based figure: say your supplier's factor (a site file's market factor)"
_LIFECYCLE = (
    "the factor is of the life cycle: the guidance puts what is upstream of the plant into scope 3 category "
    "3; footprint estimate --grid-g-per-kwh with a direct factor gives a scope 2 figure"
)
_NO_EMBODIED = "the embodied CO2e of the hardware, which the record does not have"


def write(record: Filed) -> tuple[str, tuple[str, ...]]:
    """The sheet, and what is left for the user."""
    location = required(record.co2e_kg, "CO2e", "a scope 2 figure")
    market, embodied = record.co2e_market_kg, record.embodied_co2e_kg
    left = (
        *LEFT,
        *((_NO_MARKET,) if market is None else ()),
        *((_LIFECYCLE,) if record.place_basis == "lifecycle" else ()),
        *((_NO_EMBODIED,) if embodied is None else ()),
    )
    values = {
        "schema": "footprint/ghg/1",
        "follows": STANDARD,
        "conformity": "not claimed",
        "kind": record.kind,
        "name": record.name,
        "boundary": boundary(record),
        "activity": {"electricity_kwh": _ends(record.energy_kwh), "runs": record.runs},
        "electricity": {
            "if_you_run_the_site": "scope 2",
            "if_you_rent_it": "scope 3, category 1 (services) or 8 (leased assets)",
            "location_based_t": _tonnes(location),
            "market_based_t": _tonnes(market),
        },
        "hardware": {
            "if_you_own_it": "scope 3, category 2 (capital goods), in the year of purchase",
            "if_you_rent_it": "scope 3, category 1",
            "embodied_share_t": _tonnes(embodied),
        },
        "factor": {
            "g_per_kwh": record.grid_g_per_kwh and _ends(record.grid_g_per_kwh),
            "place": record.place,
            "year": record.place_year,
            "temporal": "annual mean",
            "basis": record.place_basis,
            "source": record.place_source,
        },
        "method": how(record),
        "left_for_you": list(left),
    }
    return json_text(values), left


def _tonnes(value: Bounds | None) -> dict[str, float] | None:
    return _ends(None if value is None else value.times(1 / KG_PER_T))


def _ends(value: Bounds | None) -> dict[str, float] | None:
    return None if value is None else {"low": value.low, "mid": value.mid, "high": value.high}
