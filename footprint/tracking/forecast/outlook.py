"""What a forecast says."""

from __future__ import annotations

from footprint.records import record
from footprint.results import Quantity


@record
class Forecast:
    """Where the run will end, 90 % intervals; energy at the facility."""

    progress: float
    steps: int
    step_s: float | None
    duration_h: Quantity
    remaining_h: float
    ends_at: str
    """UTC, ISO 8601."""
    energy_kwh: Quantity | None
    co2e_kg: Quantity | None
    cost_usd: Quantity | None
    used_kwh: float | None
    """Facility energy so far [kWh]."""
    power_w: float | None
    """IT power, mean so far [W]."""
    basis: str
