"""What to decide with estimates: sweeps over many scenarios."""

from footprint.decisions.sweeps import Sweep, sweep

__all__ = ["Sweep", "sweep"]
