"""The background half of a run: reads the meter, keeps the journal, tells a listener of each line.

One daemon thread does all that can be slow; the training loop only waits for it at the end, for
a bounded time. Whatever fails here is a fault in the journal, never an exception in training.
"""

from __future__ import annotations

import logging
import math
import threading
from collections import deque
from collections.abc import Callable
from typing import Protocol

from footprint.catalog.version import footprint_version
from footprint.meters import Meter
from footprint.tracking.journal.lines import (
    EndLine,
    EstimateLine,
    ForecastHours,
    FoundLine,
    JournalLine,
    StartLine,
    StateLine,
)
from footprint.tracking.process.clock import utc_now
from footprint.tracking.process.identity import Identity
from footprint.tracking.process.interruptible_wait import InterruptibleWait
from footprint.tracking.recorder.counts import Counts
from footprint.tracking.recorder.flush_schedule import FlushSchedule
from footprint.tracking.recorder.metering import Metering
from footprint.tracking.recorder.preparation import Preparation, Prepared
from footprint.tracking.recorder.problem_list import ProblemList
from footprint.tracking.recorder.run_clock import RunClock
from footprint.tracking.recorder.run_journal import RunJournal
from footprint.tracking.recorder.state_maker import StateMaker
from footprint.tracking.settings.arguments import Settings
from footprint.tracking.settings.under_supervisor import LOOK_S

logger = logging.getLogger("footprint.tracking")

OPEN_WAIT_S = 0.25
"""The journal's first line is on disk before the first step, unless the disk takes longer than this."""
READ_WAIT_S = 1.0
LAST_READ_WAIT_S = 3.0
METER_END_WAIT_S = 6.0
"""A run shorter than the start-up waits this long at its end, so that no thread outlives it."""


class Listener(Protocol):
    """What is told on the recorder's thread; whatever it raises is a problem of the run."""

    def prepared(self) -> None:
        """Hardware and estimate are known, or known to be unknown."""

    def flushed(self, state: StateLine) -> None:
        """A line was written."""

    def looked(self) -> None:
        """Between two lines, in a program that joined ``footprint run``."""

    def ended(self) -> None:
        """The last line was written."""


class Milestones:
    """What other threads wait for: the journal's first line, the preparation, the end."""

    def __init__(self) -> None:
        self.opened, self.ready, self.done = threading.Event(), threading.Event(), threading.Event()

    def reach_all(self) -> None:
        """Let nobody wait any longer."""
        for event in (self.opened, self.ready, self.done):
            event.set()


