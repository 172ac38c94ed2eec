"""A run's budget at work: what is used already, the warning, the call, and the stop that ranks agree on."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from footprint.results import Quantity
from footprint.results.human import amount
from footprint.tracking.budget.budget import (
    MARGIN_FLUSHES,
    BudgetEvent,
    BudgetWatch,
    ProgramStop,
    can_agree,
    own_stop_file,
    publish_stop,
    read_stop,
    stop_step,
)
from footprint.tracking.budget.budget_spent import spent_before
from footprint.tracking.journal.other_ranks import Peers
from footprint.tracking.recorder.counts import Counts, Snapshot
from footprint.tracking.recorder.recorder import Recorder
from footprint.tracking.report.live_chain import LiveChain
from footprint.units import SECONDS_PER_HOUR

FIRST_LOOK_S, LEAST_LOOK_S = 1.0, 0.25
"""A budget that stops is looked at from the first second on, and so often where it is nearly used up."""
UNKNOWN_S = 15.0
"""What has not been read by then is looked for as seldom as lines are written."""


class BudgetKeeper:
    """Lives on the recorder's thread, beside the forecast."""

    def __init__(
        self, recorder: Recorder, counts: Counts, say: Callable[[str], None], *, shared: bool
    ) -> None:
        self._recorder = recorder
        self._counts = counts
        self._say = say
        self._shared = shared
        self._leave = counts.over
        self._held = 0, 0.0
        self._stop_known = False
        self._used_before: dict[str, float] = {}
        self._looked_s = -math.inf
        self._last: tuple[float, dict[str, float]] = 0.0, {}
        self._step_s = 0.0
        """The median of the latest line that had steps."""
        settings = recorder.settings
        stops = settings.on_budget == "stop" or isinstance(settings.on_budget, ProgramStop)
        self._budget = BudgetWatch(settings.budget, stops=stops) if settings.budget else None
        if self._budget is not None and stops:
            recorder.look_again_s = FIRST_LOOK_S

    def watch(
        self,
        chain: LiveChain,
        it_kwh: float | None,
        ahead: dict[str, float],
        state: dict[str, Any],
        snapshot: Snapshot,
    ) -> None:
        """Compare what is used, and ``ahead`` for the whole run, with the limit."""
        if self._budget is None:
            return
        self._step_s = snapshot.step_s or self._step_s
        here = _mids(chain, it_kwh, state["run_s"] / SECONDS_PER_HOUR)
        before = self._before()
        used = {name: value + before.get(name, 0.0) for name, value in here.items()}
        if self._budget.limit.quantity not in used and self._settled():
            self._recorder.problem(
                f"budget: {self._budget.limit.quantity} is not known here, so {self._budget.limit.text} "
                "cannot be watched (footprint doctor says what can be read)"
            )
        ahead = {name: value + before.get(name, 0.0) for name, value in ahead.items()}
        coming = self._coming(self._budget, here, used, state["run_s"], snapshot)
        event = self._budget.check(used, ahead, coming, snapshot.steps)
        if event is not None:
            self._act(event, state, snapshot)

    def _coming(
        self,
        budget: BudgetWatch,
        here: dict[str, float],
        used: dict[str, float],
        run_s: float,
        snapshot: Snapshot,
    ) -> dict[str, float]:
        """What is used until a stop can hold that is decided a look later, and when to look again.

        The next look comes after half of the time that is left, so that the last is close to the limit.
        """
        name, (then_s, then), flush_s = budget.limit.quantity, self._last, self._recorder.settings.flush_s
        self._last = run_s, here
        if not budget.stops:
            return {}
        rate = here.get(name, 0.0) / max(run_s, 1e-9)
        if name in then and run_s > then_s:
            rate = max(rate, (here[name] - then[name]) / (run_s - then_s))  # it may have risen
        if rate <= 0:
            self._recorder.look_again_s = FIRST_LOOK_S if run_s < UNKNOWN_S else flush_s
            return {}
        least_s, takes_s = min(flush_s, LEAST_LOOK_S), self._takes_s(snapshot)
        left_s = (budget.limit.value - used[name]) / rate - takes_s
        self._recorder.look_again_s = max(least_s, left_s / 2)
        return {name: rate * (least_s + takes_s)}

    def _takes_s(self, snapshot: Snapshot) -> float:
        """From deciding to stop until all have stopped [s]."""
        settings = self._recorder.settings
        if isinstance(settings.on_budget, ProgramStop):
            return settings.on_budget.takes_s()
        margin_s = settings.flush_s * MARGIN_FLUSHES if self._recorder.who.world_size > 1 else 0.0
        return margin_s + (snapshot.step_s or 0.0)

    def _before(self) -> dict[str, float]:
        """What earlier segments, and other runs of the budget's folder, have used already."""
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

    def _settled(self) -> bool:
        """Whether the meter has said what it reads and had time to read it twice."""
        recorder = self._recorder
        return recorder.meter_settled and recorder.run_s() > 3 * recorder.settings.flush_s

    def _act(self, event: BudgetEvent, state: dict[str, Any], snapshot: Snapshot) -> None:
        recorder = self._recorder
        record: dict[str, Any] = {
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
        if action == "stop" and event.reached:
            record.update(self._stop(state, snapshot))
            event = replace(event, step=record["stop"] or event.step)
        self._say(words(event))
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
        mean = snapshot.steps / max(state["run_s"], 1e-9)
        rate = max(mean, 1.0 / self._step_s if self._step_s else 0.0)  # the mean holds the start-up
        # from the step of now: to read what other runs have used takes a while
        step = stop_step(self._counts.steps, rate, recorder.settings.flush_s, recorder.who.world_size)
        self._leave_at(step, MARGIN_FLUSHES)  # before the others hear of it
        if recorder.folder is not None:
            why, name = str(recorder.settings.budget), own_stop_file(recorder.who)
            step = publish_stop(recorder.folder, step, why, self._created_s(), name)
            self._leave_at(step, MARGIN_FLUSHES)  # another process may have been first
        self._stop_known = True
        return {"stop": step}

    def _leave_at(self, step: int, looks: float) -> None:
        """Stop at a step; among ranks, not before all have had so many looks to learn of it.

        However wrong the rate was, a rank that knows waits after the step before: in a step of which ranks
        do a part each, nobody gets past the next one without it.
        """
        if self._recorder.who.world_size == 1:
            self._counts.stop_at = min(self._counts.stop_at, step)
            return
        look_s = min(self._recorder.first_line["look_s"], FIRST_LOOK_S)
        self._held = step, time.monotonic() + looks * look_s
        self._counts.over = self._hold_or_leave
        self._counts.stop_at = step - 1

    def _hold_or_leave(self) -> None:
        """In the training loop, at the step before the last and at the last."""
        step, until_s = self._held
        if self._counts.steps >= step:
            self._leave()
            return
        time.sleep(max(0.0, until_s - time.monotonic()))
        self._counts.stop_at = step

    def _created_s(self) -> float:
        """When this segment's journal was made, by the clock of the folder's disk."""
        writer = self._recorder.writer
        return writer.created_s if writer is not None else 0.0

    def look_for_stop(self) -> None:
        """Every rank: take the step that was published, once.

        A rank that has passed it already stops at its next step: the others wait for it no longer, and each
        step that it goes on is one that they do not share.
        """
        recorder = self._recorder
        obeys = recorder.settings.on_budget == "stop" or recorder.who.metered_by_parent
        if self._stop_known or recorder.folder is None or not obeys:
            return
        step = read_stop(recorder.folder, self._created_s(), own_stop_file(recorder.who))
        if step is None and recorder.who.metered_by_parent:
            step = read_stop(recorder.folder)  # the supervisor took away what was there before it began
        if step is not None:
            self._stop_known = True
            self._leave_at(step, 1.0)  # the others look as often as we do


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


UNITS = {"energy_kwh": "kwh", "co2e_kg": "kg", "cost_usd": "usd", "duration_h": "h"}


def words(event: BudgetEvent) -> str:
    """A budget's event as one line."""
    unit = UNITS[event.quantity]
    used = f"{amount(event.value, unit)} used"
    if event.reached and event.value < event.limit:
        at = f" at step {event.step:,}" if event.step else ""
        return f"budget of {event.budget} would be passed by a later stop, so the run stops{at}: {used}"
    if event.reached:
        seen = f", seen at step {event.step:,}" if event.step else ""
        return f"budget of {event.budget} is used up{seen}: {used}"
    ahead = "" if event.forecast is None else f": the run is going to use {amount(event.forecast, unit)}"
    return f"budget of {event.budget} will be passed{ahead}, {used} so far"
