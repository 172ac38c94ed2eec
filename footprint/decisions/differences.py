"""Two records side by side: what changed in the inputs, and what that changes in hours, kWh, CO2e and USD.

The numbers before and after are the records' own. Where both are estimates with their scenarios, both are
computed again with the data of today, so that what they share cancels in the ratio; what the data and the
program changed since then stands apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from footprint.catalog.version import headed, versions
from footprint.decisions.comparison import Answered, answered, of_one_basis, ratio_of
from footprint.decisions.scenario_table import QUANTITIES, Ratio
from footprint.errors import FootprintError
from footprint.estimator.resolve.shared import Shared
from footprint.records import record
from footprint.results import Quantity
from footprint.results.report_columns import signed_cells
from footprint.spelling import in_file

SCHEMA = "footprint/difference/1"
SAME = 1e-9
"""Relative difference of two numbers that are the same."""


@record
class Side:
    """One of two records."""

    kind: str
    name: str
    hardware: str
    """Chip and count in one spelling."""
    versions: str
    """Of the program and of its data."""
    basis: str
    """What the carbon intensity counts: life-cycle, direct, ...; empty where no place is known."""
    scenario: Mapping[str, Any]
    """The inputs of an estimate; empty where they are not known."""
    numbers: Mapping[str, tuple[float, float, float]]
    """Low, mid and high of each quantity, of all runs."""


@record
class ChangedInput:
    """One input that is not the same; None where it was not given."""

    name: str
    before: Any
    after: Any


@record
class ChangedNumber:
    """One quantity before and after."""

    name: str
    before: tuple[float, float, float] | None
    after: tuple[float, float, float] | None
    factor: float | None
    """After over before, by the medians of the records."""
    by_inputs: Ratio | None
    """The part of the inputs, with today's data: its interval has no error that the two share."""
    by_data: float | None
    """The part of newer data or another version of the program."""


@record
class Difference:
    """What changed between two records of one kind."""

    kind: str
    before: Side
    after: Side
    inputs: tuple[ChangedInput, ...]
    numbers: tuple[ChangedNumber, ...]
    warnings: tuple[str, ...]

    def rows(self) -> list[dict[str, Any]]:
        """One flat row a quantity."""
        return [
            signed_cells(
                {
                    "name": one.name,
                    **{f"before_{end}": value for end, value in _ends(one.before).items()},
                    **{f"after_{end}": value for end, value in _ends(one.after).items()},
                    "factor": one.factor,
                    **{f"by_inputs_{end}": value for end, value in _of_ratio(one.by_inputs).items()},
                    "by_data": one.by_data,
                },
                self.warnings,
                versions(),
            )
            for one in self.numbers
        ]

    def to_json(self) -> dict[str, Any]:
        """The record as JSON values, unrounded."""
        sides = {"before": self.before, "after": self.after}
        return {
            **headed(SCHEMA),
            "kind": self.kind,
            **{name: {"name": side.name, "versions": side.versions} for name, side in sides.items()},
            "inputs": [{"name": one.name, "before": one.before, "after": one.after} for one in self.inputs],
            "numbers": [
                {
                    "name": one.name,
                    "before": None if one.before is None else _ends(one.before),
                    "after": None if one.after is None else _ends(one.after),
                    "factor": one.factor,
                    "by_inputs": None if one.by_inputs is None else one.by_inputs.to_json(),
                    "by_data": one.by_data,
                }
                for one in self.numbers
            ],
            "warnings": list(self.warnings),
        }


def difference(before: Side, after: Side) -> Difference:
    """What changed from one record to the other.

    Raises FootprintError for an estimate beside a measurement, which are compared by ``footprint runs show``.
    """
    if before.kind != after.kind:
        raise FootprintError(
            f"{before.name} is of the kind {before.kind} and {after.name} of the kind {after.kind}: give two "
            "of one kind; footprint runs show RUN compares a run with its estimate"
        )
    again, warnings = _again(before, after)
    if not of_one_basis(before.basis, after.basis):
        warnings += (
            f"no CO2e is compared of intensities on different bases: {before.basis} and {after.basis}",
        )
    return Difference(
        kind=before.kind,
        before=before,
        after=after,
        inputs=_inputs(before, after),
        numbers=tuple(_number(name, before, after, again) for name in QUANTITIES),
        warnings=warnings,
    )


def _inputs(before: Side, after: Side) -> tuple[ChangedInput, ...]:
    names = sorted({*before.scenario, *after.scenario})
    if before.hardware == after.hardware:
        names = [name for name in names if name != "hw"]  # v100x8 is v100:8
    pairs = ((name, before.scenario.get(name), after.scenario.get(name)) for name in names)
    return tuple(ChangedInput(name=name, before=a, after=b) for name, a, b in pairs if a != b)


def _again(before: Side, after: Side) -> tuple[list[Mapping[str, Quantity]], tuple[str, ...]]:
    """The quantities of both scenarios with today's data; empty where one cannot be computed."""
    if not (before.scenario and after.scenario):
        return [], ()
    shared = Shared()
    found = [_answered(side, shared) for side in (before, after)]
    for side, one in zip((before, after), found, strict=True):
        if not one.quantities:
            why = in_file(one.reason)
            return [], (f"{side.name} cannot be computed again, so nothing cancels: {why}",)
    return [one.quantities for one in found], ()


def _answered(side: Side, shared: Shared) -> Answered:
    try:
        return answered(side.scenario, shared)
    except FootprintError as error:
        raise FootprintError(f"{side.name}: {in_file(str(error))}") from None


def _number(name: str, before: Side, after: Side, again: list[Mapping[str, Quantity]]) -> ChangedNumber:
    one, other = before.numbers.get(name), after.numbers.get(name)
    if name == "co2e_kg" and not of_one_basis(before.basis, after.basis):
        return ChangedNumber(name=name, before=one, after=other, factor=None, by_inputs=None, by_data=None)
    factor = other[1] / one[1] if one is not None and other is not None and one[1] > 0 else None
    inputs = None
    if again and all(name in side for side in again) and again[0][name].mid > 0:
        inputs = ratio_of(again[1][name], again[0][name])
    by_data = None
    if factor is not None and inputs is not None and inputs.value.mid > 0:
        share = factor / inputs.value.mid
        by_data = 1.0 if abs(share - 1) < SAME else share
    return ChangedNumber(name=name, before=one, after=other, factor=factor, by_inputs=inputs, by_data=by_data)


def _ends(value: tuple[float, float, float] | None) -> dict[str, float | None]:
    low, mid, high = value or (None, None, None)
    return {"low": low, "mid": mid, "high": high}


def _of_ratio(value: Ratio | None) -> dict[str, float | None]:
    if value is None:
        return {"low": None, "mid": None, "high": None}
    low, high = value.value.bounds
    return {"low": low, "mid": value.value.mid, "high": high}