class Recorder:
    """Everything that happens beside the loop; `begin` starts it, `finish` ends it.

    What may hang (the meter, the drivers asked for the hardware) has threads of its own, so that the
    journal goes on.
    """

    def __init__(
        self,
        settings: Settings,
        who: Identity,
        run_id: str,
        counts: Counts,
        make_meter: Callable[[], Meter],
        *,
        name_is_shared: bool,
    ) -> None:
        look_s = LOOK_S if who.metered_by_parent and not settings.by_hooks else math.inf
        self.settings = settings
        self.clock = RunClock()
        self.problems = ProblemList()
        self.milestones = Milestones()
        self.metering = Metering(make_meter, self.clock)
        self._wait = InterruptibleWait(METER_END_WAIT_S)
        self.schedule = FlushSchedule(settings.flush_s, look_s, self._wait)
        self.journal = RunJournal(
            StartLine(
                run_id=run_id,
                process=who,
                started_at=utc_now(),
                boot_s=self.clock.started_boot_s,
                flush_s=settings.flush_s,
                look_s=min(settings.flush_s, look_s),
                given=settings.given(),
                version=footprint_version(),
                name_is_shared=name_is_shared,
            )
        )
        self._counts = counts
        self._states = StateMaker(self.clock, self.metering.ledger)
        self._preparation = Preparation(settings, who)
        self._later: deque[JournalLine] = deque()
        self._announced = False
        self._ended_as: tuple[str, str] | None = None
        self._listener: Listener | None = None
        self._thread = threading.Thread(target=self._work, name="footprint-recorder", daemon=True)

    @property
    def who(self) -> Identity:
        """The process."""
        return self.journal.start.process

    @property
    def run_id(self) -> str:
        """The run."""
        return self.journal.start.run_id

    @property
    def over(self) -> bool:
        """Whether nothing more will be written: the last line is, or the threads never began."""
        return self.milestones.done.is_set() or self._thread.ident is None

    @property
    def prepared(self) -> Prepared | None:
        """What is known of hardware and estimate; None until that is worked out."""
        return self._preparation.result

    @property
    def status(self) -> str:
        """How the run ended."""
        return self._ended_as[0] if self._ended_as is not None else "running"

    def begin(self, listener: Listener) -> None:
        """Start the threads; returns when the first line is written, at the latest after `OPEN_WAIT_S`."""
        self._listener = listener
        self._thread.start()
        self.milestones.opened.wait(OPEN_WAIT_S)

    def flush_soon(self) -> None:
        """Write a line without waiting for the interval."""
        self._wait.wake()

    def note_forecast(self, forecast: ForecastHours) -> None:
        """Put a forecast on every line from the next one on."""
        self._states.forecast = forecast

    def write_later(self, line: JournalLine) -> None:
        """Append a line before the next totals; from any thread."""
        self._later.append(line)

    def finish(self, status: str, error: str, wait_s: float) -> bool:
        """Write the last line and end all threads; False if that took longer than ``wait_s``."""
        self.end(status, error, wait_s)
        if self._thread.ident is None:
            return False
        finished = self.milestones.done.wait(wait_s)
        if finished:
            self._thread.join(1.0)
        return finished

    def end(self, status: str, error: str, wait_s: float) -> None:
        """Begin the end; once it has begun, only shorten it, so that it takes about ``wait_s`` at most.

        Takes no lock, since a signal's handler may call it anywhere.
        """
        self._wait.shorten(wait_s / 5)
        if self._ended_as is None:
            self.clock.stop()
            self._counts.close()
            self._ended_as = (status, error[:300])
        self._wait.wake()

    # ------------------------------------------------------------------ on the thread

    def _work(self) -> None:
        assert self._listener is not None  # noqa: S101 - set before the thread starts
        try:
            self._guard("journal", self._open_journal)
            self.milestones.opened.set()
            self._guard("start", self._start)
            began_s = 0.0
            while self._ended_as is None:
                self.schedule.rest(self.clock.run_s() - began_s, self._look)
                if self._ended_as is None:
                    began_s = self.clock.run_s()
                    self._guard("preparation", self._announce)
                    self._guard("flush", self._flush)
            self._guard("last flush", self._last)
            self._guard("report", self._listener.ended)
        finally:
            self.milestones.reach_all()

    def _look(self) -> None:
        assert self._listener is not None  # noqa: S101
        self._guard("look", self._listener.looked)

    def _guard(self, doing: str, call: Callable[[], object]) -> None:
        try:
            call()
        except Exception as error:
            self.problems.add(f"{doing}: {type(error).__name__}: {error}")
            logger.debug("footprint: %s failed", doing, exc_info=True)

    def _open_journal(self) -> None:
        for problem in self.journal.open(self.settings.journal_dir):
            self.problems.add(problem)

    def _start(self) -> None:
        self._preparation.start(self.flush_soon)
        self.metering.start()

    def _announce(self) -> None:
        """Once hardware and estimate are known: their lines, and the line at the start."""
        if self._announced or self.prepared is None or self._listener is None:
            return
        self._announced = True
        for problem in self.prepared.problems:
            self.problems.add(problem)
        said = self.journal.start.given
        found = {name: value for name, value in self.prepared.given.items() if said.get(name) != value}
        if found:
            self.write(FoundLine(given=found))
        if self.prepared.estimate is not None and self.who.rank == 0:
            self.write(EstimateLine(record=self.prepared.estimate.to_json()))
        self.milestones.ready.set()
        self._listener.prepared()

    def write(self, line: JournalLine) -> None:
        """Append one line to the journal; on the recorder's thread only."""
        problem = self.journal.append(line)
        if problem:
            self.problems.add(f"journal: {problem}")

    def _flush(self, wait_s: float | None = None) -> None:
        """One reading and one journal line."""
        opened = self.metering.open()
        if opened is not None:
            line, problems = opened
            for problem in problems:
                self.problems.add(problem)
            self.write(line)
        self.metering.read(READ_WAIT_S if wait_s is None else wait_s)
        snapshot = self._counts.snapshot()
        for note in snapshot.bad:
            self.metering.note(note)
        self._write_faults()
        while self._later:
            self.write(self._later.popleft())
        state = self._states.make(snapshot)
        self.write(state)
        listener = self._listener
        if listener is not None:
            self._guard("watch", lambda: listener.flushed(state))

    def _write_faults(self) -> None:
        for fault in self.metering.take_faults():
            self.problems.add(fault.what)
            self.write(fault)

    def _last(self) -> None:
        # shorter than the start-up: let it finish, so that it can be ended
        if not self._wait.wait(self._preparation.settle):
            self.problems.add("the hardware was not known in time: its drivers may hang")
        self._announce()
        settled = self._wait.wait(self.metering.settle)
        self.metering.wait_for_something_to_read(self._wait.most_s / 2)
        self._flush(min(LAST_READ_WAIT_S, self._wait.most_s))
        if not (self._wait.wait(self.metering.stop) if settled else self.metering.stop(0.0)):
            self.problems.add(self.metering.why_not_stopped)
        self._write_faults()
        status, error = self._ended_as or ("completed", "")
        state = self.journal.last_state
        if state is not None:
            self.write(EndLine.after(state, status, error))
        self.journal.close()
