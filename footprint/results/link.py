"""A link of the chain: one formula with its numbers, noted as it was computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from footprint.records import record
from footprint.results.quantity import Quantity


@record
class Link:
    """What one formula gave, from what, and where its inputs come from."""

    name: str
    """The result's name, with its unit as the suffix: ``it_energy_kwh``."""
    form: str
    """The formula; names of inputs stand in braces. Without braces, words: the result is the inputs' sum."""
    inputs: Mapping[str, float | str]
    result: float
    sources: tuple[str, ...] = ()


class Trace:
    """Computes an equation and notes it as a link: what it gave, from what, and where that comes from.

    An equation carries its form (`footprint.equations.formula`). ``sources`` gives the source keys of a
    factor by the name under which it enters a formula, and of a result that rests on more than its
    inputs by ``= NAME``.
    """

    def __init__(self, sources: Mapping[str, tuple[str, ...]]) -> None:
        self.links: list[Link] = []
        self._sources = sources

    def __call__(self, name: str, equation: Callable[..., Any], /, **inputs: Any) -> Any:
        """The equation's result."""
        result = equation(**inputs)
        self.note(name, equation.form, inputs, result)  # type: ignore[attr-defined]
        return result

    def note(self, name: str, form: str, inputs: Mapping[str, Any], result: Any) -> None:
        """Note a result that was computed elsewhere."""
        sources = [source for key in (*inputs, f"= {name}") for source in self._sources.get(key, ())]
        numbers = {key: _number(value) for key, value in inputs.items()}
        self.links.append(
            Link(
                name=name, form=form, inputs=numbers, result=_number(result),
                sources=tuple(dict.fromkeys(sources)),
            )
        )  # fmt: skip


class Untraced(Trace):
    """Computes equations and notes nothing: for many scenarios at once, and where nobody asks why."""

    def __init__(self) -> None:
        super().__init__({})

    def note(self, name: str, form: str, inputs: Mapping[str, Any], result: Any) -> None:
        """Nothing is noted."""


UNTRACED = Untraced()


def _number(value: Any) -> Any:
    return value.mid if isinstance(value, Quantity) else value
