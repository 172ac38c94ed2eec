"""Shared parts of the adapters to training frameworks: one run around a framework's own loop.

Nothing here may stop or break a training. Wrong options raise an error when the adapter is made; later
errors are logged and otherwise ignored.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module
from time import monotonic
from typing import Any

from footprint.errors import FootprintError
from footprint.tracking import BudgetReachedError, Run, track
from footprint.tracking.chain.estimator_calls import says_its_size
from footprint.tracking.hooks.module_watch import ModuleWatch
from footprint.tracking.journal.lines import FoundLine

PREFIX = "footprint/"
LOSS_EVERY_S = 1.0
"""Of a loss on an accelerator, which the training has to wait for."""
LOGGER = logging.getLogger("footprint.integrations")


def load(module: str, extra: str) -> Any:
    """A framework's module; if it is missing, ImportError names the extra that installs it."""
    try:
        return import_module(module)
    except ImportError as error:
        raise ImportError(
            f'footprint needs {module.partition(".")[0]} here: pip install "footprint-ml[{extra}]" ({error})'
        ) from error


@contextlib.contextmanager
def harmless() -> Iterator[None]:
    """A context that logs every error of its block, so that none stops a training."""
    try:
        yield
    except Exception:
        LOGGER.exception("tracking could not follow the training")


class Loop:
    """One run that a framework starts, counts and ends; its methods raise no errors."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        """Takes the keywords of `footprint.track`; raises TypeError or FootprintError for wrong ones."""
        self.options = dict(options)
        track(**self.options)  # checks the options; a run does nothing before it is entered
        self.run: Run | None = None
        self.stopped: BudgetReachedError | None = None
        """The error that the last step of a budget raised."""
        self.ended: Run | None = None
        """The last run that was ended, with its measurement."""
        self._next_loss_s = 0.0
        self._watch: ModuleWatch | None = None
        self._phase: contextlib.AbstractContextManager[None] | None = None

    def start(self, **found: Any) -> None:
        """Begin the run; ``found`` are options known from the framework, used if the user gave none."""
        if self.run is not None:
            self.end()
        self.stopped = None
        known = {name: value for name, value in found.items() if value is not None}
        with harmless():
            try:
                self.run = track(**{**known, **self.options})
            except (TypeError, FootprintError):
                # an option from the framework is wrong; the user's options were checked before
                self.run = track(**self.options)
            self.run.start()
            atexit.register(self._at_exit)

    def watch_module(self, rank: int, world_size: int) -> None:
        """Find the module that is trained, its batch and its operations, unless the run knows its model.

        Steps have to name their optimisers from now on.
        """
        with harmless():
            if self.run is None or self._watch is not None or says_its_size(self.run.settings.given()):
                return
            self._watch = ModuleWatch(
                self._tell if rank == 0 else lambda _: None,
                lambda text: None if self.run is None else self.run.complain(text),
                traces=rank == 0,
                world_size=world_size,
            )

    def _tell(self, found: dict[str, Any]) -> None:
        """Put down what the user has not said."""
        if self.run is not None:
            said = self.run.settings.given()
            new = {name: value for name, value in found.items() if name not in said}
            if "hw" in said:
                new.pop("hw_detected", None)
            self.run.note_unseen(FoundLine(given={**new, **({"traced": True} if "model" in new else {})}))

    def _sizes(self, optimizers: Iterable[Any]) -> tuple[int, int]:
        """Samples and tokens of a step, as the watch on the module knows them."""
        with harmless():
            if self._watch is not None:
                stepped = [getattr(one, "optimizer", one) for one in optimizers]
                for one in stepped:
                    self._watch.saw(one)
                return self._watch.stepped(stepped[0]) if stepped else (0, 0)
        return 0, 0

    def step(self, tokens: float = 0, samples: float = 0, optimizers: Iterable[Any] = ()) -> bool:
        """Count one optimiser step of this process; returns whether a budget ends the run here.

        Samples and tokens that are not given are those that the watch on the module sees.
        """
        seen_samples, seen_tokens = self._sizes(optimizers)
        samples, tokens = samples or seen_samples, tokens or seen_tokens
        if self.run is not None and self.stopped is None:
            try:
                self.run.step(tokens=tokens, samples=samples)
            except BudgetReachedError as reached:
                self.stopped = reached
        return self.stopped is not None

    def log(self, loss: Any) -> None:
        """Name the loss of the latest step; one on an accelerator is waited for at most once a second."""
        if self.run is None or loss is None or self.stopped is not None:
            return
        with harmless():
            if getattr(getattr(loss, "device", None), "type", "cpu") != "cpu":
                now_s = monotonic()
                if now_s < self._next_loss_s:
                    return
                self._next_loss_s = now_s + LOSS_EVERY_S
            self.run.log(loss=loss)

    def enter(self, phase: str) -> None:
        """Begin a phase (``eval``)."""
        if self.run is not None and self._phase is None:
            with harmless():
                self._phase = self.run.phase(phase)
                self._phase.__enter__()

    def leave(self) -> None:
        """End the phase."""
        phase, self._phase = self._phase, None
        if phase is not None:
            with harmless():
                phase.__exit__(None, None, None)

    def end(self, error: BaseException | None = None) -> None:
        """End the run; its status is failed or interrupted if an exception ended the loop."""
        self.leave()
        watch, self._watch = self._watch, None
        if watch is not None:
            with harmless():
                watch.settle()
                watch.stop()
        run, self.run = self.run, None
        if run is None:
            return
        atexit.unregister(self._at_exit)
        error = error or self.stopped
        with harmless():
            run.__exit__(type(error) if error else None, error, None)
        self.ended = run

    def _at_exit(self) -> None:
        """End a run that is still open at the end of the program, with the program's exception if any."""
        self.end(getattr(sys, "last_value", None))

    def live(self) -> dict[str, float]:
        """Metrics as of the last flush, on rank 0; empty before the first flush."""
        with harmless():
            return live_metrics(self.run) if self.run is not None else {}
        return {}

    def final(self) -> dict[str, float]:
        """Metrics of the ended run from its measurement; empty on other ranks than 0."""
        with harmless():
            return final_metrics(self.ended) if self.ended is not None else {}
        return {}


