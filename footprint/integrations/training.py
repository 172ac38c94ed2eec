"""What the adapters to training frameworks share: one run around a framework's own loop.

Nothing in here may stop or break a training: wrong options raise when the adapter is made, and
whatever fails later is logged and forgotten.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import sys
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import Any

from footprint.errors import FootprintError
from footprint.tracking import BudgetReachedError, Run, track

PREFIX = "footprint/"
LOGGER = logging.getLogger("footprint.integrations")


def load(module: str, extra: str) -> Any:
    """A framework's module; ImportError that names the extra which installs it."""
    try:
        return import_module(module)
    except ImportError as error:
        raise ImportError(
            f'footprint needs {module.partition(".")[0]} here: pip install "footprint-ml[{extra}]" ({error})'
        ) from error


@contextlib.contextmanager
def harmless() -> Iterator[None]:
    """A block of ours that cannot stop a training."""
    try:
        yield
    except Exception:
        LOGGER.exception("tracking could not follow the training")


class Loop:
    """One run that a framework starts, counts and ends; every method is harmless."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        """Takes the keywords of `footprint.track`; TypeError or FootprintError for wrong ones, now."""
        self.options = dict(options)
        track(**self.options)  # checks them; a run does nothing before it is entered
        self.run: Run | None = None
        self.stopped: BudgetReachedError | None = None
        """What a budget's last step raised."""
        self.ended: Run | None = None
        """The last run that was ended, with its measurement."""
        self._phase: contextlib.AbstractContextManager[None] | None = None

    def start(self, **found: Any) -> None:
        """Begin the run; ``found`` are options that the framework knows, where the user gave none."""
        if self.run is not None:
            self.end()
        self.stopped = None
        known = {name: value for name, value in found.items() if value is not None}
        with harmless():
            try:
                self.run = track(**{**known, **self.options})
            except (TypeError, FootprintError):
                # what the framework told us is no use; what the user said was checked
                self.run = track(**self.options)
            self.run.start()
            atexit.register(self._at_exit)

    def step(self, tokens: float = 0, samples: float = 0) -> bool:
        """Count one optimiser step of this process; whether a budget says that it was the last."""
        if self.run is not None and self.stopped is None:
            try:
                self.run.step(tokens=tokens, samples=samples)
            except BudgetReachedError as reached:
                self.stopped = reached
        return self.stopped is not None

    def enter(self, phase: str) -> None:
        """Time from now on belongs to a phase (``eval``)."""
        if self.run is not None and self._phase is None:
            with harmless():
                self._phase = self.run.phase(phase)
                self._phase.__enter__()

    def leave(self) -> None:
        """The phase is over."""
        phase, self._phase = self._phase, None
        if phase is not None:
            with harmless():
                phase.__exit__(None, None, None)

    def end(self, error: BaseException | None = None) -> None:
        """End the run, as failed or interrupted where an exception ended the loop."""
        self.leave()
        run, self.run = self.run, None
        if run is None:
            return
        atexit.unregister(self._at_exit)
        error = error or self.stopped
        with harmless():
            run.__exit__(type(error) if error else None, error, None)
        self.ended = run

    def _at_exit(self) -> None:
        """The program ends and nobody ended the run: by the exception that ends the program, if one does."""
        self.end(getattr(sys, "last_value", None))

    def live(self) -> dict[str, float]:
        """Metrics as of the last flush, on rank 0; empty before there are any."""
        with harmless():
            return live_metrics(self.run) if self.run is not None else {}
        return {}

    def final(self) -> dict[str, float]:
        """Metrics of the run that ended, by its measurement; empty on the other ranks' side."""
        with harmless():
            return final_metrics(self.ended) if self.ended is not None else {}
        return {}


def live_metrics(run: Run) -> dict[str, float]:
    """What a run used so far, and where it will end: ``footprint/energy_kwh`` (facility) and so on."""
    seen = run.forecast
    if seen is None:
        return {}
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
    """What a run used, by its measurement."""
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
    return {PREFIX + shown: quantity.mid for shown, quantity in quantities.items() if quantity is not None}


def compose(name: str, module: str, hooks: type, base: type) -> Any:
    """The class ``name`` of a module: our hooks over a framework's base class, found again by pickle."""
    return type(name, (hooks, base), {"__module__": module, "__qualname__": name, "__doc__": hooks.__doc__})


def lazy(name: str, make: Callable[[], Any], module: str) -> Callable[[str], Any]:
    """A module's ``__getattr__``: the class whose base is a framework's is made when first asked for."""

    def get(wanted: str) -> Any:
        if wanted == name:
            return make()
        raise AttributeError(f"module {module!r} has no attribute {wanted!r}")

    return get
