"""The background half of a run: reads the meter, keeps the journal, watches the budget.

One daemon thread does all that can be slow; the training loop only waits for it at the end, for
a bounded time. Whatever fails here is a fault in the journal, never an exception in training.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from footprint.catalog.version import footprint_version
from footprint.meters import Meter
from footprint.tracking.arguments.settings import Settings
from footprint.tracking.arguments.under_supervisor import LOOK_S
from footprint.tracking.journal.journal import JournalWriter, boot_clock_s, open_journal, utc_now
from footprint.tracking.meter.meter_thread import MeterThread
from footprint.tracking.meter.readings import LEAST_READ_S, Ledger
from footprint.tracking.meter.usage import PhaseEnergy, Usage
from footprint.tracking.process.identity import Identity
from footprint.tracking.process.interruptible_wait import Patience
from footprint.tracking.recorder.counts import Counts, Snapshot
from footprint.tracking.recorder.preparation import Preparation, Prepared

logger = logging.getLogger("footprint.tracking")

OPEN_WAIT_S = 0.25
"""The journal's first line is on disk before the first step, unless the disk takes longer than this."""
READ_WAIT_S = 1.0
LAST_READ_WAIT_S = 3.0
METER_END_WAIT_S = 6.0
"""A run shorter than the start-up waits this long at its end, so that no thread outlives it."""
SHORT_READ_S = 2 * LEAST_READ_S
LEAST_REST = 0.1
"""Part of the flush interval that is left between two lines, however long one took."""


