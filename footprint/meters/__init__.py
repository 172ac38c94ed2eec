"""Instruments behind one small protocol: energy by component, measured, modelled or absent."""

from __future__ import annotations

import math
import re
from typing import Any

from footprint.errors import FootprintError
from footprint.meters.base import COMPONENTS, Channel, Meter, MeterError, Reading
from footprint.vocabulary import How

__all__ = ["COMPONENTS", "Channel", "How", "Meter", "MeterError", "Reading", "meter_from"]

_FORMS = "'codecarbon', 'constant:250W' (IT power of the node), 'none' or an object with start, read and stop"


def meter_from(given: str | Meter | None, options: dict[str, Any] | None = None) -> Meter:
    """The meter that a ``meter=`` argument asks for; nothing is started yet.

    ``options`` go to the codecarbon meter alone.

    Raises:
        FootprintError: a text that names no meter, or a power that is not above zero.
    """
    if given is None or given == "none":
        from footprint.meters.simple import NullMeter

        return NullMeter()
    if given == "codecarbon":
        from footprint.meters.codecarbon_meter import CodecarbonMeter

        return CodecarbonMeter(**(options or {}))
    if isinstance(given, str):
        from footprint.meters.simple import ConstantMeter

        return ConstantMeter(_constant_w(given))
    if isinstance(given, Meter):
        return given
    raise FootprintError(f"`meter=`: {given!r} is not a meter; give {_FORMS}")


def _constant_w(text: str) -> float:
    """Power of ``constant:250W`` or ``constant:1.2kW`` [W]."""
    match = re.fullmatch(r"constant:\s*([0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?)\s*(k?)[wW]", text.strip())
    if match is None:
        raise FootprintError(f"`meter=`: cannot read {text[:64]!r}; give {_FORMS}")
    power_w = float(match.group(1)) * (1000.0 if match.group(2) else 1.0)
    if not (math.isfinite(power_w) and power_w > 0):
        raise FootprintError(f"`meter=`: the power in {text[:64]!r} must be above 0 W")
    return power_w
