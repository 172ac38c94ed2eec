"""Every call that tracking makes of the estimator; no other module of it imports one of its modules."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from footprint.errors import FootprintError
from footprint.results.estimate import Estimate

_WORK_FIELDS = ("tokens", "samples", "steps", "epochs", "hours", "step_time_s", "tokens_per_second",
                "samples_per_second", "mfu", "goodput", "it_power_w", "accelerator_power_w", "runs",
                "failed_share", "force")  # fmt: skip


def estimate_run(request: Mapping[str, Any]) -> Estimate:
    """The estimate of a whole run.

    Raises:
        FootprintError: an argument that cannot be meant, or one that is missing.
        TypeError: a field that a request does not have.
    """
    from footprint.estimator import EstimateRequest, estimate

    return estimate(EstimateRequest(**request))


def estimate_hours(
    given: Mapping[str, Any], hours: float, work: Mapping[str, float] | None = None
) -> tuple[Estimate | None, str]:
    """The estimator's chain for known hours, and for the work done in them where that is known.

    Without a profile, or where a name is unknown, None and what stands in the way.
    """
    if not given.get("hw"):
        return None, "no hardware profile: only what the meter read is counted"
    from footprint.estimator import EstimateRequest, estimate

    request: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in given.items()
        if key in EstimateRequest.__dataclass_fields__ and key not in _WORK_FIELDS
    }
    request["hours"] = hours
    request["force"] = True  # a measured MFU is what it is
    without_work = {key: value for key, value in request.items() if key != "model"}
    problem = ""
    for attempt in ({**request, **work}, without_work) if work else (without_work,):
        try:
            return estimate(EstimateRequest(**attempt)), problem
        except (FootprintError, TypeError) as error:
            problem = f"the chain after the measurement is incomplete: {error}"
    return None, problem


def scenario_fields() -> frozenset[str]:
    """The names of the fields of an estimate request."""
    from footprint.estimator.request import EstimateRequest

    return frozenset(EstimateRequest.__dataclass_fields__)


def checked_scenario(given: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of an estimate request, each checked on its own.

    Raises:
        FootprintError: a value that cannot be meant.
    """
    from footprint.estimator.request import EstimateRequest

    scenario = {name: value for name, value in given.items() if value is not None}
    request = EstimateRequest.from_mapping({"hw": "any", **scenario}, "track()")
    return {name: getattr(request, name) for name in scenario}


def check_anchor(name_or_file: str) -> None:
    """Look an anchor up.

    Raises:
        FootprintError: there is none of that name, or it cannot be read.
    """
    from footprint.estimator.anchors import read_anchor

    read_anchor(name_or_file)


def keep_as_anchor(name: str, scenario: Mapping[str, Any], run_id: str, *, overwrite: bool) -> Path:
    """Keep what a run measured as an anchor in the user's folder.

    Raises:
        FootprintError: a measurement that cannot be one, or an anchor of that name is there.
    """
    from footprint.estimator.anchors import checked_measurement, keep_anchor

    return keep_anchor(name, checked_measurement(dict(scenario), f"run {run_id}"), overwrite=overwrite)
