"""Processor time of a run, its part of the machine's, and what was waited for it."""

from __future__ import annotations

from footprint.meters.processes import cpu_time_s, machine_busy_s, waited_s
from footprint.records import record


@record
class ProcessorUse:
    """What was used since the run began; None where the system cannot tell."""

    cpu_s: float
    waited_s: float | None = None
    machine_share: float | None = None
    """Of all processor time that the machine was busy."""


class ProcessorTime:
    """Counts from when it is made."""

    def __init__(self) -> None:
        self._cpu_s, self._busy_s, self._waited_s = cpu_time_s(), machine_busy_s(), waited_s()

    def used(self) -> ProcessorUse:
        """What was used so far."""
        cpu_s = cpu_time_s() - self._cpu_s
        waited, busy = waited_s(), machine_busy_s()
        share = None
        if busy is not None and self._busy_s is not None and busy > self._busy_s:
            share = round(min(1.0, cpu_s / (busy - self._busy_s)), 3)
        return ProcessorUse(
            cpu_s=round(cpu_s, 2),
            waited_s=None if waited is None or self._waited_s is None else round(waited - self._waited_s, 2),
            machine_share=share,
        )
