"""Comparisons of predictions, and of simpler baselines, with published numbers."""

from __future__ import annotations

from collections.abc import Callable

from footprint.validation.report import ValidationReport, ValidationRow


def datasets() -> dict[str, Callable[[], ValidationReport]]:
    """The datasets of the validation: name -> function that makes the report."""
    from footprint.validation.published.anchored import validate_anchored
    from footprint.validation.published.blind import validate_blind
    from footprint.validation.published.energy import (
        validate_board_energy,
        validate_energy,
        validate_patterson,
    )
    from footprint.validation.published.goodput import validate_goodput
    from footprint.validation.published.memory import validate_memory
    from footprint.validation.published.memory_anchored import validate_memory_anchored
    from footprint.validation.published.mlperf_time import validate_mlperf_time
    from footprint.validation.published.power import validate_power
    from footprint.validation.published.runs import validate_runs
    from footprint.validation.published.serving import (
        ELSEWHERE,
        UNNAMED,
        validate_serving,
        validate_serving_energy,
    )
    from footprint.validation.published.strubell import validate_strubell
    from footprint.validation.published.throughput import validate_throughput, validate_throughput_found
    from footprint.validation.published.what_ifs import validate_what_ifs

    return {
        "strubell": validate_strubell,
        "throughput": validate_throughput,
        "throughput-found": validate_throughput_found,
        "anchored": validate_anchored,
        "runs": validate_runs,
        "strubell-blind": validate_blind,
        "power": validate_power,
        "mlperf-time": validate_mlperf_time,
        "patterson": validate_patterson,
        "energy": validate_energy,
        "board-energy": validate_board_energy,
        "goodput": validate_goodput,
        "what-ifs": validate_what_ifs,
        "memory": validate_memory,
        "memory-anchored": validate_memory_anchored,
        "serving": validate_serving,
        "serving-energy": validate_serving_energy,
        "serving-sources": lambda: validate_serving(ELSEWHERE),
        "serving-unnamed": lambda: validate_serving(UNNAMED),
    }


__all__ = ["ValidationReport", "ValidationRow", "datasets"]
