"""Estimates and measurements of untracked jobs, from Slurm's accounting.

The command ``footprint slurm`` uses this. The estimate of a job follows from its elapsed time, its GPUs
and their hardware profile. The measurement of a job is the energy that Slurm read from its nodes, if
that value is plausible. Estimates and measurements are never added.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from footprint.errors import FootprintError
from footprint.integrations.slurm.account import Account, account_of
from footprint.integrations.slurm.hardware import make_hardware
from footprint.integrations.slurm.recorded_energy import READS
from footprint.integrations.slurm.source import read_targets
from footprint.records import record
from footprint.results import Quantity, total

PLUGINS = (*READS, "none")
SUMMED = ("accelerator_h", "it_energy_kwh", "energy_kwh", "co2e_kg", "cost_usd")


@record
class SlurmReport:
    """What some jobs used, by launch, and the problems of their records."""

    accounts: tuple[Account, ...]
    problems: tuple[str, ...]
    plugin: str | None

    @property
    def estimated(self) -> tuple[Account, ...]:
        """The launches that ran and could be estimated."""
        return tuple(one for one in self.accounts if one.estimates)

    @property
    def measured(self) -> tuple[Account, ...]:
        """The launches whose energy Slurm read."""
        return tuple(one for one in self.accounts if one.measurement is not None)

    def sums(self, kind: str) -> dict[str, Quantity]:
        """Sums of one kind, ``estimate`` or ``measurement``, over its launches.

        A quantity that a launch lacks is left out. Raises FootprintError for another kind.
        """
        if kind == "estimate":
            parts: list[Any] = [part for one in self.estimated for part in one.estimates]
        elif kind == "measurement":
            parts = [one.measurement for one in self.measured]
        else:
            raise FootprintError(f"kind {kind!r}: estimate or measurement")
        sums = {}
        for name in SUMMED:
            values = [getattr(part, name) for part in parts]
            if values and all(value is not None for value in values):
                sums[name] = total(values)
        return sums

    def shares(self) -> dict[str, float]:
        """Share of each of Slurm's states in the estimated facility energy, the largest first [1]."""
        by_state: dict[str, float] = {}
        for one in self.estimated:
            kwh = sum(part.energy_kwh.mid for part in one.estimates)
            by_state[one.job.state] = by_state.get(one.job.state, 0.0) + kwh
        whole = sum(by_state.values())
        return {state: kwh / whole for state, kwh in sorted(by_state.items(), key=lambda item: -item[1])}

    def records(self) -> list[dict[str, Any]]:
        """The JSON records of every launch, estimates and measurements, each with its ``kind``."""
        return [record for one in self.accounts for record in one.records()]


def report_jobs(
    targets: Sequence[str],
    *,
    hw: Sequence[str] = (),
    accelerators_per_node: int | None = None,
    energy_plugin: str | None = None,
    **options: Any,
) -> SlurmReport:
    """What the jobs with these numbers, or in these files, used.

    ``hw`` are the values of ``--hw``; ``options`` are fields of an estimate (``region``, ``year``,
    ``pue``, ``grid_g_per_kwh``, ``provider``, ``purchase``, ``usd_per_hour``).

    Raises
    ------
    FootprintError
        If nothing can be read, an option is wrong, or no job that ran can be estimated.
    """
    if energy_plugin is not None and energy_plugin not in PLUGINS:
        raise FootprintError(f"`energy_plugin=` must be one of {', '.join(PLUGINS)}, not {energy_plugin!r}")
    hardware = make_hardware(hw, accelerators_per_node)
    _check(options)
    jobs, problems, told = read_targets(targets)
    plugin = energy_plugin or told
    accounts = tuple(account_of(job, hardware, options, plugin) for job in jobs)
    report = SlurmReport(accounts=accounts, problems=tuple(problems), plugin=plugin)
    failed = [one for one in accounts if one.problem]
    if failed and not report.estimated:
        raise FootprintError(f"job {failed[0].job.job_id}: {failed[0].problem}")
    return report


def _check(options: Mapping[str, Any]) -> None:
    """Raise one error for an option that is wrong for every job."""
    from footprint.estimator import EstimateRequest, estimate

    estimate(
        EstimateRequest(
            hw="v100:1", hours=1.0, **{name: value for name, value in options.items() if name not in _PRICE}
        )
    )


_PRICE = ("provider", "purchase")
"""Options that are checked per job, because not every provider offers every chip."""
