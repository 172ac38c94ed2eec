"""What is known before the first step: the hardware found here, and the estimate for the run."""

from __future__ import annotations

from typing import Any

from footprint.errors import FootprintError
from footprint.records import record
from footprint.results.estimate import Estimate
from footprint.tracking.detect import detect_hardware
from footprint.tracking.identity import Identity
from footprint.tracking.settings import Settings


@record
class Prepared:
    """The arguments as they will be journaled, the estimate, and what stands in its way."""

    given: dict[str, Any]
    estimate: Estimate | None = None
    problems: tuple[str, ...] = ()


def prepare(settings: Settings, who: Identity) -> Prepared:
    """Detect the hardware if none was given, and estimate the run; never raises for the user's input."""
    given = settings.given()
    problems: list[str] = []
    if "hw" not in given:
        found, note = detect_hardware(who)
        if found is not None:
            given["hw"], given["hw_detected"] = found, True
        if note:
            problems.append(note)
    if settings.model is None or "hw" not in given:
        return Prepared(given=given, problems=(*problems, *_check_place(given)))
    try:
        return Prepared(given=given, estimate=_estimate(settings, given), problems=tuple(problems))
    except (FootprintError, TypeError) as error:
        return Prepared(given=given, problems=(*problems, f"no estimate: {error}", *_check_place(given)))


def _estimate(settings: Settings, given: dict[str, Any]) -> Estimate:
    from footprint.estimator import EstimateRequest, estimate

    request: dict[str, Any] = {
        **settings.scenario,
        "hw": given["hw"],
        "model": settings.model,
        "region": settings.region,
        "name": settings.name,
    }
    if settings.total_tokens is not None:
        request["tokens"] = settings.total_tokens
    elif settings.total_steps is not None:
        request["steps"] = settings.total_steps
    return estimate(EstimateRequest(**request))


def _check_place(given: dict[str, Any]) -> tuple[str, ...]:
    """What is wrong with the place, where no estimate will say so."""
    if given.get("region") is None:
        return ()
    from footprint.catalog.places import find_place

    try:
        find_place(given["region"], year=given.get("year"))
    except FootprintError as error:
        return (str(error),)
    return ()
