"""What is used against a budget's limit: a warning first, then the limit itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from footprint.parsing import Limit
from footprint.records import record, value


@record
class BudgetEvent:
    """What an ``on_budget`` function receives."""

    budget: str
    quantity: str
    limit: float
    value: float
    forecast: float | None
    """Where the run will end if it goes on, where that is known."""
    reached: bool
    """False for the first warning, when only the forecast is over the budget. A stop comes before the limit
    would be passed, so that ``value`` is still below it."""
    step: int


@value
class ProgramStop:
    """The ``on_budget`` of a supervisor: it stops a program, which goes on for some seconds after that."""

    ask: Callable[[BudgetEvent], None]
    takes_s: Callable[[], float]

    def __call__(self, event: BudgetEvent) -> None:
        """Stop the program, or pass a warning on."""
        self.ask(event)


class BudgetWatch:
    """Compares what is used with the limit, once at each flush."""

    def __init__(self, limit: Limit, *, stops: bool) -> None:
        self.limit = limit
        self.stops = stops
        self._warned = False
        self._reached = False

    def check(
        self, used: Mapping[str, float], ahead: Mapping[str, float], per_flush: Mapping[str, float], step: int
    ) -> BudgetEvent | None:
        """The event of this flush, if there is one: first the forecast over the limit, then the limit itself.

        A stop counts the next interval in, so that the run ends below the limit rather than above.
        """
        name = self.limit.quantity
        value = used.get(name)
        if value is None or self._reached:
            return None
        coming = per_flush.get(name, 0.0) if self.stops else 0.0
        if value + coming >= self.limit.value:
            self._reached = True
            return self._event(value, ahead.get(name), True, step)
        forecast = ahead.get(name)
        if forecast is not None and forecast > self.limit.value and not self._warned:
            self._warned = True
            return self._event(value, forecast, False, step)
        return None

    def _event(self, value: float, forecast: float | None, reached: bool, step: int) -> BudgetEvent:
        return BudgetEvent(
            budget=self.limit.text,
            quantity=self.limit.quantity,
            limit=self.limit.value,
            value=value,
            forecast=forecast,
            reached=reached,
            step=step,
        )
