"""Four rooms: `resolve` looks up, `predict` times a step, `chain` computes, `present` makes the record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from footprint.estimator.request import EstimateRequest

if TYPE_CHECKING:
    from footprint.estimator.rooms import estimate as estimate

__all__ = ["EstimateRequest", "estimate"]


def __getattr__(name: str) -> Any:
    """The chain when it is first asked for: who only checks a request (``track()``) does without it."""
    if name == "estimate":
        from footprint.estimator.rooms import estimate

        return estimate
    raise AttributeError(f"module 'footprint.estimator' has no attribute {name!r}")
