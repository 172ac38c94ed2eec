"""The journal line of one moment, from what was counted and what was metered."""

from __future__ import annotations

from footprint.tracking.journal.lines import ForecastHours, LossPoint, StateLine
from footprint.tracking.recorder.counts import Snapshot
from footprint.tracking.recorder.device_peak import DevicePeak
from footprint.tracking.recorder.energy_ledger import Ledger
from footprint.tracking.recorder.phase_energy import PhaseEnergy
from footprint.tracking.recorder.processor_time import ProcessorTime
from footprint.tracking.recorder.run_clock import RunClock


class StateMaker:
    """Begins with the run, as processor time and the energy of phases are counted from there."""

    def __init__(self, clock: RunClock, ledger: Ledger) -> None:
        self.forecast: ForecastHours | None = None
        self._clock, self._ledger = clock, ledger
        self._processor_time, self._phase_energy = ProcessorTime(), PhaseEnergy()
        self._peak = DevicePeak()

    def make(self, snapshot: Snapshot) -> StateLine:
        """The totals now."""
        run_s, ledger = self._clock.run_s(), self._ledger
        kwh, boot_s = ledger.energy_kwh(), round(self._clock.boot_s(), 6)
        used = self._processor_time.used()
        return StateLine(
            boot_s=boot_s,
            run_s=round(run_s, 6),
            suspended_s=round(self._clock.suspended_s(), 1),
            steps=snapshot.steps,
            tokens=snapshot.tokens,
            samples=snapshot.samples,
            step_s=snapshot.step_s,
            losses=tuple(
                LossPoint(round(max(boot_s - ago_s, 0.0), 3), loss) for ago_s, loss in snapshot.losses
            ),
            kwh=kwh,
            unseen_s={name: round(seconds, 3) for name, seconds in ledger.unseen_s(run_s).items()},
            stood_in_s=ledger.stood_in_s(),
            cpu_s=used.cpu_s,
            waited_s=used.waited_s,
            machine_share=used.machine_share,
            peak_byte=self._peak.byte(),
            phases=self._phase_energy.divide(snapshot.phase_s, sum(kwh.values())),
            device_kwh=dict(ledger.device_kwh),
            used=tuple(ledger.devices_in_use()) if ledger.device_kwh else (),
            forecast=self.forecast,
            faults=ledger.fault_count or None,
        )
