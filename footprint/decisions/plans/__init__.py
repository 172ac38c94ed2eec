"""Plans: what a budget buys by a scaling law, and what a loss or a model costs."""

from footprint.decisions.plans.planning import plan

__all__ = ["plan"]
