"""Where a run will end: its time, and with that its energy, CO2e and cost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from footprint import equations
from footprint.arithmetic import Z90
from footprint.records import record
from footprint.results import Quantity
from footprint.results.estimate import Estimate
from footprint.results.shown import Shown, show_as_text
from footprint.tracking.chain.run_chain import RunChain
from footprint.tracking.forecast.pace import Forecaster, PowerHistory, TimeForecast
from footprint.tracking.journal.lines import StateLine
from footprint.tracking.journal.other_ranks import OtherRanks
from footprint.tracking.process.identity import Identity
from footprint.tracking.settings.arguments import Settings
from footprint.units import SECONDS_PER_HOUR, W_PER_KW

METER_START_S = 15.0
"""Until the meter has started, and at most so long, its start-up slows the first steps down."""


@record
class Forecast(Shown):
    """Where the run will end, 90 % intervals; energy at the facility."""

    __repr__ = show_as_text

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


class TimeForecasts:
    """The time of the whole run, by steps where their number is known, else by tokens or samples."""

    def __init__(self, settings: Settings, world_size: int) -> None:
        self._settings = settings
        self._world_size = world_size
        self._forecaster: Forecaster | None = None
        self._unit = ""

    def take(
        self, state: StateLine, estimate: Estimate | None, *, meter_settled: bool
    ) -> TimeForecast | None:
        """The forecast after one more line; None while nothing says how much there is to do."""
        if self._forecaster is None:
            self._forecaster = self._make(state, estimate)
        if self._forecaster is None:
            return None
        done = self._done(state)
        each = done / state.steps if state.steps else 1.0
        typical_s = state.step_s / each if state.step_s and each > 0 else None
        if meter_settled or state.run_s > METER_START_S:
            self._forecaster.add(done, state.run_s, typical_s, state.waited_s or 0.0)
        return self._forecaster.forecast(done, state.run_s, typical_s)

    def _make(self, state: StateLine, estimate: Estimate | None) -> Forecaster | None:
        settings = self._settings
        work = estimate.workload if estimate is not None and not settings.total_steps else None
        amounts: list[tuple[str, float | None, float]] = [
            ("steps", settings.total_steps, settings.initial_step),
            ("tokens", settings.total_tokens or (work.tokens if work else None), 0),
            ("samples", work.samples if work else settings.scenario.get("samples"), 0),
        ]
        for unit, total, begun in amounts:
            if total and (unit == "steps" or getattr(state, unit)):
                self._unit = unit
                left = max(1.0, float(total) - begun)
                prior_h = None
                if estimate is not None:  # of the whole run, of which this may be the rest
                    hours = estimate.duration_h * (left / float(total))
                    prior_h = (hours.low, hours.mid, hours.high)
                return Forecaster(total_steps=left, prior_h=prior_h)
        return None

    def _done(self, state: StateLine) -> float:
        """The work done by all ranks, in the forecaster's unit."""
        if self._unit == "steps":
            return float(state.steps)
        return float(getattr(state, self._unit)) * self._world_size


class EnergySoFar:
    """IT energy of the whole run until now: read here and on other nodes, and the unread rest."""

    def __init__(self, chain: RunChain, who: Identity) -> None:
        self._chain = chain
        self._who = who
        self._ranks: OtherRanks | None = None

    def kwh(self, state: StateLine, folder: Path | None) -> float | None:
        """The energy [kWh]; None where nothing is read and nothing is modelled."""
        read = {name: kwh for name, kwh in state.kwh.items() if kwh > 0}
        run_s = state.run_s
        here: float = sum(
            kwh * run_s / max(run_s - state.unseen_s.get(name, 0.0), 0.01 * run_s, 1e-9)
            for name, kwh in read.items()
        )
        unread = self._chain.unread_w(set(read)) / W_PER_KW * run_s / SECONDS_PER_HOUR
        if not read and unread == 0:
            return None
        return here * self._over_this_node(here, folder) + unread

    def _over_this_node(self, here_kwh: float, folder: Path | None) -> float:
        """All nodes' energy over this node's."""
        who = self._who
        if who.nodes <= 1 or folder is None or here_kwh <= 0:
            return float(max(1, who.nodes))
        self._ranks = self._ranks or OtherRanks(folder)
        return self._ranks.energy_ratio(who.boot_id, who.nodes, here_kwh)


def forecast_of(
    found: TimeForecast, it_kwh: float | None, state: StateLine, chain: RunChain, power: PowerHistory
) -> Forecast:
    """The forecast of a run from that of its time; takes ``it_kwh`` into the history of its power."""
    so_far_h = state.run_s / SECONDS_PER_HOUR
    duration = _quantity(found.low_h, found.mid_h, found.high_h)
    energy = None
    power_w = None
    if it_kwh is not None and so_far_h > 0:
        power_w = it_kwh / so_far_h * W_PER_KW
        power.add(state.run_s, it_kwh)
        # what is used is known: only the power of what is left may change
        left = min(1.0, found.remaining_h / max(found.mid_h, 1e-12))
        half = Z90 * left * power.log_sd(found.remaining_h * SECONDS_PER_HOUR)
        ahead = Quantity(1.0, {"power_ahead": (-half, half)})
        energy = chain.energy_kwh(duration * (it_kwh / so_far_h) * ahead)
    grid = chain.site.grid_g_per_kwh
    ends_at = datetime.now(UTC) + timedelta(hours=min(found.remaining_h, 1e6))
    return Forecast(
        progress=found.progress,
        steps=state.steps,
        step_s=state.step_s,
        duration_h=duration,
        remaining_h=found.remaining_h,
        ends_at=ends_at.isoformat(timespec="seconds"),
        energy_kwh=energy,
        co2e_kg=None if energy is None or grid is None else equations.co2e_kg(energy, grid),
        cost_usd=chain.cost_usd(duration),
        used_kwh=None if it_kwh is None else chain.energy_kwh(Quantity(it_kwh)).mid,
        power_w=power_w,
        basis=found.basis,
    )


def _quantity(low: float, mid: float, high: float) -> Quantity:
    if not 0 < low <= mid <= high or low == high:
        return Quantity(max(mid, 0.0))
    return Quantity.between(low, mid, high, "forecast")
