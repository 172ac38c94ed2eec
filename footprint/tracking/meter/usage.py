"""What a journal line says beside energy: processor time of the run, and the energy of its phases."""

from __future__ import annotations

from collections.abc import Mapping

from footprint.meters.processes import cpu_time_s, machine_busy_s, waited_s


class Usage:
    """Processor time since the run began, its part of the machine's, and what was waited for it."""

    def __init__(self) -> None:
        self._cpu_s, self._busy_s, self._waited_s = cpu_time_s(), machine_busy_s(), waited_s()

    def since(self) -> dict[str, float]:
        """The fields of a line, those that the system can tell."""
        cpu_s = cpu_time_s() - self._cpu_s
        found = {"cpu_s": round(cpu_s, 2)}
        waited, busy = waited_s(), machine_busy_s()
        if waited is not None and self._waited_s is not None:
            found["waited_s"] = round(waited - self._waited_s, 2)
        if busy is not None and self._busy_s is not None and busy > self._busy_s:
            found["machine_share"] = round(min(1.0, cpu_s / (busy - self._busy_s)), 3)
        return found


class PhaseEnergy:
    """Divides the energy between two lines over the phases, by their time in between."""

    def __init__(self) -> None:
        self._kwh: dict[str, float] = {}
        self._before_s: Mapping[str, float] = {}
        self._before_kwh = 0.0

    def divide(self, phase_s: Mapping[str, float], kwh: float) -> dict[str, dict[str, float]]:
        """Time and energy of each phase so far, with the cumulative energy [kWh] of this line."""
        gained = {name: s - self._before_s.get(name, 0.0) for name, s in phase_s.items()}
        elapsed = sum(gained.values())
        for name, seconds in gained.items() if elapsed > 0 else ():
            share = (kwh - self._before_kwh) * seconds / elapsed
            self._kwh[name] = self._kwh.get(name, 0.0) + share
        self._before_s, self._before_kwh = phase_s, kwh
        return {
            name: {"s": round(seconds, 4), "kwh": self._kwh.get(name, 0.0)}
            for name, seconds in phase_s.items()
        }
