"""The numbers of one run of a project: training by `footprint.estimate`'s chain, serving by its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from footprint.decisions.causes import Identity
from footprint.decisions.comparison import answered, identity_of
from footprint.errors import FootprintError
from footprint.estimator.resolve.shared import Shared
from footprint.projects.file import SERVING, Planned
from footprint.records import record
from footprint.results import Quantity
from footprint.results.inference import Inference


@record
class Costs:
    """What all repeats of a run take, with the causes of the chain."""

    scenario: Mapping[str, Any]
    identity: Identity
    numbers: Mapping[str, Quantity]
    warnings: tuple[str, ...]


def costs_of(run: Planned, shared: Shared) -> Costs:
    """The numbers of a run, all its repeats together.

    Raises FootprintError where there are none, or its step clearly does not fit into memory.
    """
    return _served(run) if run.kind == SERVING else _trained(run, shared)


def _trained(run: Planned, shared: Shared) -> Costs:
    row = answered(run.fields, shared)
    if row.facts is None or row.prediction is None or (not row.fits and not run.fields.get("force")):
        raise FootprintError(row.reason)
    return Costs(
        scenario=row.facts.request.given(),
        identity=identity_of(row.facts),
        numbers={name: value * run.count for name, value in row.whole.items()},
        warnings=row.prediction.warnings,
    )


def _served(run: Planned) -> Costs:
    from footprint.serving import inference
    from footprint.serving.request import InferenceRequest

    request = InferenceRequest.from_mapping(run.fields, "project")
    answer = inference(request)
    if answer.total is None or answer.duration_h is None:
        raise FootprintError("`requests=` is missing: how many requests the model will answer, such as 10M")
    numbers = {
        "duration_h": answer.duration_h,
        "accelerator_h": answer.duration_h * answer.cluster.count,
        "energy_kwh": answer.total.energy_kwh,
        "co2e_kg": answer.total.co2e_kg,
        "cost_usd": answer.total.cost_usd,
    }
    return Costs(
        scenario=request.given(),
        identity=_identity(answer),
        numbers={name: value * run.count for name, value in numbers.items() if value is not None},
        warnings=answer.warnings,
    )


def _identity(answer: Inference) -> Identity:
    chip = answer.cluster.accelerator
    return Identity(
        model=answer.model.name,
        chip=f"{chip} {answer.workload.precision}",
        job=f"serving {answer.model.name} on {chip}:{answer.cluster.count}",
        place=answer.place.key,
    )
