"""Which readings count: a ledger of energy that takes nothing impossible.

A meter that answers nothing, zero, a negative step, a power no machine has, or something that
is no number is a fault to report, never a result. What was not seen is kept as seconds, by
component, so that a report can say how much of the run each number covers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from footprint.meters.base import Channel
from footprint.records import field, state
from footprint.tracking.journal.lines import FaultLine
from footprint.units import JOULE_PER_KWH

ZERO_AFTER_S = 1.0
"""A counter may stand still for less than this between two updates; nothing draws 0 W for longer."""
LEAST_READ_S = 0.1
"""A power read over less than this says nothing about the seconds around it."""
MOST_FAULTS_KEPT = 50

# The most that a component of one node can draw [W]. Far above any machine on sale, so that only a
# wrong unit, a wrapped counter or a sleep counted as work crosses it.
MOST_W = {"accelerators": 200_000.0, "cpu": 20_000.0, "ram": 10_000.0, "node": 400_000.0}


@state
class _Account:
    """One component: what was accepted, and since when nothing was."""

    how: str
    source: str
    raw_kwh: float = 0.0
    good_kwh: float = 0.0
    seen_until_s: float = 0.0
    unseen_s: float = 0.0
    stood_in_s: float = 0.0


@state
class Ledger:
    """Energy accepted so far, by component and by device. Times are seconds since the run began."""

    accounts: dict[str, _Account] = field(default_factory=dict)
    device_kwh: dict[str, float] = field(default_factory=dict)
    used_devices: set[str] = field(default_factory=set)
    busy_devices: set[str] = field(default_factory=set)
    fault_count: int = 0
    faults: list[FaultLine] = field(default_factory=list)

    def open(self, channels: Iterable[Channel], at_s: float) -> None:
        """Begin the accounts of a meter that started ``at_s`` seconds into the run."""
        for channel in channels:
            if channel.how != "absent":
                self.accounts[channel.component] = _Account(
                    how=channel.how, source=channel.source, seen_until_s=at_s, unseen_s=at_s
                )

    def take(self, energy_kwh: Mapping[str, Any], at_s: float, until_s: float = math.inf) -> None:
        """Accept or refuse one reading of every component; of one that came after the run's end, its part."""
        for name, account in self.accounts.items():
            problem = self._post(name, account, energy_kwh.get(name), at_s, until_s)
            if problem:
                self.fault(problem, component=name, at_s=at_s)

    def _post(self, name: str, account: _Account, value: Any, at_s: float, until_s: float) -> str:
        """Book one value; what is wrong with it, or nothing."""
        elapsed_s = at_s - account.seen_until_s
        if value is None:
            return "no value"
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            return f"not a number: {value!r:.40}"
        step_kwh = float(value) - account.raw_kwh
        if step_kwh < 0:
            self._skip(account, value, at_s)
            return f"went back by {-step_kwh:.3g} kWh"
        if step_kwh == 0:
            # the interval stays open: a counter that recovers makes it good
            return f"zero for {elapsed_s:.1f} s" if elapsed_s >= ZERO_AFTER_S else ""
        power_w = step_kwh * JOULE_PER_KWH / max(elapsed_s, 0.05)
        if power_w > MOST_W.get(name, math.inf):
            self._skip(account, value, at_s)
            return f"{power_w:.3g} W is impossible"
        account.raw_kwh = float(value)
        inside_s = max(0.0, until_s - account.seen_until_s)
        if at_s > until_s and until_s - account.unseen_s < LEAST_READ_S:  # the run has hardly been read
            self._stand_in(account, step_kwh / elapsed_s, elapsed_s, until_s)
        else:
            account.good_kwh += step_kwh * min(1.0, inside_s / max(elapsed_s, 1e-9))
        account.seen_until_s = at_s
        return ""

    @staticmethod
    def _stand_in(account: _Account, kwh_per_s: float, elapsed_s: float, run_s: float) -> None:
        """A meter that came too late tells the power right after the end, and that stands for the run."""
        if elapsed_s >= LEAST_READ_S:
            account.good_kwh = kwh_per_s * run_s
            account.stood_in_s, account.unseen_s = run_s, 0.0
        else:
            account.unseen_s = run_s

    @staticmethod
    def _skip(account: _Account, value: float, at_s: float) -> None:
        account.raw_kwh = float(value)
        account.unseen_s += at_s - account.seen_until_s
        account.seen_until_s = at_s

    def take_devices(
        self, device_kwh: Mapping[str, Any], busy: Mapping[str, Any], own: Iterable[str] | None
    ) -> None:
        """Keep each device's energy and which devices this run was seen to use."""
        for device, value in device_kwh.items():
            if isinstance(value, int | float) and math.isfinite(value) and value >= 0:
                self.device_kwh[str(device)] = float(value)
        self.busy_devices.update(str(device) for device, share in busy.items() if share and share > 0)
        self.used_devices.update(own or ())

    def fault(self, what: str, *, component: str = "", at_s: float = 0.0) -> None:
        """Keep one fault; of more than fifty between two calls of `take_faults`, only their number."""
        self.fault_count += 1
        if len(self.faults) < MOST_FAULTS_KEPT:
            text = f"{component}: {what}" if component else what
            self.faults.append(FaultLine(what=text, component=component, run_s=round(at_s, 3)))

    def take_faults(self) -> list[FaultLine]:
        """The faults since the last call."""
        taken, self.faults = self.faults, []
        return taken

    def unseen_s(self, at_s: float) -> dict[str, float]:
        """Seconds of the run that each component's energy does not cover, up to ``at_s``."""
        return {
            name: min(at_s, account.unseen_s + max(0.0, at_s - account.seen_until_s))
            for name, account in self.accounts.items()
        }

    def stood_in_s(self) -> dict[str, float]:
        """Seconds for which a reading after the run's end stands, by component; where there are any."""
        return {name: account.stood_in_s for name, account in self.accounts.items() if account.stood_in_s}

    def energy_kwh(self) -> dict[str, float]:
        """Energy accepted so far [kWh], by component."""
        return {name: account.good_kwh for name, account in self.accounts.items()}

    def devices_in_use(self) -> list[str]:
        """Devices this run used: by its own processes where the driver tells, else those ever busy."""
        return sorted(self.used_devices or self.busy_devices)