class Recorder:
    """Everything that happens beside the loop; `begin` starts it, `finish` ends it.

    ``on_open`` is called on its thread when everything is prepared, ``on_tick`` after each journal
    line with the line and the snapshot behind it, ``on_end`` after the last. What may hang (the meter,
    the drivers asked for the hardware) has threads of its own, so that the journal goes on.
    """

    def __init__(
        self,
        settings: Settings,
        who: Identity,
        run_id: str,
        counts: Counts,
        make_meter: Callable[[], Meter],
        on_open: Callable[[], None],
        on_tick: Callable[[dict[str, Any], Snapshot], None],
        on_end: Callable[[], None],
        extra: dict[str, Any],
    ) -> None:
        self.settings = settings
        self.who = who
        self.run_id = run_id
        self.ledger = Ledger()
        self.folder: Path | None = None
        self.writer: JournalWriter | None = None
        self.problems: list[str] = []
        self.said = 0
        """How many of the problems the line at the start has named."""
        self.lines: list[dict[str, Any]] = []
        """Lines other than states, for measurements when no journal could be written."""
        self.last_state: dict[str, Any] = {}
        self.notes: dict[str, Any] = {}
        """What the watcher wants on the next line."""
        self.opened, self.ready, self.done = threading.Event(), threading.Event(), threading.Event()
        self.on_look: Callable[[], None] = lambda: None
        """What a program that joined does each `LOOK_S`."""
        self._look_s = LOOK_S if who.metered_by_parent else math.inf
        self.look_again_s = math.inf
        """When a budget that stops wants the next line, if sooner than the interval [s]."""
        self._counts = counts
        self._on_open = on_open
        self._on_tick = on_tick
        self._on_end = on_end
        self._ending = False
        self.ended_as: tuple[str, str] = ("completed", "")
        self._ended_s = self._ended_boot_s = math.inf
        self._patience = Patience(METER_END_WAIT_S)
        self._preparation = Preparation(settings, who)
        self._meter = MeterThread(make_meter, lambda: time.monotonic() - self._started)
        self._announced = self._meter_opened = False
        self._boot_started = boot_clock_s()
        self._started = time.monotonic()
        self._usage, self._phase_energy = Usage(), PhaseEnergy()
        self.first_line: dict[str, Any] = {
            "run_id": run_id,
            "process": who.to_json(),
            "started_at": utc_now(),
            "boot_s": self._boot_started,
            "flush_s": settings.flush_s,
            "look_s": min(settings.flush_s, self._look_s),
            "given": settings.given(),
            "version": footprint_version(),
            **extra,
        }
        self._thread = threading.Thread(target=self._work, name="footprint-recorder", daemon=True)

    def run_s(self) -> float:
        """Seconds since the run began, until its end, sleep left out [s]."""
        return min(time.monotonic() - self._started, self._ended_s)

    def boot_s(self) -> float:
        """The machine's boot clock, until the run's end [s]."""
        return min(boot_clock_s(), self._ended_boot_s)

    @property
    def over(self) -> bool:
        """Whether nothing more will be written: the last line is, or the threads never began."""
        return self.done.is_set() or self._thread.ident is None

    @property
    def meter_settled(self) -> bool:
        """Whether the meter has started, or failed to."""
        return self._meter.ready or self._meter.failed

    @property
    def prepared(self) -> Prepared | None:
        """What is known of hardware and estimate; None until that is worked out."""
        return self._preparation.result

    def begin(self) -> None:
        """Start the threads; returns when the first line is written, at the latest after `OPEN_WAIT_S`."""
        self._thread.start()
        self.opened.wait(OPEN_WAIT_S)

    def flush_soon(self) -> None:
        """Write a line without waiting for the interval."""
        self._patience.wake()

    def finish(self, status: str, error: str, wait_s: float) -> bool:
        """Write the last line and end all threads; False if that took longer than ``wait_s``."""
        self.end(status, error, wait_s)
        if self._thread.ident is None:
            return False
        finished = self.done.wait(wait_s)
        if finished:
            self._thread.join(1.0)
        return finished

    def end(self, status: str, error: str, wait_s: float) -> None:
        """Begin the end; once it has begun, only lose patience, so that it takes about ``wait_s`` at most.

        Takes no lock, since a signal's handler may call it anywhere.
        """
        self._patience.lose(wait_s / 5)
        if not self._ending:
            # what we do from here on is no part of the run
            self._ended_s, self._ended_boot_s = self.run_s(), boot_clock_s()
            self._counts.close()
            self.ended_as = (status, error[:300])
            self._ending = True
        self._patience.wake()

    # ------------------------------------------------------------------ on the thread

    def _work(self) -> None:
        try:
            self._guard("journal", self._open_journal)
            self.opened.set()
            self._guard("start", self._start)
            began_s = 0.0
            while not self._ending:
                interval_s = min(self.settings.flush_s, self.look_again_s)
                self._rest(max(began_s + interval_s - self.run_s(), LEAST_REST * interval_s))
                if not self._ending:
                    began_s = self.run_s()
                    self._guard("preparation", self._announce)
                    self._guard("flush", self._tick)
            self._guard("last flush", self._last)
            self._guard("report", self._on_end)
        finally:
            self.opened.set()
            self.ready.set()
            self.done.set()

    def _rest(self, wait_s: float) -> None:
        """Until the next line is due, or we are woken; a program that joined looks for a stop meanwhile."""
        until = time.monotonic() + wait_s
        while (left_s := until - time.monotonic()) > 0 and not self._patience.rest(min(left_s, self._look_s)):
            if self._look_s < left_s:
                self._guard("look", self.on_look)

    def _guard(self, doing: str, call: Callable[[], object]) -> None:
        try:
            call()
        except Exception as error:
            self.problem(f"{doing}: {type(error).__name__}: {error}")
            logger.debug("footprint: %s failed", doing, exc_info=True)

    def problem(self, text: str) -> None:
        """Keep one thing that went wrong, for the last line and the report."""
        if len(self.problems) < 50 and text not in self.problems:
            self.problems.append(text)
            logger.warning("%s", text)

    def _open_journal(self) -> None:
        name = f"{self.who.host}-{self.who.rank}-{self.who.pid}-{int(self._boot_started * 1000)}"
        self.writer, problems = open_journal(self.settings.journal_dir, self.run_id, name, self.first_line)
        self.folder = self.writer.path.parent if self.writer is not None else None
        for problem in problems:
            self.problem(problem)

    def _start(self) -> None:
        self._preparation.start(self.flush_soon)
        self._meter.start()

    def _announce(self) -> None:
        """Once hardware and estimate are known: their lines, and the line at the start."""
        if self._announced or self.prepared is None:
            return
        self._announced = True
        for problem in self.prepared.problems:
            self.problem(problem)
        said = self.first_line["given"]
        found = {name: value for name, value in self.prepared.given.items() if said.get(name) != value}
        if found:
            self.line("found", {"given": found})
        if self.prepared.estimate is not None and self.who.rank == 0:
            self.line("estimate", {"record": self.prepared.estimate.to_json()})
        self.ready.set()
        self._on_open()

    def line(self, kind: str, record: dict[str, Any]) -> None:
        """Append one line to the journal; on the recorder's thread only."""
        if kind != "state":
            self.lines.append({**record, "type": kind})
        head = kind in ("found", "estimate", "meter")
        if self.writer is not None and not self.writer.write(kind, record, head=head):
            self.problem(f"journal: {self.writer.problem}")

    def _tick(self, wait_s: float | None = None) -> dict[str, Any]:
        """One reading and one journal line."""
        self._open_meter()
        reading = self._meter.ask(READ_WAIT_S if wait_s is None else wait_s) if self._meter_opened else None
        if reading is not None:
            at_s, values = reading
            self.ledger.take(values.energy_kwh, at_s, until_s=self._ended_s)
            self.ledger.take_devices(values.device_kwh, values.device_busy, values.own_devices)
        for fault in self._meter.faults():
            self.ledger.fault(fault, at_s=self.run_s())
        snapshot = self._counts.snapshot()
        for note in snapshot.bad:
            self.ledger.fault(note, at_s=self.run_s())
        self._write_faults()
        state = self._state(snapshot)
        self.last_state = state
        self.line("state", state)
        self._guard("watch", lambda: self._on_tick(state, snapshot))
        return state

    def _open_meter(self) -> None:
        if self._meter_opened or not self._meter.ready:
            return
        self._meter_opened = True
        self.ledger.open(self._meter.channels or (), self._meter.started_s)
        record, problems = self._meter.describe()
        for problem in problems:
            self.problem(problem)
        boot_s = min(self._boot_started + self._meter.started_s, self._ended_boot_s)
        self.line("meter", {"boot_s": boot_s, **record})

    def _write_faults(self) -> None:
        while self.ledger.faults:
            fault = self.ledger.faults.pop(0)
            component = f"{fault['component']}: " if fault["component"] else ""
            self.problem(f"{component}{fault['what']}")
            self.line("fault", {**fault, "what": f"{component}{fault['what']}"})

    def _state(self, snapshot: Snapshot) -> dict[str, Any]:
        run_s, boot_s = self.run_s(), self.boot_s()
        kwh = self.ledger.energy_kwh()
        state: dict[str, Any] = {
            "boot_s": round(boot_s, 6),
            "run_s": round(run_s, 6),
            "suspended_s": round(max(0.0, boot_s - self._boot_started - run_s), 1),
            "steps": snapshot.steps,
            "tokens": snapshot.tokens,
            "samples": snapshot.samples,
            "step_s": snapshot.step_s,
            "kwh": kwh,
            "unseen_s": {k: round(v, 3) for k, v in self.ledger.unseen_s(run_s).items()},
            "stood_in_s": self.ledger.stood_in_s(),
            **self._usage.since(),
            "phases": self._phase_energy.divide(snapshot.phase_s, sum(kwh.values())),
        }
        if self.ledger.device_kwh:
            state["device_kwh"] = dict(self.ledger.device_kwh)
            state["used"] = self.ledger.devices_in_use()
        state.update(self.notes)
        if self.ledger.fault_count:
            state["faults"] = self.ledger.fault_count
        return {key: value for key, value in state.items() if value not in (None, {}, [])}

    def _last(self) -> None:
        # shorter than the start-up: let it finish, so that it can be ended
        if not self._patience.wait(self._preparation.settle):
            self.problem("the hardware was not known in time: its drivers may hang")
        self._announce()
        settled = self._patience.wait(self._meter.settle)
        if self._meter.ready and self._meter.started_s > self._ended_s - LEAST_READ_S:
            time.sleep(min(SHORT_READ_S, self._patience.most_s / 2))  # something to read
        state = self._tick(min(LAST_READ_WAIT_S, self._patience.most_s))
        if not (self._patience.wait(self._meter.stop) if settled else self._meter.stop(0.0)):
            state_of_it = "hangs" if self._meter.ready else "was still starting"
            self.problem(f"the meter {state_of_it}; its thread ends with the process")
        for fault in self._meter.faults():
            self.ledger.fault(fault, at_s=self.run_s())
        self._write_faults()
        status, error = self.ended_as
        self.line("end", {**state, "status": status, **({"error": error} if error else {})})
        if self.writer is not None:
            self.writer.close()