def live_metrics(run: Run) -> dict[str, float]:
    """Metrics of a run: what it has used, and its forecast; ``footprint/energy_kwh`` (facility) and so on."""
    return {} if run.forecast is None else forecast_metrics(run.forecast)


def forecast_metrics(seen: Any) -> dict[str, float]:
    """The same of a `footprint.tracking.forecast.run_forecast.Forecast`."""
    found: dict[str, float | None] = {
        "energy_kwh": seen.used_kwh,
        "power_w": seen.power_w,
        "forecast_duration_h": seen.duration_h.mid,
        "forecast_energy_kwh": None if seen.energy_kwh is None else seen.energy_kwh.mid,
        "forecast_co2e_kg": None if seen.co2e_kg is None else seen.co2e_kg.mid,
        "forecast_cost_usd": None if seen.cost_usd is None else seen.cost_usd.mid,
    }
    if seen.used_kwh and seen.co2e_kg is not None and seen.energy_kwh is not None and seen.energy_kwh.mid > 0:
        found["co2e_kg"] = seen.used_kwh * seen.co2e_kg.mid / seen.energy_kwh.mid
    return {PREFIX + name: value for name, value in found.items() if value is not None}


def final_metrics(run: Run) -> dict[str, float]:
    """Metrics of an ended run, from its measurement."""
    measured = run.measurement
    if measured is None:
        return {}
    quantities = {
        "energy_kwh": measured.energy_kwh,
        "power_w": measured.it_power_w,
        "co2e_kg": measured.co2e_kg,
        "cost_usd": measured.cost_usd,
        "duration_h": measured.duration_h,
        "mfu": measured.mfu,
    }
    found = {PREFIX + shown: quantity.mid for shown, quantity in quantities.items() if quantity is not None}
    for row in run.comparison.quantities if run.comparison is not None else ():
        if row.name in ("duration_h", "energy_kwh", "co2e_kg", "mfu"):
            found[f"{PREFIX}predicted_{row.name}"] = row.predicted.mid
    return found


def compose(name: str, module: str, hooks: type, base: type) -> Any:
    """The class ``name`` of a module: hooks on top of a framework's base class; it can be pickled."""
    return type(name, (hooks, base), {"__module__": module, "__qualname__": name, "__doc__": hooks.__doc__})


def lazy(name: str, make: Callable[[], Any], module: str) -> Callable[[str], Any]:
    """A ``__getattr__`` for a module: it makes the class with a framework's base at the first access."""

    def get(wanted: str) -> Any:
        if wanted == name:
            return make()
        raise AttributeError(f"module {module!r} has no attribute {wanted!r}")

    return get
