"""A program that knows nothing of footprint: its steps and samples, from torch's hooks.

It counts into the run of the ``footprint run`` above it. Whatever fails here ends the counting, is said once,
and never reaches the training.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
from typing import Any

from footprint.tracking.hooks.batches import Place, find_batch, sizes
from footprint.tracking.hooks.counting_run import at_end_of_a_child, counting_run, ranks_of_torch
from footprint.tracking.hooks.facts import facts_of
from footprint.tracking.hooks.forked_trace import answer_of, begin_trace, why_not
from footprint.tracking.hooks.modules import LEAST_SHARE, Calls, Search, Trained, unwrapped
from footprint.tracking.journal.lines import FaultLine, FoundLine
from footprint.tracking.process import fork_registry
from footprint.tracking.process.ending import described
from footprint.tracking.process.standing_back import counts_unasked
from footprint.tracking.run.run import Run
from footprint.tracking.settings.under_supervisor import TRACES

TRACE_WAIT_S = 5.0
"""At its end a program waits so long for a trace that is under way."""
MOST_WITHOUT_CALL = 8
"""Steps without a call of the module after which another module is looked for."""
_program: Program | None = None


def begin(optimizer: Any) -> None:
    """The process has made its first optimiser step."""
    global _program
    if not fork_registry.any_alive():  # else the program tracks itself
        _program = Program()
        _program.step(optimizer)


class Program:
    """Counts the optimiser steps of this process; several optimisers in one iteration are one step."""

    def __init__(self) -> None:
        from torch.optim.optimizer import register_optimizer_step_post_hook

        self._ranks = ranks_of_torch()
        self._rank = int(self._ranks.get("RANK", os.environ.get("RANK", "0")) or 0)
        self.run: Run = counting_run(self._ranks)
        self._over = False
        self._lately: set[int] = set()
        """The optimisers that have stepped in this iteration; the first of them counts."""
        self._weights: dict[int, Any] = {}
        """What they train, until the module is known that holds it."""
        self._uncounted = 0
        """Steps whose samples no one saw."""
        self._samples = self._tokens = 0
        self._was_called = False
        self._without_call = 0
        self._search: Search | None = None
        self._calls: Calls | None = None
        self._trained: Trained | None = None
        self._batch: tuple[Place, bool] | None = None
        self._reader: threading.Thread | None = None
        self._handle = register_optimizer_step_post_hook(self._stepped)
        fork_registry.begun(self)
        counts_unasked(self.stand_back)
        atexit.register(self._at_exit)
        at_end_of_a_child(self._at_exit)

    # ------------------------------------------------------------------ steps

    def _stepped(self, optimizer: Any, *_: Any) -> None:
        try:
            if not self._over:
                self.step(optimizer)
        except Exception as error:  # noqa: BLE001 - the training goes on without us
            self.fail(error)

    def step(self, optimizer: Any) -> None:
        """An optimiser has stepped."""
        number = id(optimizer)
        if self._calls is None:
            self._add_weights(optimizer)
        if self._lately and number not in self._lately:
            self._lately.add(number)
            return
        if self._calls is not None and not self._was_called and self._goes_on():
            return
        self._lately = {number}
        if self._calls is None:
            self.run.step()
            self._uncounted += 1
            if self._uncounted <= 2:
                self._look()
            return
        steps, self._uncounted = 1 + self._uncounted, 0
        samples, tokens = self._samples, self._tokens
        self._samples = self._tokens = self._without_call = 0
        self._was_called = False
        self.run.step(samples=samples * steps, tokens=tokens * steps)
        if steps > 1:
            self._tell(optimizer, samples)

    def _goes_on(self) -> bool:
        """Whether this belongs to the step before, since the module was not called in between.

        Some libraries step once for each group of weights. A program may also have gone on to train another
        module, which is then looked for.
        """
        self._without_call += 1
        if self._without_call < MOST_WITHOUT_CALL:
            return True
        self._stop_watching()
        self._without_call = 0
        return False

    def _look(self) -> None:
        """After the first step, have the modules of the next noted; after that, watch the one it trained."""
        if self._search is None:
            if not _compiles():
                self._search = Search()
            elif self._uncounted == 1:
                self._note("the program compiles: its steps are counted, not its samples or operations")
            return
        self._trained = self._search.end(self._weights.values())
        self._search, self._weights = None, {}
        if self._trained is not None and self._trained.share >= LEAST_SHARE:
            self._calls = Calls(self._trained.module, self._called)
        elif self._trained is not None:
            self._note(
                f"a step calls {self._trained.apart} modules apart, so its samples and operations are not "
                "known: give --model"
            )

    def _add_weights(self, optimizer: Any) -> None:
        for group in optimizer.param_groups:
            self._weights.update((id(weight), weight) for weight in group["params"])

    # ------------------------------------------------------------------ calls of the module

    def _called(self, module: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> None:
        try:
            self._was_called = True
            call = arguments, keywords
            try:
                assert self._batch is not None  # noqa: S101
                samples, tokens = sizes(call, *self._batch)
            except (LookupError, TypeError, AttributeError, AssertionError):
                self._batch = find_batch(call)
                if self._batch is None:
                    return
                samples, tokens = sizes(call, *self._batch)
            self._samples += samples
            self._tokens += tokens
            if self._uncounted and self._reader is None:
                self._trace(module, arguments, keywords)
        except Exception as error:  # noqa: BLE001 - the training goes on without us
            self.fail(error)

    def _trace(self, module: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> None:
        """Have the operations of this one call traced in a copy of the process."""
        if self._rank or not os.environ.get(TRACES):
            return
        module = unwrapped(module)
        problem = why_not(module)
        if problem:
            self._note(f"{type(module).__name__} is not traced: {problem}")
            return
        read = begin_trace(module, arguments, keywords)
        self._reader = threading.Thread(target=self._take, args=(read,), name="footprint-trace", daemon=True)
        self._reader.start()

    def _take(self, read: int) -> None:
        file, problem = answer_of(read)
        if file:
            self.run.note_unseen(FoundLine(given={"model": file}))
        else:
            self._note(f"the module is not traced: {problem}")

    def _tell(self, optimizer: Any, samples: int) -> None:
        """What the first whole step says of the run."""
        if self._trained is None or self._rank or not samples:
            return
        size = int(self._ranks.get("WORLD_SIZE", "1"))
        module = unwrapped(self._trained.module)
        found = facts_of(module, optimizer, self._trained.autocast, size)
        self.run.note_unseen(FoundLine(given={"batch_size": samples * size, **found}))

    # ------------------------------------------------------------------ ends

    def _note(self, text: str) -> None:
        self.run.note_unseen(FaultLine(what=f"hooks: {text}"[:300]))

    def fail(self, error: BaseException) -> None:
        """Count no more, and say why."""
        self.stop()
        self._note(f"the counting ended: {described(error)}")

    def _stop_watching(self) -> None:
        for part in (self._search, self._calls):
            if part is not None:
                part.remove()
        self._search = self._calls = self._trained = self._batch = None

    def stop(self) -> None:
        """Take every hook away; what was counted stays."""
        self._over = True
        self._handle.remove()
        self._stop_watching()
        self._weights = {}

    def stand_back(self) -> None:
        """The program tracks itself from here on."""
        self.stop()
        self._at_exit()

    def after_fork(self) -> None:
        """In a forked child: its steps are a program's of its own."""
        from torch.optim.optimizer import register_optimizer_step_post_hook

        self.stop()
        handles: list[Any] = []

        def first(optimizer: Any, *_: Any) -> None:
            if handles:
                handles.pop().remove()
                begin(optimizer)

        handles.append(register_optimizer_step_post_hook(first))

    def _at_exit(self) -> None:
        if self._reader is not None:
            self._reader.join(TRACE_WAIT_S)
        self.run.end_unseen()


def _compiles() -> bool:
    """Whether torch has compiled anything: a global hook would have it compile anew."""
    counters = getattr(sys.modules.get("torch._dynamo.utils"), "counters", None)
    return bool(counters and counters["frames"]["total"])
