"""A tracked run: what the training loop holds."""

from __future__ import annotations

import atexit
import contextlib
import contextvars
import functools
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import TracebackType

from footprint.errors import FootprintError
from footprint.plain_text import escaped
from footprint.records import replace
from footprint.spelling import on_command_line
from footprint.tracking.journal.lines import EndLine, FaultLine, JournalLine
from footprint.tracking.process import fork_registry, standing_back
from footprint.tracking.process.ending import BudgetReachedError, how_it_ended
from footprint.tracking.process.identity import Identity, identify, run_name
from footprint.tracking.process.signal_guard import SignalGuard
from footprint.tracking.recorder.counts import Counts
from footprint.tracking.recorder.recorder import Recorder
from footprint.tracking.run.decorator import Function, decorated
from footprint.tracking.run.queries import RunQueries
from footprint.tracking.run.rank_meter import meter_of
from footprint.tracking.run.run_watcher import RunWatcher, Unwatched
from footprint.tracking.settings.arguments import Settings
from footprint.tracking.settings.under_supervisor import join

logging.getLogger("footprint").addHandler(logging.NullHandler())

END_WAIT_S = 30.0
DYING_WAIT_S = 2.0
ENDING_WAIT_S = 5.0
"""A signal while a run ends waits so long for its last line: a meter's read may be under way."""
_active: contextvars.ContextVar[Run | None] = contextvars.ContextVar("footprint_run", default=None)


