"""The numbers of one run of a project: training by `footprint.estimate`'s chain, serving by its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from footprint.decisions.causes import Identity, summable
from footprint.decisions.comparison import answered, identity_of
from footprint.errors import FootprintError
from footprint.estimator.resolve.shared import Shared
from footprint.projects.file import OF_STAGE, SERVING, STAGE, Planned
from footprint.projects.record import Grounds
from footprint.records import record
from footprint.results import Quantity
from footprint.results.decisions.inference import Inference
from footprint.results.estimate import PlaceSummary
from footprint.results.quantity import total

OPEN_REQUESTS = 512
"""Answers that are sampled at once: the batch of InstructGPT's PPO (Ouyang et al. 2022, C.4)."""


@record
class Costs:
    """What all repeats of a run take; the causes say which errors the runs of a project share."""

    scenario: Mapping[str, Any]
    numbers: Mapping[str, Quantity]
    grounds: Grounds
    warnings: tuple[str, ...]


def costs_of(run: Planned, shared: Shared) -> Costs:
    """The numbers of a run, all its repeats together.

    Raises FootprintError where there are none, or its step clearly does not fit into memory.
    """
    if run.kind == SERVING:
        return _served(run.fields, run.count)
    if run.kind == STAGE:
        return _aligned(run, shared)
    return _trained(run.fields, run.count, shared)


def _trained(fields: Mapping[str, Any], count: float, shared: Shared) -> Costs:
    row = answered(fields, shared)
    if row.facts is None or row.prediction is None or (not row.fits and not fields.get("force")):
        raise FootprintError(row.reason)
    identity, site, price = identity_of(row.facts), row.facts.site, row.facts.price
    return Costs(
        scenario=row.facts.request.given(),
        numbers={name: summable(value, identity) * count for name, value in row.whole.items()},
        grounds=Grounds(
            place=_words(site.summary),
            grid_g_per_kwh=site.grid_g_per_kwh,
            pue=site.pue,
            usd_per_accelerator_h=None
            if price is None or price.summary is None
            else price.usd_per_accelerator_h,
        ),
        warnings=row.prediction.warnings,
    )


def _served(fields: Mapping[str, Any], count: float) -> Costs:
    from footprint.serving import inference
    from footprint.serving.request import InferenceRequest

    request = InferenceRequest.from_mapping(fields, "project")
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
    identity = _identity(answer)
    return Costs(
        scenario=request.given(),
        numbers={
            name: summable(value, identity) * count for name, value in numbers.items() if value is not None
        },
        grounds=Grounds(
            place=_words(answer.place),
            grid_g_per_kwh=answer.grid_g_per_kwh,
            pue=answer.pue,
            usd_per_accelerator_h=None if answer.price is None else answer.price.usd_per_accelerator_h,
        ),
        warnings=answer.warnings,
    )


def _aligned(run: Planned, shared: Shared) -> Costs:
    """A stage of alignment, pass by pass: training by its chain, scoring as the forward part of it, sampling
    as serving.
    """
    from footprint.serving.stages import stages

    asked = run.fields
    if "model" not in asked or "hw" not in asked:
        raise FootprintError("`model=` and `hw=` are missing: say what is aligned, and on what")
    texts = {name: asked[name] for name in ("samples", "seq_len") if name in asked}
    stage = stages(asked["model"], asked["stage"], helper=asked.get("helper"), **_numbers(texts))
    common = {name: value for name, value in asked.items() if name not in OF_STAGE}
    parts: list[Costs] = []
    for one in stage.passes:
        model = stage.model if one.model in ("policy", "reference") else stage.helper
        if one.does == "sample":
            parts.append(_served({**common, **_sampling(asked, model, one.sequences)}, run.count))
            continue
        training = {
            **common, "model": model, "method": "finetune", "samples": one.sequences,
            "seq_len": stage.sequence_length,
        }  # fmt: skip
        share = (
            1.0
            if one.does == "train"
            else one.flop / one.sequences / _training_flop(model, stage.sequence_length)
        )
        parts.append(_trained(training, run.count * share, shared))
    warnings = dict.fromkeys(warning for part in parts for warning in part.warnings)
    if any(one.does == "sample" for one in stage.passes) and "concurrency" not in asked:
        warnings[f"{OPEN_REQUESTS} answers are sampled at once, as for InstructGPT: set its concurrency"] = (
            None
        )
    return Costs(
        scenario=dict(asked), numbers=_together(parts), grounds=parts[0].grounds,
        warnings=tuple(warnings),
    )  # fmt: skip


def _words(place: PlaceSummary | None) -> str:
    """A place and the year of its grid."""
    if place is None:
        return "unknown"
    return place.name if place.year is None else f"{place.name}, {place.year}"


def _numbers(texts: Mapping[str, Any]) -> dict[str, Any]:
    """Samples and length, as people write them."""
    from footprint.estimator.request import FIELDS

    return {n: FIELDS[n].read(value) if isinstance(value, str) else value for n, value in texts.items()}


def _sampling(asked: Mapping[str, Any], model: str, requests: float) -> dict[str, Any]:
    """The request that samples an answer to each prompt."""
    wanted = {name: asked[name] for name in ("prompt_tokens", "output_tokens") if name in asked}
    if len(wanted) < 2:
        raise FootprintError(
            "`prompt_tokens=` and `output_tokens=` are missing: this stage samples answers; give 512 and 512"
        )
    own = {name: asked[name] for name in ("engine", "concurrency") if name in asked}
    return {"concurrency": OPEN_REQUESTS, "model": model, "requests": requests, **wanted, **own}


def _training_flop(model: str, length: int) -> float:
    """FLOP of training on one sequence."""
    from footprint.catalog.models import find_model
    from footprint.flops import count_step
    from footprint.schema import StepShape

    step = count_step(find_model(model).config, StepShape(sequences=1, sequence_length=length))
    return float(step.training_flop)


def _together(parts: Sequence[Costs]) -> dict[str, Quantity]:
    known = set.intersection(*(set(part.numbers) for part in parts))
    return {name: total([part.numbers[name] for part in parts]) for name in parts[0].numbers if name in known}


def _identity(answer: Inference) -> Identity:
    chip = answer.cluster.accelerator
    return Identity(
        model=answer.model.name,
        chip=f"{chip} {answer.workload.precision}",
        job=f"serving {answer.model.name} on {chip}:{answer.cluster.count}",
        place=answer.place.key,
    )
