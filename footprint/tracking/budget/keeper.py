"""A run's budget at work: what is used already, the warning, the call, and the stop that ranks agree on."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from footprint.records import replace
from footprint.results import Quantity
from footprint.results.human import amount
from footprint.tracking.budget.budget_spent import spent_before
from footprint.tracking.budget.limits import BudgetEvent, BudgetWatch, ProgramStop
from footprint.tracking.budget.stop_file import (
    MARGIN_FLUSHES,
    can_agree,
    own_stop_file,
    publish_stop,
    read_stop,
    stop_step,
)
from footprint.tracking.chain.run_chain import RunChain
from footprint.tracking.journal.lines import BudgetLine, StateLine
from footprint.tracking.journal.other_ranks import OtherRanks
from footprint.tracking.process.user_calls import UserCall
from footprint.tracking.recorder.counts import Counts
from footprint.tracking.recorder.recorder import Recorder
from footprint.units import SECONDS_PER_HOUR

FIRST_LOOK_S, LEAST_LOOK_S = 1.0, 0.25
"""A budget that stops is looked at from the first second on, and so often where it is nearly used up."""
UNKNOWN_S = 15.0
"""What has not been read by then is looked for as seldom as lines are written."""


class BudgetKeeper:
    """Lives on the recorder's thread, beside the forecast."""

    def __init__(self, recorder: Recorder, counts: Counts, say: Callable[[str], None]) -> None:
        self._recorder = recorder
        self._counts = counts
        self._say = say
        self._stop_known = False
        self._used_before: dict[str, float] = {}
        self._looked_s = -math.inf
        self._last: tuple[float, dict[str, float]] = 0.0, {}
        self._step_s = 0.0
        """The median of the latest line that had steps."""
        settings = recorder.settings
        action = settings.on_budget
        self.call: UserCall | None = None
        """The user's function for events; a supervisor's own is called at once."""
        if callable(action) and not isinstance(action, ProgramStop):
            self.call = UserCall("on_budget", action, recorder.problems.add)
        stops = settings.on_budget == "stop" or isinstance(settings.on_budget, ProgramStop)
        self._budget = BudgetWatch(settings.budget, stops=stops) if settings.budget else None
        if self._budget is not None and stops:
            recorder.schedule.look_again_after(FIRST_LOOK_S)

    def watch(
        self,
        chain: RunChain,
        it_kwh: float | None,
        ahead: dict[str, float],
        state: StateLine,
    ) -> None:
        """Compare what is used, and ``ahead`` for the whole run, with the limit."""
        if self._budget is None:
            return
        self._step_s = state.step_s or self._step_s
        here = _mids(chain, it_kwh, state.run_s / SECONDS_PER_HOUR)
        before = self._before()
        used = {name: value + before.get(name, 0.0) for name, value in here.items()}
        if self._budget.limit.quantity not in used and self._settled():
            self._recorder.problems.add(
                f"budget: {self._budget.limit.quantity} is not known here, so {self._budget.limit.text} "
                "cannot be watched (footprint doctor says what can be read)"
            )
        ahead = {name: value + before.get(name, 0.0) for name, value in ahead.items()}
        coming = self._coming(self._budget, here, used, state)
        event = self._budget.check(used, ahead, coming, state.steps)
        if event is not None:
            self._act(event, state)

    def _coming(
        self,
        budget: BudgetWatch,
        here: dict[str, float],
        used: dict[str, float],
        state: StateLine,
    ) -> dict[str, float]:
        """What is used until a stop can hold that is decided a look later, and when to look again.

        The next look comes after half of the time that is left, so that the last is close to the limit.
        """
        name, (then_s, then), run_s = budget.limit.quantity, self._last, state.run_s
        flush_s, schedule = self._recorder.settings.flush_s, self._recorder.schedule
        self._last = run_s, here
        if not budget.stops:
            return {}
        rate = here.get(name, 0.0) / max(run_s, 1e-9)
        if name in then and run_s > then_s:
            rate = max(rate, (here[name] - then[name]) / (run_s - then_s))  # it may have risen
        if rate <= 0:
            schedule.look_again_after(FIRST_LOOK_S if run_s < UNKNOWN_S else flush_s)
            return {}
        least_s, takes_s = min(flush_s, LEAST_LOOK_S), self._takes_s(state)
        left_s = (budget.limit.value - used[name]) / rate - takes_s
        schedule.look_again_after(max(least_s, left_s / 2))
        return {name: rate * (least_s + takes_s)}

    def _takes_s(self, state: StateLine) -> float:
        """From deciding to stop until all have stopped [s]."""
        settings = self._recorder.settings
        if isinstance(settings.on_budget, ProgramStop):
            return settings.on_budget.takes_s()
        margin_s = settings.flush_s * MARGIN_FLUSHES if self._recorder.who.world_size > 1 else 0.0
        return margin_s + (state.step_s or 0.0)

    def _before(self) -> dict[str, float]:
        """What earlier segments, and other runs of the budget's folder, have used already."""
        settings, folder = self._recorder.settings, self._recorder.journal.folder
        place = settings.budget_over or folder
        if place is None or (settings.budget_over is None and self._used_before):
            return self._used_before
        now = time.monotonic()
        if now - self._looked_s > max(30.0, settings.flush_s):
            self._looked_s = now
            self._used_before = spent_before(
                place,
                self._recorder.run_id,
                self._recorder.who,
                whole_folder=settings.budget_over is not None,
            )
        return self._used_before

    def _settled(self) -> bool:
        """Whether the meter has said what it reads and had time to read it twice."""
        recorder = self._recorder
        return recorder.metering.settled and recorder.clock.run_s() > 3 * recorder.settings.flush_s

    def _act(self, event: BudgetEvent, state: StateLine) -> None:
        recorder = self._recorder
        line = BudgetLine(
            budget=event.budget, value=event.value, forecast=event.forecast, reached=event.reached
        )
        action = recorder.settings.on_budget
        if callable(action):
            recorder.write(line)
            if self.call is not None:
                self.call.give(event, must=True)
            else:
                action(event)
            return
        if action == "stop" and event.reached:
            step, why = self._stop(state)
            line = replace(line, stop=step, why=why)
            event = replace(event, step=step or event.step)
        self._say(words(event))
        recorder.write(line)

    def _stop(self, state: StateLine) -> tuple[int | None, str | None]:
        """Agree on the step to stop at, or say why that cannot be."""
        recorder, folder = self._recorder, self._recorder.journal.folder
        settings, who = recorder.settings, recorder.who
        seen = OtherRanks(folder).count(who) if folder is not None else 0
        problem = can_agree(who, folder, seen, recorder.journal.start.name_is_shared)
        if problem:
            self._say(f"cannot stop at the budget, only warn: {problem}")
            recorder.problems.add(f"budget: no stop, {problem}")
            return None, problem
        mean = state.steps / max(state.run_s, 1e-9)
        rate = max(mean, 1.0 / self._step_s if self._step_s else 0.0)  # the mean holds the start-up
        # from the step of now: to read what other runs have used takes a while
        step = stop_step(self._counts.steps, rate, settings.flush_s, who.world_size)
        self._leave_at(step, MARGIN_FLUSHES)  # before the others hear of it
        if folder is not None:
            why, created_s = str(settings.budget), recorder.journal.created_s
            step = publish_stop(folder, step, why, created_s, own_stop_file(who), recorder.journal.owner)
            self._leave_at(step, MARGIN_FLUSHES)  # another process may have been first
        self._stop_known = True
        return step, None

    def _leave_at(self, step: int, looks: float) -> None:
        """Stop at a step. With several ranks, wait first until each has looked for the stop so many times."""
        if self._recorder.who.world_size == 1:
            self._counts.leave_at(step)
            return
        look_s = min(self._recorder.journal.start.look_s, FIRST_LOOK_S)
        self._counts.hold_and_leave_at(step, time.monotonic() + looks * look_s)

    def look_for_stop(self) -> None:
        """Every rank: take the step that was published, once.

        A rank that has passed it already stops at its next step: the others wait for it no longer, and each
        step that it goes on is one that they do not share.
        """
        recorder, folder, who = self._recorder, self._recorder.journal.folder, self._recorder.who
        settings = recorder.settings
        # a program that knows nothing of us is ended by a signal
        obeys = (settings.on_budget == "stop" or who.metered_by_parent) and not settings.by_hooks
        if self._stop_known or folder is None or not obeys:
            return
        owner = recorder.journal.owner
        step = read_stop(folder, recorder.journal.created_s, own_stop_file(who), owner)
        if step is None and who.metered_by_parent:
            step = read_stop(folder, owner=owner)  # the supervisor took away what was there before it began
        if step is not None:
            self._stop_known = True
            self._leave_at(step, 1.0)  # the others look as often as we do


def _mids(chain: RunChain, it_kwh: float | None, hours: float) -> dict[str, float]:
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
