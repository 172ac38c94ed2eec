"""A program that knows nothing of footprint: its steps and samples, from torch's hooks.

It counts into the run of the ``footprint run`` above it. Whatever fails here ends the counting, is said once,
and never reaches the training.
"""

from __future__ import annotations

import atexit
import os
from typing import Any

from footprint.tracking.hooks.counting_run import at_end_of_a_child, counting_run, ranks_of_torch
from footprint.tracking.hooks.module_watch import ModuleWatch
from footprint.tracking.journal.lines import FaultLine, FoundLine
from footprint.tracking.process import fork_registry
from footprint.tracking.process.ending import described
from footprint.tracking.process.standing_back import counts_unasked
from footprint.tracking.run.run import Run
from footprint.tracking.settings.under_supervisor import TRACES

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

        ranks = ranks_of_torch()
        self._rank = int(ranks.get("RANK", os.environ.get("RANK", "0")) or 0)
        self.run: Run = counting_run(ranks)
        self._over = False
        self._lately: set[int] = set()
        """The optimisers that have stepped in this iteration; the first of them counts."""
        self._watch = ModuleWatch(
            self._tell,
            self._note,
            traces=self._rank == 0 and bool(os.environ.get(TRACES)),
            world_size=int(ranks.get("WORLD_SIZE", "1")),
        )
        self._handle = register_optimizer_step_post_hook(self._stepped)
        fork_registry.begun(self)
        counts_unasked(self.stand_back)
        atexit.register(self._at_exit)
        at_end_of_a_child(self._at_exit)

    def _stepped(self, optimizer: Any, *_: Any) -> None:
        try:
            if not self._over:
                self.step(optimizer)
        except Exception as error:  # noqa: BLE001 - the training goes on without us
            self.stop()
            self._note(f"the counting ended: {described(error)}")

    def step(self, optimizer: Any) -> None:
        """An optimiser has stepped."""
        number = id(optimizer)
        self._watch.saw(optimizer)
        if self._lately and number not in self._lately:
            self._lately.add(number)
            return
        if self._watch.goes_on():
            return
        self._lately = {number}
        samples, tokens = self._watch.stepped(optimizer)
        self.run.step(samples=samples, tokens=tokens)

    def _tell(self, found: dict[str, Any]) -> None:
        if self._rank == 0:
            self.run.note_unseen(FoundLine(given=found))

    def _note(self, text: str) -> None:
        self.run.note_unseen(FaultLine(what=f"hooks: {text}"[:300]))

    def stop(self) -> None:
        """Take every hook away; what was counted stays."""
        self._over = True
        self._handle.remove()
        self._watch.stop()

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
        self._watch.settle()
        self.run.end_unseen()
