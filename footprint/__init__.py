"""What training a model costs in kWh, CO2e and USD: before, while and after it trains.

>>> import footprint
>>> footprint.estimate(model="bert-base", hw="v100:8").energy_kwh.mid  # doctest: +SKIP
"""

from __future__ import annotations

TYPE_CHECKING = False  # importing typing for it would cost more than all the rest

if TYPE_CHECKING:
    from typing import Any

    from footprint.catalog.version import __version__ as __version__
    from footprint.decisions import compare as compare
    from footprint.decisions.frames import sweep as sweep
    from footprint.decisions.plans import plan as plan
    from footprint.decisions.ranking import rank as rank
    from footprint.decisions.when import best_times as best_times
    from footprint.errors import FootprintError as FootprintError
    from footprint.estimator import estimate as estimate
    from footprint.fleet import report as report
    from footprint.projects import project as project
    from footprint.reports.exports import export as export
    from footprint.reports.interactive.frames import read_report as read_report
    from footprint.reports.interactive.frames import runs as runs
    from footprint.results import Quantity as Quantity
    from footprint.results.estimate import Estimate as Estimate
    from footprint.serving import inference as inference
    from footprint.tracking import track as track

_PUBLIC = {
    "Estimate": "footprint.results.estimate",
    "FootprintError": "footprint.errors",
    "Quantity": "footprint.results",
    "__version__": "footprint.catalog.version",
    "best_times": "footprint.decisions.when",
    "compare": "footprint.decisions",
    "estimate": "footprint.estimator",
    "export": "footprint.reports.exports",
    "inference": "footprint.serving",
    "plan": "footprint.decisions.plans",
    "project": "footprint.projects",
    "rank": "footprint.decisions.ranking",
    "read_report": "footprint.reports.interactive.frames",
    "report": "footprint.fleet",
    "runs": "footprint.reports.interactive.frames",
    "sweep": "footprint.decisions.frames",
    "track": "footprint.tracking",
}

__all__ = [
    "Estimate", "FootprintError", "Quantity", "__version__", "best_times", "compare", "estimate", "export",
    "inference", "plan", "project", "rank", "read_report", "report", "runs", "sweep", "track",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """Public names, imported when first used (PEP 562): `import footprint` alone costs nothing."""
    if name in _PUBLIC:
        from importlib import import_module

        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'footprint' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
