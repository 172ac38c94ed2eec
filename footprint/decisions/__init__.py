"""Decisions from many estimates: scenarios side by side, and sweeps over any number of them."""

from footprint.decisions.comparison import compare
from footprint.decisions.scenario_table import ScenarioTable
from footprint.decisions.sweeps import Sweep, sweep

__all__ = ["ScenarioTable", "Sweep", "compare", "sweep"]
