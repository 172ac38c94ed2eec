"""The module that a program trains: found in the second step, its batches counted and one call traced."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any

from footprint.tracking.hooks.batches import Place, find_batch, sizes
from footprint.tracking.hooks.facts import facts_of
from footprint.tracking.hooks.forked_trace import answer_of, begin_trace, why_not
from footprint.tracking.hooks.modules import LEAST_SHARE, Calls, Search, Trained, unwrapped
from footprint.tracking.process.ending import described

TRACE_WAIT_S = 10.0
"""At its end a program waits so long for a trace that is under way."""
LOOKS = 2
"""Steps until the module is known."""
MOST_WITHOUT_CALL = 8
"""Steps without a call of the module after which another module is looked for."""


class ModuleWatch:
    """Told of each step, it says how many samples and tokens the step had.

    Nothing of it raises or stays in the way: what fails ends the watching, and is noted once.
    """

    def __init__(
        self,
        tell: Callable[[dict[str, Any]], None],
        note: Callable[[str], None],
        *,
        traces: bool,
        world_size: int,
    ) -> None:
        """``tell`` takes fields of a scenario, ``note`` what is not known; both from any thread."""
        self._tell, self._note, self._traces, self._world_size = tell, note, traces, world_size
        self._weights: dict[int, Any] = {}
        """What the optimisers train, until the module is known that holds it."""
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

    def saw(self, optimizer: Any) -> None:
        """An optimiser has stepped, whether that ends a step or not."""
        if self._calls is None:
            for group in optimizer.param_groups:
                self._weights.update((id(weight), weight) for weight in group["params"])

    def goes_on(self) -> bool:
        """Whether this belongs to the step before, since the module was not called in between.

        Some libraries step once for each group of weights. A program may also have gone on to train another
        module, which is then looked for.
        """
        if self._calls is None or self._was_called:
            return False
        self._without_call += 1
        if self._without_call < MOST_WITHOUT_CALL:
            return True
        self._forget()
        self._without_call = 0
        return False

    def stepped(self, optimizer: Any) -> tuple[int, int]:
        """Samples and tokens of the step that has ended.

        The steps before the module was known are taken to be like the first whose calls were seen.
        """
        try:
            return self._sizes_of_step(optimizer)
        except Exception as error:  # noqa: BLE001 - the steps are counted on without the module
            self._fail(error)
            return 0, 0

    def _sizes_of_step(self, optimizer: Any) -> tuple[int, int]:
        if self._calls is None:
            self._uncounted += 1
            if self._uncounted <= LOOKS:
                self._look()
            return 0, 0
        steps, self._uncounted = 1 + self._uncounted, 0
        samples, tokens = self._samples, self._tokens
        self._samples = self._tokens = self._without_call = 0
        self._was_called = False
        if steps > 1 and samples and self._trained is not None:
            module, autocast = unwrapped(self._trained.module), self._trained.autocast
            known = facts_of(module, optimizer, autocast, self._world_size)
            self._tell({"batch_size": samples * self._world_size, **known})
        return samples * steps, tokens * steps

    def settle(self) -> None:
        """Wait for a trace that is under way."""
        if self._reader is not None:
            self._reader.join(TRACE_WAIT_S)

    def stop(self) -> None:
        """Take every hook away."""
        self._forget()
        self._weights = {}

    def _forget(self) -> None:
        for part in (self._search, self._calls):
            if part is not None:
                part.remove()
        self._search = self._calls = self._trained = self._batch = None

    def _look(self) -> None:
        """After the first step, have the modules of the next noted; after that, watch the one it trained."""
        if self._search is None:
            self._search = Search(compiled=_compiles())
            return
        self._trained = self._search.end(self._weights.values())
        self._search, self._weights = None, {}
        if self._trained is not None and self._trained.share >= LEAST_SHARE:
            self._calls = Calls(self._trained.module, self._called)
            if self._trained.beside:
                name = type(self._trained.module).__name__
                others = ", ".join(self._trained.beside)
                self._note(f"only {name} is counted: the step calls {others} beside it")
        elif self._trained is not None:
            self._note(
                f"a step calls {self._trained.apart} modules apart, so its samples and operations are not "
                "known: give `model=`"
            )
        elif _compiles():
            self._note("what is trained is compiled, but no module: samples and operations are not known")

    def _called(self, module: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> None:
        try:
            self._was_called = True
            call = arguments, keywords
            try:
                samples, tokens = sizes(call, *self._batch) if self._batch else (0, 0)
            except (LookupError, TypeError, AttributeError):
                self._batch = None
            if self._batch is None:
                self._batch = find_batch(call)
                samples, tokens = sizes(call, *self._batch) if self._batch else (0, 0)
            self._samples += samples
            self._tokens += tokens
            if self._uncounted and self._reader is None:
                self._trace(module, arguments, keywords)
        except Exception as error:  # noqa: BLE001 - the training goes on without us
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        self._forget()
        self._uncounted = LOOKS  # no other is looked for
        self._note(f"the module is not watched: {described(error)}")

    def _trace(self, module: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> None:
        """Have the operations of this one call traced in a copy of the process."""
        if not self._traces:
            return
        self._traces = False
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
            self._tell({"model": file})
        else:
            self._note(f"the module is not traced: {problem}")


def _compiles() -> bool:
    """Whether torch has compiled anything: a global hook would have it compile anew."""
    counters = getattr(sys.modules.get("torch._dynamo.utils"), "counters", None)
    return bool(counters and counters["frames"]["total"])
