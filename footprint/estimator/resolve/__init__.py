"""The first room: every name looked up, every default settled, once."""

from footprint.estimator.resolve.resolve import resolve

__all__ = ["resolve"]
