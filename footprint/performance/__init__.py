"""Step time, MFU, busy share, goodput and power, from a model's operations and a cluster."""

from footprint.performance.goodput import goodput
from footprint.performance.power import PowerPrediction, predict_power
from footprint.performance.precision import choose_precision
from footprint.performance.step import StepPrediction, predict_step

__all__ = [
    "PowerPrediction",
    "StepPrediction",
    "choose_precision",
    "goodput",
    "predict_power",
    "predict_step",
]
