"""Alignment stages as recipes: which model trains, samples or scores, and what that takes in FLOP.

A stage is one file of ``reference_data/stages``: for each sample (a demonstration, an episode, a pair) the
sequences that each model passes. The exact count is the answer; the rule of thumb (6 N for a trained token,
2 N for a forward one; Kaplan et al. 2020, arXiv:2001.08361) stands beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from footprint.catalog.files import shipped
from footprint.catalog.folder import ids, read_record
from footprint.catalog.models import find_model
from footprint.catalog.version import versions
from footprint.errors import FootprintError
from footprint.flops import StepFlops, count_step
from footprint.records import record
from footprint.results.decisions.stages import StagePass, Stages
from footprint.schema import StepShape

FOLDER = "reference_data/stages"
RULE_LENGTH = 2000
"""Tokens of a sequence in InstructGPT's published compute."""
TRAINED, FORWARD = 6.0, 2.0
"""FLOP of a token over the parameters, by the rule."""


@record
class Stage:
    """One stage of alignment."""

    id: str
    name: str
    year: int
    passes: tuple[Mapping[str, Any], ...]
    source: str
    basis: str
    samples: float | None = None
    """Those of InstructGPT; None where none were published."""
    length: int | None = None
    note: str = ""
    records: tuple[str, ...] = ()
    """Models of the catalogue whose recipe is this stage."""
    helper: str | None = None
    """The published value and reward model of these."""


def stage_ids() -> list[str]:
    """Names of the stages, sorted."""
    return ids(shipped(FOLDER))


def find_stage(name: str) -> Stage:
    """The stage of that name; UnknownNameError if there is none."""
    wanted = name.strip().lower()
    if wanted not in stage_ids():
        from footprint.catalog.names import unknown

        raise unknown("stage", name, stage_ids(), f"one of: {', '.join(stage_ids())}")
    raw = read_record(shipped(FOLDER), wanted)
    return Stage(**{**raw, "passes": tuple(raw["passes"]), "records": tuple(raw.get("records", ()))})


def stage_of(model_id: str) -> Stages | None:
    """The stage that a model's record is of, as published; None for others."""
    for name in stage_ids():
        stage = find_stage(name)
        if model_id in stage.records:
            return stages(model_id, name, helper=stage.helper)
    return None


def stages(
    model: str,
    stage: str,
    *,
    samples: float | None = None,
    seq_len: int | None = None,
    helper: str | None = None,
) -> Stages:
    """FLOP of one alignment stage of a model, pass by pass, exact and by the rule.

    ``helper`` is the value and reward model (the policy's own size without it), ``samples`` the
    demonstrations, episodes or pairs, ``seq_len`` their tokens; InstructGPT's where not given.

    Raises
    ------
    FootprintError
        For an unknown stage or model, or a number of samples that nobody published.
    """
    found = find_stage(stage)
    many, length = samples or found.samples, seq_len or found.length or 2048
    if many is None:
        raise FootprintError(f"`samples=` is missing: how many samples {found.id} has was not published")
    if not 0 < many <= 1e15 or length < 1:
        raise FootprintError("`samples=` and `seq_len=` must be above 0, and samples at most 1e15")
    counts = {name: _count(name, length) for name in {model, helper or model}}
    passes = tuple(_passes(found, counts, model, helper or model, many, length))
    return Stages(
        **versions(),
        stage=found.id,
        name=found.name,
        model=find_model(model).id,
        helper=find_model(helper or model).id,
        samples=many,
        sequence_length=length,
        passes=passes,
        flop=sum(one.flop for one in passes),
        rule_flop=sum(one.rule_flop for one in passes),
        source=found.source,
        note=found.note,
    )


def _count(name: str, length: int) -> StepFlops:
    return count_step(find_model(name).config, StepShape(sequences=1, sequence_length=length))


def _passes(
    stage: Stage, counts: Mapping[str, StepFlops], policy: str, helper: str, samples: float, length: int
) -> Iterator[StagePass]:
    rule_length = RULE_LENGTH if length == stage.length else length
    for one in stage.passes:
        step = counts[policy if one["model"] in ("policy", "reference") else helper]
        trained = one["does"] == "train"
        sequences = samples * float(one["sequences"])
        flop = step.training_flop if trained else step.forward_flop
        rule = (TRAINED if trained else FORWARD) * float(step.parameters.total) * rule_length
        yield StagePass(
            model=one["model"],
            does=one["does"],
            what=one["what"],
            sequences=sequences,
            flop=float(flop) * sequences,
            rule_flop=rule * sequences,
        )
