"""``footprint run -- CMD``: measure a program that cannot be changed.

The program keeps its terminal, its output and its exit code. Signals that reach us are handed
on. If the program uses ``track()`` itself, its ranks join this run: they count steps and
tokens, we count the energy of the node.
"""

from __future__ import annotations

import contextlib
import errno
import math
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from footprint.plain_text import in_line
from footprint.records import replace
from footprint.tracking.budget.keeper import words
from footprint.tracking.budget.limits import BudgetEvent, ProgramStop
from footprint.tracking.budget.stop_file import MARGIN_FLUSHES, STOP_FILE, publish_stop
from footprint.tracking.journal.files import read_small
from footprint.tracking.journal.lines import ProgramLine
from footprint.tracking.journal.other_ranks import OtherRanks, SteppingProcess
from footprint.tracking.process.liveness import process_start
from footprint.tracking.run.run import Run
from footprint.tracking.settings.arguments import Settings
from footprint.tracking.settings.under_supervisor import COMPLAINT, handed_down, with_hooks

EXIT_OVER_BUDGET, EXIT_NOT_EXECUTABLE, EXIT_NOT_FOUND = 3, 126, 127
KILL_AFTER_S = 30.0
"""Between asking the program to end (SIGTERM) and ending it (SIGKILL), at a budget stop."""
LEAST_STOP_WAIT_S = 60.0
POLL_S = 0.2
LEAVE_S = 0.5
"""A program that was asked to stop takes about so long to be gone, if it saves nothing first."""
_HANDED_ON = ("SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGCONT")


class Supervised:
    """One program and the run around it."""

    def __init__(self, settings: Settings, command: Sequence[str], *, hooks: bool = True) -> None:
        """With ``hooks`` torch's own count the steps of a program that does not track itself."""
        settings = replace(settings, supervises=True)
        self._hooks = hooks
        self._command = list(command)
        self._settings = settings
        self._over = threading.Event()
        stop = ProgramStop(ask=self._on_budget, takes_s=self._takes_s)
        self.run = Run(replace(settings, on_budget=stop) if settings.on_budget == "stop" else settings)
        self._process: subprocess.Popen[bytes] | None = None
        self._grace_s = 0.0
        self._received: list[int] = []

    def execute(self) -> int:
        """Run the program to its end; its exit code, 128 + n for a signal, 3 for our budget stop."""
        problem = _cannot_run(self._command[0])
        if problem:
            return problem
        before = self._take_signals()
        try:
            self.run.start()
            code = self._start_and_wait()
            if self._hooks:
                self.run.complain(complaint(self.run.folder))
            status, text = _status(code, over=self._over.is_set())
            self.run.end_as(status, text)
        finally:  # a signal that comes while the run ends must not end us before its last line
            for number, handler in before.items():
                signal.signal(number, handler)
        stopped = self._over.is_set() or "stopped_by_budget" in self.run.statuses()
        return EXIT_OVER_BUDGET if stopped else _exit_code(code)

    def _start_and_wait(self) -> int:
        folder = self.run.folder
        if folder is not None:
            for earlier in (STOP_FILE, COMPLAINT):  # an earlier segment's
                with contextlib.suppress(OSError):  # a folder of that name, or another user's file
                    (folder / earlier).unlink()
        environment = {**os.environ, **handed_down(self.run.run_id, folder, self.run.settings)}
        if self._hooks:
            environment |= with_hooks(self.run.settings, environment)
        try:
            self._process = subprocess.Popen(self._command, env=environment)  # noqa: S603 - the user's own program
        except OSError as error:
            return _refused(self._command[0], error)
        child = self._process.pid
        self.run.note_unseen(ProgramLine(pid=child, process_start=process_start(child)), soon=True)
        for number in self._received:
            self._hand_on(number)
        deadline: float | None = None
        terminated = False
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                return self._process.wait(POLL_S)
            if not self._over.is_set():
                continue
            if deadline is None:
                deadline = time.monotonic() + self._grace_s
            elif time.monotonic() > deadline:
                self._process.send_signal(signal.SIGKILL if terminated else signal.SIGTERM)
                terminated, deadline = True, time.monotonic() + KILL_AFTER_S

    # ------------------------------------------------------------------ budget

    def _on_budget(self, event: BudgetEvent) -> None:
        """On the recorder's thread: warn, or have the waiting thread stop the program."""
        self.run.say(words(event))
        if event.reached:
            try:
                self._grace_s = self._ask_to_stop()
            finally:
                self._over.set()

    def _ranks(self) -> list[SteppingProcess]:
        """The processes of the program that count steps."""
        return OtherRanks(self.run.folder).stepping() if self.run.folder is not None else []

    def _takes_s(self) -> float:
        """How long the program goes on after it was asked to stop [s]."""
        ranks = self._ranks()
        if not ranks:
            return POLL_S + LEAVE_S
        return LEAVE_S + max(rank.look_s * _looks(rank) + 1.0 / max(rank.steps_per_s, 1e-9) for rank in ranks)

    def _ask_to_stop(self) -> float:
        """Ask for a stop at a step; returns how long to wait before a signal is sent [s]."""
        ranks, folder = self._ranks(), self.run.folder
        if not ranks or folder is None:
            return 0.0
        ahead_s = max(rank.look_s for rank in ranks) * MARGIN_FLUSHES
        if all(rank.alone for rank in ranks):
            step = min(rank.steps for rank in ranks)  # nobody to agree with: the next step after a look
        else:  # the same step for all, late enough that each looks before it
            step = max(
                math.ceil(rank.steps + rank.steps_per_s * (rank.age_s + ahead_s)) + 2 for rank in ranks
            )
        publish_stop(folder, step, "budget of footprint run")
        slowest = min(rank.steps_per_s for rank in ranks)
        return max(LEAST_STOP_WAIT_S, 3 * ahead_s, 3 / max(slowest, 1e-9))

    # ------------------------------------------------------------------ signals

    def _take_signals(self) -> dict[int, Any]:
        before: dict[int, Any] = {}
        names = [*_HANDED_ON, "SIGINT"]
        for name in names:
            number = getattr(signal, name, None)
            if number is None or signal.getsignal(number) == signal.SIG_IGN:
                continue
            handler: Callable[[int, FrameType | None], None] = self._handle
            before[number] = signal.signal(number, handler)
        return before

    def _handle(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - a handler's signature
        if number == signal.SIGINT and _from_terminal():
            return  # the terminal sends it to the program as well
        if self._process is None:
            self._received.append(number)
        else:
            self._hand_on(number)

    def _hand_on(self, number: int) -> None:
        assert self._process is not None  # noqa: S101 - both callers have seen it
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)
        else:
            self.run.hurry()


