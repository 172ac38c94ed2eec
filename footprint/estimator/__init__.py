"""Records in, an estimate out."""

from footprint.estimator.chain import estimate
from footprint.estimator.request import EstimateRequest

__all__ = ["EstimateRequest", "estimate"]
