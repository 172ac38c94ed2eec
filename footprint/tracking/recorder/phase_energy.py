"""The energy of the phases of a run."""

from __future__ import annotations

from collections.abc import Mapping

from footprint.tracking.journal.lines import PhaseTotal


class PhaseEnergy:
    """Divides the energy between two lines over the phases, by their time in between."""

    def __init__(self) -> None:
        self._kwh: dict[str, float] = {}
        self._before_s: Mapping[str, float] = {}
        self._before_kwh = 0.0

    def divide(self, phase_s: Mapping[str, float], kwh: float) -> dict[str, PhaseTotal]:
        """Time and energy of each phase so far, with the cumulative energy [kWh] of this line."""
        gained = {name: s - self._before_s.get(name, 0.0) for name, s in phase_s.items()}
        elapsed = sum(gained.values())
        for name, seconds in gained.items() if elapsed > 0 else ():
            share = (kwh - self._before_kwh) * seconds / elapsed
            self._kwh[name] = self._kwh.get(name, 0.0) + share
        self._before_s, self._before_kwh = phase_s, kwh
        return {
            name: PhaseTotal(s=round(seconds, 4), kwh=self._kwh.get(name, 0.0))
            for name, seconds in phase_s.items()
        }
