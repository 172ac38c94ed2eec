"""Sweeps: the estimates of many scenarios at once."""

from footprint.decisions.sweeps import Sweep, sweep

__all__ = ["Sweep", "sweep"]