def _looks(rank: SteppingProcess) -> float:
    """In how many of its looking intervals a process has stopped."""
    return 1.0 if rank.alone else MARGIN_FLUSHES


def _cannot_run(program: str) -> int:
    """The exit code for a program that is not there or may not be run, said before anything is measured."""
    if shutil.which(program) is not None:
        return 0
    number = errno.EACCES if os.path.exists(program) else errno.ENOENT  # noqa: PTH110 - any text may be given
    return _refused(program, OSError(number, os.strerror(number)))


def _refused(program: str, error: OSError) -> int:
    print(in_line(f"footprint: cannot run {program}: {error.strerror or error}"), file=sys.stderr)  # noqa: T201
    return EXIT_NOT_FOUND if error.errno == errno.ENOENT else EXIT_NOT_EXECUTABLE


def _from_terminal() -> bool:
    """Whether a terminal's Ctrl-C reaches the whole process group, the program included."""
    try:
        return os.isatty(0) and os.tcgetpgrp(0) == os.getpgrp()
    except OSError:
        return False


def _status(code: int, *, over: bool) -> tuple[str, str]:
    if over:
        return "stopped_by_budget", ""
    if code == 0:
        return "completed", ""
    if code < 0:
        name = signal.Signals(-code).name if -code in list(signal.Signals) else str(-code)
        if -code == signal.SIGKILL:
            return "killed", name
        return ("interrupted" if -code == signal.SIGINT else "terminated"), name
    return "failed", f"exit code {code}"


def _exit_code(code: int) -> int:
    return 128 - code if code < 0 else code


def complaint(folder: Path | None) -> str:
    """Why the hooks of a program could not begin; nothing if they could."""
    if folder is None:
        return ""
    try:
        return f"hooks: {read_small(folder / COMPLAINT, 300)[0].decode('utf-8', 'replace')}"
    except OSError:
        return ""
