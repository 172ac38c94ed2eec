"""What happens after each flush: the forecast, the budget, the progress line, the user's callback."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from footprint.results import Quantity
from footprint.tracking.budget.budget_spent import QUANTITIES
from footprint.tracking.budget.keeper import BudgetKeeper
from footprint.tracking.forecast.forecast import Z90, Forecaster, PowerHistory, TimeForecast
from footprint.tracking.forecast.outlook import Forecast
from footprint.tracking.journal.other_ranks import Peers
from footprint.tracking.progress.line import ProgressLine, wanted
from footprint.tracking.recorder.counts import Counts, Snapshot
from footprint.tracking.recorder.recorder import Recorder
from footprint.tracking.report.live_chain import LiveChain, make_chain
from footprint.units import SECONDS_PER_HOUR, W_PER_KW

METER_START_S = 15.0
"""Until the meter has started, and at most so long, its start-up slows the first steps down."""
PREPARATION_WAIT_S = 30.0
"""After this the budget is watched without knowing the hardware."""


class Watcher:
    """Lives on the recorder's thread; ``latest`` is read from any other."""

    def __init__(
        self, recorder: Recorder, counts: Counts, say: Callable[[str], None], *, shared: bool
    ) -> None:
        self.latest: Forecast | None = None
        self._recorder, self._counts = recorder, counts
        self._chain: LiveChain | None = None
        self._forecaster: Forecaster | None = None
        self._unit = ""
        self._power = PowerHistory()
        self._peers: Peers | None = None
        settings = recorder.settings
        draws = recorder.who.rank == 0 and wanted(settings.progress, quiet=settings.quiet)
        self._line = ProgressLine() if draws else None
        self._budget = BudgetKeeper(recorder, counts, say, shared=shared)

    def look(self) -> None:
        """Between two lines: whether the run is to stop, and whether it has begun to step."""
        self._budget.look_for_stop()
        if self._counts.steps and not self._recorder.last_state.get("steps"):
            self._recorder.flush_soon()  # so that the supervisor knows of it

    def tick(self, state: dict[str, Any], snapshot: Snapshot) -> None:
        """One look at the run, after its state was written."""
        recorder = self._recorder
        self._budget.look_for_stop()
        if recorder.who.rank != 0 or (recorder.prepared is None and recorder.run_s() < PREPARATION_WAIT_S):
            return
        if self._chain is None:
            given = recorder.prepared.given if recorder.prepared else recorder.settings.given()
            self._chain = make_chain(given)
        it_kwh = self._it_kwh(state)
        found = self._time(state, snapshot)
        if found is not None:
            self.latest = self._forecast(found, it_kwh, state, snapshot)
            recorder.notes["forecast"] = [round(found.progress, 5), found.low_h, found.mid_h, found.high_h]
        self._budget.watch(self._chain, it_kwh, self._ahead(), state, snapshot)
        if self.latest is not None and self._line is not None:
            self._line.draw(self.latest)
        callback = recorder.settings.callback
        if callback is not None and self.latest is not None:
            callback(self.latest)

    def _ahead(self) -> dict[str, float]:
        """What the whole run will use, in the quantities that a budget can limit."""
        found = {name: getattr(self.latest, name, None) for name in QUANTITIES}
        return {name: quantity.mid for name, quantity in found.items() if quantity is not None}

    def end(self) -> None:
        """Clear the line."""
        if self._line is not None:
            self._line.clear()

    # ------------------------------------------------------------------ time

    def _time(self, state: dict[str, Any], snapshot: Snapshot) -> TimeForecast | None:
        if self._forecaster is None:
            self._forecaster = self._make_forecaster(snapshot)
        if self._forecaster is None:
            return None
        done = self._done(snapshot)
        each = done / snapshot.steps if snapshot.steps else 1.0
        typical = snapshot.step_s / each if snapshot.step_s and each > 0 else None
        if self._recorder.meter_settled or state["run_s"] > METER_START_S:
            self._forecaster.add(done, state["run_s"], typical, state.get("waited_s", 0.0))
        return self._forecaster.forecast(done, state["run_s"], typical)

    def _make_forecaster(self, snapshot: Snapshot) -> Forecaster | None:
        """By steps where their number is known, else by tokens or samples; None while nothing says."""
        settings = self._recorder.settings
        prepared = self._recorder.prepared
        estimate = prepared.estimate if prepared else None
        work = estimate.workload if estimate is not None else None
        wanted: list[tuple[str, float | None, float]] = [
            ("steps", settings.total_steps, settings.initial_step),
            (
                "tokens",
                settings.total_tokens or (work.tokens if work and not settings.total_steps else None),
                0,
            ),
            ("samples", work.samples if work and not settings.total_steps else None, 0),
        ]
        for unit, total, begun in wanted:
            if total and (unit == "steps" or getattr(snapshot, unit)):
                self._unit = unit
                left = max(1.0, float(total) - begun)
                prior = None
                if estimate is not None:  # of the whole run, of which this may be the rest
                    hours = estimate.duration_h * (left / float(total))
                    prior = (hours.low, hours.mid, hours.high)
                return Forecaster(total_steps=left, prior_h=prior)
        return None

    def _done(self, snapshot: Snapshot) -> float:
        """The work done by all ranks, in the forecaster's unit."""
        if self._unit == "steps":
            return float(snapshot.steps)
        return float(getattr(snapshot, self._unit)) * self._recorder.who.world_size

    # ------------------------------------------------------------------ energy

    def _it_kwh(self, state: dict[str, Any]) -> float | None:
        """IT energy of the whole run until now [kWh]: read here and on other nodes, and the unread rest."""
        assert self._chain is not None  # noqa: S101 - set in tick
        read = {name: kwh for name, kwh in (state.get("kwh") or {}).items() if kwh > 0}
        run_s = float(state["run_s"])
        unseen = state.get("unseen_s") or {}
        here: float = sum(
            kwh * run_s / max(run_s - unseen.get(name, 0.0), 0.01 * run_s, 1e-9) for name, kwh in read.items()
        )
        unread = self._chain.unread_w(set(read)) / W_PER_KW * run_s / SECONDS_PER_HOUR
        if not read and unread == 0:
            return None
        return here * self._other_nodes(here) + unread

    def _other_nodes(self, here_kwh: float) -> float:
        """All nodes' energy over this node's."""
        who, folder = self._recorder.who, self._recorder.folder
        if who.nodes <= 1 or folder is None or here_kwh <= 0:
            return float(max(1, who.nodes))
        self._peers = self._peers or Peers(folder)
        return self._peers.energy_ratio(who.boot_id, who.nodes, here_kwh)

    def _forecast(
        self, found: TimeForecast, it_kwh: float | None, state: dict[str, Any], snapshot: Snapshot
    ) -> Forecast:
        assert self._chain is not None  # noqa: S101
        so_far_h = state["run_s"] / SECONDS_PER_HOUR
        duration = _quantity(found.low_h, found.mid_h, found.high_h)
        energy = None
        power_w = None
        if it_kwh is not None and so_far_h > 0:
            power_w = it_kwh / so_far_h * W_PER_KW
            self._power.add(state["run_s"], it_kwh)
            # what is used is known: only the power of what is left may change
            left = min(1.0, found.remaining_h / max(found.mid_h, 1e-12))
            half = Z90 * left * self._power.log_sd(found.remaining_h * SECONDS_PER_HOUR)
            ahead = Quantity(1.0, {"power_ahead": (-half, half)})
            energy = self._chain.energy_kwh(duration * (it_kwh / so_far_h) * ahead)
        grid = self._chain.grid_g_per_kwh
        return Forecast(
            progress=found.progress,
            steps=snapshot.steps,
            step_s=snapshot.step_s,
            duration_h=duration,
            remaining_h=found.remaining_h,
            ends_at=(datetime.now(UTC) + timedelta(hours=min(found.remaining_h, 1e6))).isoformat(
                timespec="seconds"
            ),
            energy_kwh=energy,
            co2e_kg=None if energy is None or grid is None else energy * grid / 1000.0,
            cost_usd=self._chain.cost_usd(duration),
            used_kwh=None if it_kwh is None else self._chain.energy_kwh(Quantity(it_kwh)).mid,
            power_w=power_w,
            basis=found.basis,
        )


def _quantity(low: float, mid: float, high: float) -> Quantity:
    if not 0 < low <= mid <= high or low == high:
        return Quantity(max(mid, 0.0))
    return Quantity.between(low, mid, high, "forecast")
