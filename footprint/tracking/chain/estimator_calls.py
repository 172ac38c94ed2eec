"""What tracking asks the estimator before and after a run; `run_chain` has the arithmetic of a live one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from footprint.records import replace
from footprint.results.estimate import Estimate

if TYPE_CHECKING:
    from footprint.estimator.anchors.measured import Measured
    from footprint.estimator.request import EstimateRequest


def estimate_run(request: Mapping[str, Any]) -> Estimate:
    """The estimate of a whole run.

    Raises:
        FootprintError: an argument that cannot be meant, or one that is missing.
        TypeError: a field that a request does not have.
    """
    from footprint.estimator import EstimateRequest, estimate

    return estimate(EstimateRequest(**request))


def scenario_fields() -> frozenset[str]:
    """The names of the fields of an estimate request."""
    from footprint.estimator.request import EstimateRequest

    return frozenset(EstimateRequest.__dataclass_fields__)


def says_its_size(given: Mapping[str, Any]) -> bool:
    """Whether some arguments of a run say what is trained."""
    from footprint.estimator.request import SIZE_FIELDS

    return any(given.get(name) is not None for name in SIZE_FIELDS)


def estimate_of_done(given: Mapping[str, Any], steps: int) -> dict[str, Any] | None:
    """The estimate's JSON record for the steps that a run has done, from its arguments as its journals have
    them; None where they do not suffice.
    """
    from footprint.errors import FootprintError
    from footprint.tracking.chain.run_chain import fields_of_run

    if not (steps and given.get("hw") and says_its_size(given)):
        return None
    try:
        return estimate_run({**fields_of_run(given), "steps": steps, "force": True}).to_json()
    except (FootprintError, TypeError):
        return None


def checked_scenario(given: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of an estimate request, each checked on its own.

    Raises:
        FootprintError: a value that cannot be meant.
    """
    from footprint.estimator.request import EstimateRequest

    scenario = {name: value for name, value in given.items() if value is not None}
    request = EstimateRequest.from_mapping({"hw": "any", **scenario}, "track()")
    return {name: getattr(request, name) for name in scenario}


def with_module(module: Any, inputs: Any, scenario: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The operation file of a module that is trained, and the scenario with the batch of its inputs.

    In a launch of several processes the batch of a step is that of all, which these inputs do not tell.

    Raises:
        FootprintError: a module that cannot be traced.
    """
    import os

    from footprint.estimator.modules import model_file

    path, samples = model_file(module, inputs)
    alone = os.environ.get("WORLD_SIZE", "1") == "1"
    return path, {**({"batch_size": samples} if alone else {}), **scenario}


def check_anchors(text: str) -> None:
    """Look anchors up.

    Raises:
        FootprintError: there is none of that name, or it cannot be read.
    """
    from footprint.estimator.anchors import anchors_in, read_anchor

    for one in anchors_in(text):
        read_anchor(one)


def keep_as_anchor(name: str, scenario: Mapping[str, Any], run_id: str, *, overwrite: bool) -> Path:
    """Keep what a run measured as an anchor in the user's folder.

    Raises:
        FootprintError: a measurement that cannot be one, or an anchor of that name is there.
    """
    from footprint.estimator.anchors import keep_anchor

    return keep_anchor(name, *_measured(name, scenario, run_id), overwrite=overwrite)


def leave_as_anchor(folder: Path, run_id: str, scenario: Mapping[str, Any]) -> Path:
    """Leave what a run measured in its folder of journals, as an anchor that estimates may name.

    Raises:
        FootprintError: a measurement that cannot be one.
        OSError: the folder cannot be written.
    """
    from footprint.estimator.anchors import keep_anchor_of_run

    return keep_anchor_of_run(folder, run_id, *_measured(run_id, scenario, run_id))


def _measured(name: str, scenario: Mapping[str, Any], run_id: str) -> tuple[EstimateRequest, Measured]:
    """The measured scenario of a run, and what it says; without its memory where this alone cannot be."""
    from footprint.errors import FootprintError
    from footprint.estimator.anchors import checked_measurement, measured_by

    request = checked_measurement(dict(scenario), f"run {run_id}")
    try:
        return request, measured_by(name, request)
    except FootprintError:
        if request.memory_gib is None:
            raise
    request = replace(request, memory_gib=None, memory_scope=None)
    return request, measured_by(name, request)
