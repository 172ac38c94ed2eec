"""What all runs of a project cost together: each by its own chain, summed cause by cause."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from footprint.decisions import compare
from footprint.decisions.scenario_table import ScenarioTable
from footprint.errors import FootprintError
from footprint.estimator.resolve.shared import Shared
from footprint.projects.file import TRAINING, Planned, ProjectFile, mended, read_project
from footprint.projects.record import SUMMED, Project, ProjectRow, ProjectTotal
from footprint.projects.rows import Costs, costs_of
from footprint.results import Quantity
from footprint.results.misfit import Misfit
from footprint.results.quantity import total
from footprint.spelling import in_file


def project(
    source: str | os.PathLike[str] | Mapping[str, Any],
    /,
    *,
    defaults: Mapping[str, Any] | None = None,
    **overrides: Any,
) -> Project:
    """The runs of a project and their sum, with 90 % intervals.

    ``source`` is a TOML file, or a mapping with its keys: ``project({"runs": [{"name": "pre-training",
    "model": "bert-base", "hw": "v100:8"}]})``. ``overrides`` are fields such as ``region`` that replace those
    of every run; ``defaults`` hold where nothing else says so.

    The sum of intervals is by cause: an error that two runs share adds up, errors that were measured to be
    independent average out.

    Raises
    ------
    FootprintError
        For a project that is cyclic or contradicts itself, and for a run that cannot be.
    """
    plan = read_project(source, defaults=defaults or {}, overrides=overrides)
    shared, costs = Shared(), []
    for run in plan.runs:
        try:
            costs.append(costs_of(run, shared))
        except FootprintError as error:
            raise mended(error, plan.origin, run) from None
    names = [run.name for run in plan.runs]
    table, replaced = _alternatives(plan)
    return Project(
        name=plan.name,
        why=plan.why,
        mitigations=plan.mitigations,
        rows=tuple(_row(run, one) for run, one in zip(plan.runs, costs, strict=True)),
        total=ProjectTotal(**{name: _sum(name, costs) for name in SUMMED}),
        alternatives=table,
        alternatives_to=replaced,
        warnings=tuple(_warnings(names, costs)),
    )  # fmt: skip


def _row(run: Planned, costs: Costs) -> ProjectRow:
    found: dict[str, Any] = {name: costs.numbers.get(name) for name in SUMMED}
    return ProjectRow(
        name=run.name, kind=run.kind, count=run.count, scenario=costs.scenario, grounds=costs.grounds, **found
    )


def _sum(name: str, costs: Sequence[Costs]) -> Any:
    """The sum of a number over all rows; None if a row lacks it, because the sum would leave that row out."""
    parts: list[Quantity] = []
    for one in costs:
        if name not in one.numbers:
            return None
        parts.append(one.numbers[name])
    return total(parts)


def _warnings(names: Sequence[str], costs: Sequence[Costs]) -> list[str]:
    found: dict[str, None] = {}
    for name, one in zip(names, costs, strict=True):
        for warning in one.warnings:
            said = f"{name}: {in_file(warning)}"
            found[Misfit(said, plain=warning) if isinstance(warning, Misfit) else said] = None
        missing = [
            word for word, key in (("price", "cost_usd"), ("CO2e", "co2e_kg")) if key not in one.numbers
        ]
        for word in missing:
            found[f"{name}: no {word} is known, so the project has no total of it"] = None
    return list(found)


def _alternatives(plan: ProjectFile) -> tuple[ScenarioTable | None, str]:
    """The comparison that a project asks for, and the run that it is about."""
    if not plan.alternatives:
        return None, ""
    from footprint.decisions.axes import axes_in

    axes = dict(plan.alternatives)
    trained = {run.name: run for run in plan.runs if run.kind == TRAINING}
    name = axes.pop("run", next(iter(trained), ""))
    if not isinstance(name, str) or name not in trained:
        raise FootprintError(
            f"{plan.origin}: alternatives are to a training run: run is one of {', '.join(trained) or 'none'}"
        )
    lists, fixed = axes_in(axes, f"{plan.origin}, [alternatives]")
    planned = trained[name].fields
    lists |= {key: [value] for key, value in fixed.items()}
    for key, values in lists.items():  # what is planned comes first: it is the row that others are divided by
        if planned.get(key) is not None:
            lists[key] = [planned[key], *(value for value in values if value != planned[key])]
    base = {key: value for key, value in planned.items() if key not in lists and key != "name"}
    try:
        return compare(lists, **base), name
    except FootprintError as error:
        raise mended(error, plan.origin, trained[name]) from None