class Run(RunQueries):
    """One run, or a phase of the run it is nested in. Use ``with footprint.track(...) as run``.

    ``run.step(tokens=n)`` in the loop is all that is asked of a training program.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._counts = Counts(self._over_budget)
        self._outer: Run | None = None
        self._used = False
        self._over = False
        self._signals = SignalGuard(self._dying, self._passing)
        self._token: contextvars.Token[Run | None] | None = None
        self._finish_lock = threading.RLock()  # a signal's handler may finish a run that is being finished
        self._finished = False
        self._summary = ""
        self._noted: set[str] = set()
        self.run_id = ""
        self.status = "new"
        self.step: Callable[..., None] = self._counts.step
        """``step(tokens=0, samples=0)``: one optimiser step, with what this process handled in it."""
        self.log: Callable[..., None] = self._counts.losses.log
        """``log(loss=x)``: the loss of the latest step, as a number."""

    # ------------------------------------------------------------------ life

    def __enter__(self) -> Run:
        if self._used:
            raise FootprintError("this run was entered before; call track() again for another one")
        self._used = True
        outer = _active.get()
        if outer is not None and not outer._finished and not outer._foreign and not self._settings.run_id:
            return self._nest(outer)
        self._token = _active.set(self)
        try:
            standing_back.program_tracks_itself()
            self._begin(identify())
        except Exception as error:  # nothing of ours may stop a training before it starts
            self.say(f"tracking could not start: {error}")
            logging.getLogger("footprint.tracking").warning("tracking could not start", exc_info=True)
        except BaseException as error:  # Ctrl-C meanwhile: the user's, and the end of what has begun
            self.__exit__(type(error), error, error.__traceback__)
            raise
        return self

    def begin_unseen(self, who: Identity) -> None:
        """Begin beside a program that knows nothing of the run: no block, no signal, no phase of it."""
        self._used = True
        self._begin(who)

    def note_unseen(self, *lines: JournalLine, soon: bool = False) -> None:
        """Have lines written before the next totals, or ``soon``; from any thread."""
        if self._recorder is not None and not self._foreign:
            for line in lines:
                self._recorder.write_later(line)
            if soon:
                self._recorder.flush_soon()

    def complain(self, text: str) -> None:
        """Say something that went wrong beside the run, in its report and in its last line."""
        if text and self._recorder is not None:
            self._recorder.problems.add(text)
            self.note_unseen(FaultLine(what=text))

    def end_unseen(self) -> None:
        """End what `begin_unseen` began."""
        self._finish("completed")

    def _nest(self, outer: Run) -> Run:
        """A run inside a run is a phase of it; steps go to the outer one."""
        self._outer = outer
        self.run_id, self.status = outer.run_id, "phase"
        self.step, self.log = outer.step, outer.log
        outer._counts.enter(self._settings.name or "nested")
        lost = self._settings.unlike(outer._settings)
        if lost and not outer._settings.quiet:
            outer._say_once(f"a phase of run {outer.run_id}, which does not use its {', '.join(lost)}")
        return self

    def _say_once(self, text: str) -> None:
        if self._recorder is not None and self._recorder.who.rank == 0 and text not in self._noted:
            self._noted.add(text)
            self.say(text)

    def _begin(self, who: Identity) -> None:
        if who.metered_by_parent:
            self._settings, note = join(self._settings, os.environ)
            if who.rank == 0:
                self.say(note)
        settings = self._settings
        sequence = fork_registry.next_sequence()
        self.run_id, name_is_shared = run_name(settings.run_id, who, sequence, os.environ)
        who = replace(who, launch=f"{who.launch}#{sequence}")  # one process may resume a run it began
        self.status = "running"
        options = {"host": who.counts_node, "root_pid": os.getppid() if who.local_world_size > 1 else None}
        make_meter = functools.partial(meter_of, settings, who.counts_node, who.local_world_size, options)
        self._recorder = Recorder(
            settings, who, self.run_id, self._counts, make_meter, name_is_shared=name_is_shared
        )
        if not settings.by_hooks:
            self._watcher = RunWatcher(self._recorder, self._counts, self.say)
        self._counts.restart_clock()
        fork_registry.begun(self)
        atexit.register(self._at_exit)
        if not settings.by_hooks:
            self._signals.install()  # before the journal has a line that a signal could leave alone
        self._recorder.begin(self._watcher or Unwatched())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if self._outer is not None:
            self._outer._counts.leave()
            return False
        self._leave()
        status, text = how_it_ended(error)
        try:
            self._finish(status, text)
        except KeyboardInterrupt:
            if kind is None:
                raise
        except Exception:  # the user's own exception, if any, goes on
            logging.getLogger("footprint.tracking").exception("tracking could not end")
        return isinstance(error, BudgetReachedError)

    def start(self) -> Run:
        """Begin without a ``with`` block (notebooks); end with `stop`."""
        self.__enter__()
        if self._outer is not None:
            self.say(f"run {self.run_id} still goes on, so this is a phase of it; stop() it for a new run")
        return self

    def stop(self) -> None:
        """End a run that `start` began."""
        self.__exit__(None, None, None)

    def end_as(self, status: str, error: str = "") -> None:
        """End a run whose fate another program decided."""
        self._leave()
        self._finish(status, error)

    def _leave(self) -> None:
        token, self._token = self._token, None
        with contextlib.suppress(ValueError, RuntimeError):  # entered in another context, or ended before
            if token is not None:
                _active.reset(token)

    def hurry(self) -> None:
        """Shorten the end, which may have begun already; a signal handler calls this."""
        if self._recorder is not None and self._finished:
            self._recorder.end(self.status, "", DYING_WAIT_S)

    def after_fork(self) -> None:
        """In a forked child the run is foreign: it counts nothing and ends nothing."""
        self._foreign = True
        self._counts.after_fork()
        self._signals.after_fork()

    def statuses(self) -> set[str]:
        """How the processes of this segment ended, which is the latest."""
        report = self._whole()
        return {p.status for p in report.totals.segments[-1].processes} if report is not None else set()

    def __call__(self, function: Function) -> Function:
        """The run as a decorator: each call of the function is a run of its own."""
        return decorated(function, lambda: Run(self._settings))

    def _finish(self, status: str, error: str = "", wait_s: float | None = None) -> None:
        with self._finish_lock:
            if self._finished or self._foreign or self._recorder is None:
                return
            self._finished = True
        self.status = status
        interrupted: KeyboardInterrupt | None = None
        try:
            done = self._recorder.finish(status, error, END_WAIT_S if wait_s is None else wait_s)
        except KeyboardInterrupt as ctrl_c:  # the last line first, with what is known now
            interrupted = ctrl_c
            done = self._recorder.finish(status, error, ENDING_WAIT_S)
        atexit.unregister(self._at_exit)
        self._signals.remove()
        fork_registry.ended(self)
        self._summary = self._watcher.summary if done and self._watcher is not None else ""
        if not done:
            ended = isinstance(self._recorder.journal.last_state, EndLine)
            what = "rows are" if ended else "last line is"
            self._summary = f"its {what} not written yet: `footprint recover` will finish this run"
        if self._summary or self._recorder.who.rank == 0:
            self.say(self._summary or "nothing could be measured")
        if done and self._watcher is not None:
            self.say(self._watcher.offer)
        if interrupted is not None:
            raise interrupted

    def _at_exit(self) -> None:
        """The program ends and nobody ended the run: by the exception that ends the program, if one does."""
        ending = None if hasattr(sys, "ps1") else getattr(sys, "last_value", None)
        self._finish(*how_it_ended(ending))

    def _dying(self, name: str) -> None:
        self._finish("terminated", name, DYING_WAIT_S)
        if self._recorder is None:
            return
        # Its last line may be under way already; asked, not waited for, as a handler must take no lock.
        self._recorder.end("terminated", name, DYING_WAIT_S)
        until = time.monotonic() + ENDING_WAIT_S
        while not self._recorder.over and time.monotonic() < until:
            time.sleep(0.01)

    def _passing(self, name: str) -> None:  # noqa: ARG002 - the user's handler takes it from here
        if self._recorder is not None:
            self._recorder.flush_soon()

    # ------------------------------------------------------------------ in the loop

    @contextlib.contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time and energy until the block ends belong to this phase (``eval``, ``checkpoint``, ...)."""
        counts = self._outer._counts if self._outer is not None else self._counts
        counts.enter(str(name)[:60])
        try:
            yield
        finally:
            counts.leave()

    def _over_budget(self) -> None:
        if self._over or self._foreign:
            return
        self._over = True
        if self._settings.on_stop is not None:
            self._settings.on_stop()
        budget = self._settings.budget
        raise BudgetReachedError(
            f"footprint: stopped for the budget of {budget.text if budget else 'this run'}"
        )

    @property
    def settings(self) -> Settings:
        """What the run was given; of a program that joined `footprint run`, what became of it."""
        return self._settings

    @property
    def stopped(self) -> bool:
        """Whether a budget ended the run."""
        return self.status == "stopped_by_budget"

    def say(self, text: str) -> None:
        """Print lines of ours, of at most 80 columns, on stderr, unless asked to be quiet."""
        if text and not self._settings.quiet and sys.stderr is not None:
            with contextlib.suppress(Exception):
                from footprint.results.human import folded

                if self._settings.supervises:  # the user wrote options, not arguments
                    text = on_command_line(text)
                sys.stderr.write(escaped(folded(f"footprint: {text}") + "\n"))
                sys.stderr.flush()
