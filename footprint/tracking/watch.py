"""What happens after each flush: the forecast, the budget, the progress line, the user's callback."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from footprint.records import record
from footprint.results import Quantity
from footprint.tracking.budget import BudgetEvent, BudgetWatch, can_agree, publish_stop, read_stop, stop_step
from footprint.tracking.chain import LiveChain, make_chain
from footprint.tracking.counts import Counts, Snapshot
from footprint.tracking.forecast import Forecaster, TimeForecast
from footprint.tracking.peers import Peers
from footprint.tracking.progress import ProgressLine, wanted
from footprint.tracking.recorder import Recorder
from footprint.units import SECONDS_PER_HOUR, W_PER_KW

PREPARATION_WAIT_S = 30.0
"""After this the budget is watched without knowing the hardware."""


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


class Watcher:
    """Lives on the recorder's thread; ``latest`` is read from any other."""

    def __init__(
        self, recorder: Recorder, counts: Counts, say: Callable[[str], None], *, shared: bool
    ) -> None:
        self.latest: Forecast | None = None
        self._recorder = recorder
        self._counts = counts
        self._say = say
        self._shared = shared
        self._chain: LiveChain | None = None
        self._forecaster: Forecaster | None = None
        self._unit = ""
        self._peers: Peers | None = None
        self._stop_known = False
        self._used_before: dict[str, float] = {}
        self._looked_s = -math.inf
        settings = recorder.settings
        draws = recorder.who.rank == 0 and wanted(settings.progress, quiet=settings.quiet)
        self._line = ProgressLine() if draws else None
        stops = settings.on_budget == "stop"
        self._budget = BudgetWatch(settings.budget, stops=stops) if settings.budget else None

    def tick(self, state: dict[str, Any], snapshot: Snapshot) -> None:
        """One look at the run, after its state was written."""
        recorder = self._recorder
        self._look_for_stop()
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
        self._watch_budget(it_kwh, state, snapshot)
        if self.latest is not None and self._line is not None:
            self._line.draw(self.latest)
        callback = recorder.settings.callback
        if callback is not None and self.latest is not None:
            callback(self.latest)

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
        self._forecaster.add(done, state["run_s"], typical)
        return self._forecaster.forecast(done, state["run_s"])

    def _make_forecaster(self, snapshot: Snapshot) -> Forecaster | None:
        """By steps where their number is known, else by tokens or samples; None while nothing says."""
        settings = self._recorder.settings
        prepared = self._recorder.prepared
        estimate = prepared.estimate if prepared else None
        prior = None
        if estimate is not None:
            hours = estimate.duration_h
            prior = (hours.low, hours.mid, hours.high)
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
                return Forecaster(total_steps=max(1.0, float(total) - begun), prior_h=prior)
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
            energy = self._chain.energy_kwh(duration * (it_kwh / so_far_h))
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

    # ------------------------------------------------------------------ budget

    def _watch_budget(self, it_kwh: float | None, state: dict[str, Any], snapshot: Snapshot) -> None:
        if self._budget is None or self._chain is None:
            return
        hours = state["run_s"] / SECONDS_PER_HOUR
        used = _mids(self._chain, it_kwh, hours)
        if self._budget.limit.quantity not in used and recorder_settled(self._recorder):
            self._recorder.problem(
                f"budget: {self._budget.limit.quantity} is not known here, so {self._budget.limit.text} "
                "cannot be watched (footprint doctor says what can be read)"
            )
        for name, value in self._before().items():
            if name in used:
                used[name] += value
        ahead = {}
        if self.latest is not None:
            for name in ("energy_kwh", "co2e_kg", "cost_usd", "duration_h"):
                quantity = getattr(self.latest, name)
                if quantity is not None:
                    ahead[name] = quantity.mid + self._before().get(name, 0.0)
        per_s = {
            name: value / max(state["run_s"], 1e-9)
            for name, value in _mids(self._chain, it_kwh, hours).items()
        }
        wait = self._recorder.settings.flush_s * (1 if self._recorder.who.world_size == 1 else 4)
        event = self._budget.check(
            used, ahead, {name: rate * wait for name, rate in per_s.items()}, snapshot.steps
        )
        if event is not None:
            self._act(event, state, snapshot)

    def _before(self) -> dict[str, float]:
        """What earlier segments, and other runs of the budget's folder, have used already."""
        from footprint.tracking.spent import spent_before

        settings, folder = self._recorder.settings, self._recorder.folder
        place = settings.budget_over or folder
        if place is None or (settings.budget_over is None and self._used_before):
            return self._used_before
        now = time.monotonic()
        if now - self._looked_s > max(30.0, settings.flush_s):
            self._looked_s = now
            self._used_before = spent_before(
                place, self._recorder, whole_folder=settings.budget_over is not None
            )
        return self._used_before

    def _act(self, event: BudgetEvent, state: dict[str, Any], snapshot: Snapshot) -> None:
        recorder = self._recorder
        record = {
            "budget": event.budget,
            "value": event.value,
            "forecast": event.forecast,
            "reached": event.reached,
        }
        action = recorder.settings.on_budget
        if callable(action):
            recorder.line("budget", record)
            action(event)
            return
        self._say(words(event))
        if action == "stop" and event.reached:
            record.update(self._stop(state, snapshot))
        recorder.line("budget", record)

    def _stop(self, state: dict[str, Any], snapshot: Snapshot) -> dict[str, Any]:
        """Agree on the step to stop at, or say why that cannot be."""
        recorder = self._recorder
        seen = Peers(recorder.folder).ranks(recorder.who) if recorder.folder is not None else 0
        problem = can_agree(recorder.who, recorder.folder, seen, self._shared)
        if problem:
            self._say(f"cannot stop at the budget, only warn: {problem}")
            recorder.problem(f"budget: no stop, {problem}")
            return {"stop": None, "why": problem}
        rate = snapshot.steps / max(state["run_s"], 1e-9)
        step = stop_step(snapshot.steps, rate, recorder.settings.flush_s, recorder.who.world_size)
        if recorder.folder is not None:
            step = publish_stop(recorder.folder, step, str(recorder.settings.budget))
        self._counts.stop_at = step
        return {"stop": step}

    def _look_for_stop(self) -> None:
        """Every rank: take the step that was published, once."""
        recorder = self._recorder
        obeys = recorder.settings.on_budget == "stop" or recorder.who.metered_by_parent
        if self._stop_known or recorder.folder is None or not obeys:
            return
        step = read_stop(recorder.folder)
        if step is not None:
            self._stop_known = True
            self._counts.stop_at = min(self._counts.stop_at, step)


