"""What is known before the first step: the hardware found here, and the estimate for the run."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from footprint.errors import FootprintError
from footprint.records import record
from footprint.results.estimate import Estimate
from footprint.tracking.chain.estimator_calls import estimate_run, says_its_size
from footprint.tracking.process.detected_hardware import detect_hardware
from footprint.tracking.process.hardware_presence import is_here
from footprint.tracking.process.identity import Identity
from footprint.tracking.settings.arguments import Settings
from footprint.tracking.settings.wording import in_python


@record
class Prepared:
    """The arguments as they will be journaled, the estimate, and what stands in its way."""

    given: dict[str, Any]
    estimate: Estimate | None = None
    problems: tuple[str, ...] = ()


class Preparation:
    """`prepare` on a thread of its own: a broken driver may take for ever to say what board it drives."""

    def __init__(self, settings: Settings, who: Identity) -> None:
        self.result: Prepared | None = None
        self._settings = settings
        self._who = who
        self._then: Callable[[], None] = lambda: None
        self._thread = threading.Thread(target=self._work, name="footprint-prepare", daemon=True)

    def start(self, then: Callable[[], None]) -> None:
        """Begin in the background; ``then`` is called when there is a result."""
        self._then = then
        self._thread.start()

    def settle(self, wait_s: float) -> bool:
        """Wait for the result, but not longer than this; return whether it is there."""
        if self._thread.is_alive():
            self._thread.join(wait_s)
        return self.result is not None

    def _work(self) -> None:
        try:
            self.result = prepare(self._settings, self._who)
        except Exception as error:  # noqa: BLE001 - the run goes on without an estimate
            problem = f"preparation: {type(error).__name__}: {error}"
            self.result = Prepared(given=self._settings.given(), problems=(problem,))
        self._then()


def prepare(settings: Settings, who: Identity) -> Prepared:
    """Detect the hardware if none was given, and estimate the run; never raises for the user's input."""
    given = settings.given()
    if settings.by_hooks:  # the supervisor knows the rest
        return Prepared(given=given)
    problems: list[str] = []
    if "hw" not in given:
        found, note = detect_hardware(who)
        if found is not None:
            given["hw"], given["hw_detected"] = found, True
        if note:
            problems.append(note)
    elif not str(settings.meter).startswith("constant"):  # which states the power of a node, wherever it is
        found_here = is_here(given["hw"])
        given |= {} if found_here is None else {"hw_found": found_here}
    if not says_its_size(given) or "hw" not in given:
        return Prepared(given=given, problems=(*problems, *_check_cluster(given), *_check_place(given)))
    try:
        return Prepared(given=given, estimate=_estimate(settings, given), problems=tuple(problems))
    except (FootprintError, TypeError) as error:
        return Prepared(
            given=given, problems=(*problems, f"no estimate: {in_python(str(error))}", *_check_place(given))
        )


def _estimate(settings: Settings, given: dict[str, Any]) -> Estimate:
    request: dict[str, Any] = {
        **settings.scenario,
        "hw": given["hw"],
        "model": settings.model,
        "region": settings.region,
        "name": settings.name,
        "force": True,  # the run is under way: what looks like a mistake is a warning
    }
    if settings.total_tokens is not None:
        request["tokens"] = settings.total_tokens
    elif settings.total_steps is not None:
        request["steps"] = settings.total_steps
    return estimate_run(request)


def _check_cluster(given: dict[str, Any]) -> tuple[str, ...]:
    """What is wrong with the hardware, where no estimate will say so."""
    from footprint.catalog.hardware import parse_cluster

    try:
        if "hw" in given:
            parse_cluster(given["hw"])
    except FootprintError as error:
        return (str(error),)
    return ()


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
