"""A link of the chain: one formula with its numbers, recorded while it is computed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from footprint.records import record
from footprint.results.quantity import Quantity


@record
class Link:
    """The result of one formula, its inputs, and the sources of the inputs."""

    name: str
    """The result's name, with its unit as the suffix: ``it_energy_kwh``."""
    form: str
    """The formula, with the names of its inputs in braces; or a description of a sum of the inputs."""
    inputs: Mapping[str, float | str]
    result: float
    sources: tuple[str, ...] = ()


class Trace:
    """Computes equations and records each as a link with its result, inputs and sources.

    An equation carries its form (`footprint.equations.formula`). ``sources`` maps the name of an input
    to its source keys. The key ``= NAME`` holds further sources of the result ``NAME``.
    """

    def __init__(self, sources: Mapping[str, tuple[str, ...]]) -> None:
        self.links: list[Link] = []
        self._sources = sources

    def __call__(self, name: str, equation: Any, /, **inputs: Any) -> Any:
        """The equation's result."""
        result = equation(**inputs)
        self.note(name, equation.form, inputs, result)
        return result

    def note(self, name: str, form: str, inputs: Mapping[str, Any], result: Any) -> None:
        """Record a result that was computed elsewhere."""
        sources = [source for key in (*inputs, f"= {name}") for source in self._sources.get(key, ())]
        numbers = {key: _number(value) for key, value in inputs.items()}
        self.links.append(
            Link(
                name=name, form=form, inputs=numbers, result=_number(result),
                sources=tuple(dict.fromkeys(sources)),
            )
        )  # fmt: skip


class Untraced(Trace):
    """Computes equations without recording links."""

    def __init__(self) -> None:
        super().__init__({})

    def note(self, name: str, form: str, inputs: Mapping[str, Any], result: Any) -> None:
        """Do nothing."""


UNTRACED = Untraced()


def _number(value: Any) -> Any:
    return value.mid if isinstance(value, Quantity) else value