def recorder_settled(recorder: Recorder) -> bool:
    """Whether the meter has said what it reads and had time to read it twice."""
    return recorder.meter_settled and recorder.run_s() > 3 * recorder.settings.flush_s


def _quantity(low: float, mid: float, high: float) -> Quantity:
    if not 0 < low <= mid <= high or low == high:
        return Quantity(max(mid, 0.0))
    return Quantity.between(low, mid, high, "forecast")


def _mids(chain: LiveChain, it_kwh: float | None, hours: float) -> dict[str, float]:
    """What was used, in the quantities that a budget can limit."""
    used = {"duration_h": hours}
    if it_kwh is not None:
        energy = Quantity(it_kwh)
        used["energy_kwh"] = chain.energy_kwh(energy).mid
        mass = chain.co2e_kg(energy)
        if mass is not None:
            used["co2e_kg"] = mass.mid
    cost = chain.cost_usd(Quantity(hours))
    if cost is not None:
        used["cost_usd"] = cost.mid
    return used


def words(event: BudgetEvent) -> str:
    """A budget's event as one line."""
    if event.reached:
        used = f"{event.value:.3g} of {event.limit:.3g} used"
        return f"budget of {event.budget} reached at step {event.step:,}: {used}"
    return (
        f"budget of {event.budget} will be passed: forecast {event.forecast:.3g} against {event.limit:.3g}, "
        f"{event.value:.3g} used so far"
    )
