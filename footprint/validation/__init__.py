"""Comparisons of predictions, and of simpler baselines, with published numbers."""

from __future__ import annotations

from collections.abc import Callable

from footprint.validation.report import ValidationReport, ValidationRow


def datasets() -> dict[str, Callable[[], ValidationReport]]:
    """The datasets of the validation: name -> function that makes the report."""
    from footprint.validation.anchored import validate_anchored
    from footprint.validation.blind import validate_blind
    from footprint.validation.energy import validate_board_energy, validate_energy, validate_patterson
    from footprint.validation.goodput import validate_goodput
    from footprint.validation.memory import validate_memory
    from footprint.validation.mlperf_time import validate_mlperf_time
    from footprint.validation.power import validate_power
    from footprint.validation.runs import validate_runs
    from footprint.validation.serving import UNNAMED, validate_serving, validate_serving_energy
    from footprint.validation.strubell import validate_strubell
    from footprint.validation.throughput import validate_throughput, validate_throughput_found
    from footprint.validation.what_ifs import validate_what_ifs

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
        "serving": validate_serving,
        "serving-energy": validate_serving_energy,
        "serving-unnamed": lambda: validate_serving(UNNAMED),
    }


__all__ = ["ValidationReport", "ValidationRow", "datasets"]
