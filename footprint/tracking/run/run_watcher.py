"""What is done on the recorder's thread: forecast, budget and progress at each flush; then the report."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

from footprint.records import replace
from footprint.tracking.budget.budget_spent import QUANTITIES
from footprint.tracking.budget.keeper import BudgetKeeper
from footprint.tracking.chain.run_chain import RunChain, make_chain
from footprint.tracking.forecast.pace import PowerHistory
from footprint.tracking.forecast.progress_line import ProgressLine, wants_progress
from footprint.tracking.forecast.run_forecast import EnergySoFar, Forecast, TimeForecasts, forecast_of
from footprint.tracking.journal.lines import ForecastHours, StateLine
from footprint.tracking.journal.other_ranks import OtherRanks
from footprint.tracking.process.user_calls import UserCall
from footprint.tracking.recorder.counts import Counts
from footprint.tracking.recorder.recorder import Recorder

CALL_WAIT_S = 3.0
"""At the end of a run, its user's functions have so long to come back."""
EARLY_UNTIL_S = 30.0
"""So long a run that says how much there is to do writes a line a second until there is a forecast."""
PREPARATION_WAIT_S = 30.0
"""After this the budget is watched without knowing the hardware."""
LOADING_FLUSH = 2
"""After so many lines the start is over and the modules of the end are imported: many ranks end at once."""


class Unwatched:
    """The listener of a program that knows nothing of its run: the supervisor does the rest."""

    def prepared(self) -> None:
        """Say nothing."""

    def flushed(self, state: StateLine) -> None:
        """Leave it to the supervisor."""

    def looked(self) -> None:
        """Stop at no step."""

    def ended(self) -> None:
        """Report nothing."""


class RunWatcher:
    """The recorder's listener; ``forecast`` and ``summary`` are read from any thread."""

    def __init__(self, recorder: Recorder, counts: Counts, say: Callable[[str], None]) -> None:
        self.forecast: Forecast | None = None
        self.summary = self.offer = ""
        """The line at the end, once it is known."""
        self._recorder, self._counts, self._say = recorder, counts, say
        self._chain: RunChain | None = None
        self._energy: EnergySoFar | None = None
        self._power = PowerHistory()
        settings, who = recorder.settings, recorder.who
        self._time = TimeForecasts(settings, who.world_size)
        draws = who.rank == 0 and wants_progress(settings.progress, quiet=settings.quiet)
        self._line = ProgressLine() if draws else None
        callback = settings.callback
        self._callback = None if callback is None else UserCall("callback", callback, recorder.problems.add)
        self._budget = BudgetKeeper(recorder, counts, say)
        self._flushes = 0

    def prepared(self) -> None:
        """Say what is said at the start."""
        if self._recorder.who.rank == 0:
            from footprint.tracking.run.spoken_lines import start_lines

            self._say(start_lines(self._recorder))

    def looked(self) -> None:
        """Between two lines: whether the run is to stop, and whether it has begun to step."""
        self._budget.look_for_stop()
        last = self._recorder.journal.last_state
        if self._counts.steps and not (last is not None and last.steps):
            self._recorder.flush_soon()  # so that the supervisor knows of it

    def flushed(self, state: StateLine) -> None:
        """One look at the run, after its state was written."""
        self._flushes += 1
        if self._flushes == LOADING_FLUSH:
            with contextlib.suppress(Exception):  # the end imports it again, and says what fails
                import footprint.estimator.rooms
                import footprint.tracking.run.end_report  # noqa: F401
        recorder = self._recorder
        self._budget.look_for_stop()
        prepared = recorder.prepared
        if recorder.who.rank != 0 or (prepared is None and recorder.clock.run_s() < PREPARATION_WAIT_S):
            return
        if self._chain is None or self._energy is None:
            self._chain = make_chain(prepared.given if prepared else recorder.settings.given())
            self._energy = EnergySoFar(self._chain, recorder.who)
        it_kwh = self._energy.kwh(state, recorder.journal.folder)
        if recorder.settings.supervises:
            state = self._with_programs(state, recorder.journal.folder)
        found = self._time.take(
            state, prepared.estimate if prepared else None, meter_settled=recorder.metering.settled
        )
        if found is not None:
            self.forecast = forecast_of(found, it_kwh, state, self._chain, self._power)
            recorder.note_forecast(
                ForecastHours(round(found.progress, 5), found.low_h, found.mid_h, found.high_h)
            )
        planned = recorder.settings.total_steps or recorder.settings.total_tokens
        wanted = bool(planned) and (self.forecast is None or self.forecast.energy_kwh is None)
        recorder.schedule.early = wanted and state.run_s < EARLY_UNTIL_S
        self._budget.watch(self._chain, it_kwh, self._ahead(), state)
        if self.forecast is not None and self._line is not None:
            self._line.draw(self.forecast)
        if self._callback is not None and self.forecast is not None:
            self._callback.give(self.forecast)

    def _with_programs(self, state: StateLine, folder: Path | None) -> StateLine:
        """The supervisor's totals with what its programs have counted."""
        counted = OtherRanks(folder).counted() if folder is not None else None
        return state if counted is None else replace(state, **counted)

    def _ahead(self) -> dict[str, float]:
        """What the whole run will use, in the quantities that a budget can limit."""
        found = {name: getattr(self.forecast, name, None) for name in QUANTITIES}
        return {name: quantity.mid for name, quantity in found.items() if quantity is not None}

    def ended(self) -> None:
        """Clear the line; the last process of a launch writes the rows."""
        from footprint.tracking.run.end_report import end_offer, end_report

        for call in (self._callback, self._budget.call):
            if call is not None:
                call.end(CALL_WAIT_S)
        if self._line is not None:
            self._line.clear()
        self.summary, report = end_report(self._recorder)
        self.offer = end_offer(self._recorder, report)  # after the rows: it may be slow
