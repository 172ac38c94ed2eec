"""When to train: the cleanest window of a series of carbon intensities, and pausing between clean hours."""

from footprint.decisions.when.answer import best_times

__all__ = ["best_times"]
