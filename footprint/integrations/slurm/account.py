"""Makes an estimate, and a measurement if Slurm read the energy, from a job's accounting record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from footprint import equations
from footprint.errors import FootprintError
from footprint.estimator import EstimateRequest
from footprint.estimator.chain import COMPONENTS, Consequences, Outcome, consequences
from footprint.estimator.facts import Facts
from footprint.estimator.present import present
from footprint.estimator.rooms import answer
from footprint.integrations.slurm.hardware import Hardware, Part, parts_of
from footprint.integrations.slurm.jobs import Job, utc
from footprint.integrations.slurm.recorded_energy import READS, Reading, implausible, read_energy
from footprint.records import record
from footprint.results import Assumption, Quantity, total
from footprint.results.estimate import Estimate
from footprint.results.measurement import DoneWork, MeasuredComponents, Measurement, MeterSummary
from footprint.spelling import in_file
from footprint.units import SECONDS_PER_HOUR

STATUS = {
    "COMPLETED": "completed", "RUNNING": "running", "SUSPENDED": "running", "COMPLETING": "running",
    "FAILED": "failed", "BOOT_FAIL": "failed", "NODE_FAIL": "failed", "LAUNCH_FAILED": "failed",
    "CANCELLED": "interrupted", "REQUEUED": "interrupted", "PREEMPTED": "interrupted",
    "TIMEOUT": "terminated", "DEADLINE": "terminated", "OUT_OF_MEMORY": "killed",
}  # fmt: skip
"""Slurm's states and the tracker's words for them."""
MODEL_SOURCE = "power model of the estimate"
_POWER_OPTION = "--accelerator-power-w"
_UNSEEN = "tracking.unseen_fill"


@record
class Account:
    """What one launch used: an estimate per kind of accelerator, and a measurement if there is one."""

    job: Job
    estimates: tuple[Estimate, ...] = ()
    measurement: Measurement | None = None
    problem: str = ""
    """Why there is no estimate; also empty for a job that never ran."""
    energy_not_used: str = ""
    """Why there is no measurement."""
    notes: tuple[str, ...] = ()

    @property
    def status(self) -> str:
        """The tracker's word for how the launch ended."""
        return STATUS.get(self.job.state, "incomplete")

    def parts(self) -> list[tuple[str, Estimate]]:
        """Each estimate with a name of its own: ``slurm-6``, or ``slurm-6-part2`` of several."""
        several = len(self.estimates) > 1
        return [
            (f"{self.job.run_id}-part{number}" if several else self.job.run_id, one)
            for number, one in enumerate(self.estimates, 1)
        ]

    def records(self) -> list[dict[str, Any]]:
        """The JSON records of the launch, with their kind and Slurm's data; kinds must not be summed."""
        job = self.job
        slurm = {
            "job_id": job.job_id, "raw_id": job.raw_id, "job_name": job.name, "state": job.state,
            "cluster": job.cluster, "partition": job.partition, "launch": job.launch,
            "launches": job.launches, "nodes": job.nodes, "node_list": job.node_list,
            "elapsed_s": job.elapsed_s,
            "devices": {kind or "gpu": count for kind, count in job.devices.items()},
            "energy_not_used": self.energy_not_used or None,
        }  # fmt: skip
        head = {"status": self.status, "started_at": utc(job.start_s), "kind": "estimate", "slurm": slurm}
        found: list[dict[str, Any]] = [
            {**one.to_json(), "run_id": run_id, **head} for run_id, one in self.parts()
        ]
        if self.measurement is not None:
            found.append({**self.measurement.to_json(), "kind": "measurement", "slurm": slurm})
        return found


def account_of(
    job: Job, hardware: Hardware, options: Mapping[str, Any], plugin: str | None = None
) -> Account:
    """What a launch used, from its record.

    ``options`` are fields of `EstimateRequest` (``region``, ``pue``, ...). ``plugin`` is Slurm's energy
    plugin; if it is unknown, a reading counts as that of whole nodes.
    """
    if not job.elapsed_s:
        return Account(job=job, problem="" if job.elapsed_s == 0 else "how long it ran is not in its record")
    try:
        parts = parts_of(job, hardware)
        models = tuple(_model(job, part, options) for part in parts)
    except FootprintError as error:
        return Account(job=job, problem=in_file(str(error), ("hours",)))  # Slurm says them, no option
    estimates = tuple(model.estimate for model in models)
    notes = tuple(note for part in parts for note in part.notes)
    reading, reason = read_energy(job)
    if STATUS.get(job.state) == "running":
        reading, reason = None, "still running: Slurm adds up its energy when it ends"
    elif plugin == "none":
        reading, reason = None, "AcctGatherEnergyType=none: Slurm measures no energy here"
    reads = READS.get(plugin or "", "node")
    if reading is not None:
        reason = implausible(reading, job, [part.cluster for part in parts], reads)
        if not reason:
            measurement = _measure(job, reading, models, reads, plugin)
            return Account(job=job, estimates=estimates, measurement=measurement, notes=notes)
        reason = f"{reading.kwh:.3g} kWh were recorded and not used: {reason}"
    return Account(job=job, estimates=estimates, energy_not_used=reason, notes=notes)


@record
class Model:
    """The facts, prediction and outcome for one kind of accelerator of a job, and its estimate."""

    facts: Facts
    outcome: Outcome
    estimate: Estimate


def _model(job: Job, part: Part, options: Mapping[str, Any]) -> Model:
    request = EstimateRequest(
        hw=part.hw,
        hours=(job.elapsed_s or 0.0) / SECONDS_PER_HOUR,
        accelerators_per_node=part.accelerators_per_node,
        name=f"slurm {job.job_id} {job.name}".strip(),
        **options,
    )
    facts, prediction, outcome, trace = answer(request)
    return Model(facts=facts, outcome=outcome, estimate=present(facts, prediction, outcome, trace))


# ------------------------------------------------------------------------------- measurement


def _measure(
    job: Job, reading: Reading, models: Sequence[Model], reads: str, plugin: str | None
) -> Measurement:
    """The measurement: the energy read, the modelled energy of other components, and their consequences."""
    estimates = [one.estimate for one in models]
    model = estimates[0]
    hours = (job.elapsed_s or 0.0) / SECONDS_PER_HOUR
    read_kwh, rows = _whole_launch(reading)
    unseen_s = (1.0 - reading.covered_share) * (job.elapsed_s or 0.0)
    source = f"Slurm, {reading.source}" + (f", acct_gather_energy/{plugin}" if plugin else "")
    read = MeterSummary(component=reads, how="measured", source=source, unseen_s=unseen_s)
    components = {} if reads == "node" else _components(read_kwh, estimates, reads)
    it_energy = total(components.values()) if components else read_kwh
    meters = [read] + [
        MeterSummary(component=name, how="modelled", source=MODEL_SOURCE)
        for name in components
        if name != reads
    ]
    means = _consequences(it_energy, models)

    def whole(name: str) -> Quantity | None:
        """The sum over all kinds of accelerators; None where it is unknown for one of them."""
        return _sum([getattr(one, name) for one in means])

    return Measurement(
        footprint_version=model.footprint_version,
        data_version=model.data_version,
        created_at=model.created_at,
        name=model.name,
        boundary="facility",
        run_id=job.run_id,
        status=STATUS.get(job.state, "incomplete"),
        started_at=utc(job.start_s),
        model=None,
        cluster=model.cluster if len(estimates) == 1 else None,
        workload=DoneWork(tokens=None, samples=None, steps=None),
        flop=None,
        peak_flop_per_s=None,
        step_time_s=None,
        mfu=None,
        mfu_convention="",
        goodput=None,
        duration_h=Quantity(hours),
        accelerator_h=total([one.accelerator_h for one in estimates]),
        it_power_w=equations.mean_power_w(it_energy, hours),
        it_energy_kwh=it_energy,
        energy_components_kwh=MeasuredComponents(**components, cooling=whole("cooling_kwh")),
        pue=model.pue,
        energy_kwh=whole("energy_kwh"),
        place=model.place,
        grid_g_per_kwh=model.grid_g_per_kwh,
        co2e_kg=whole("co2e_kg"),
        co2e_market_kg=whole("co2e_market_kg"),
        embodied_co2e_kg=whole("embodied_co2e_kg"),
        water_l=whole("water_l"),
        cost_usd=whole("cost_usd"),
        price=model.price if len(estimates) == 1 else None,
        segments=(),
        meters=tuple(meters),
        phases={},
        faults=(),
        assumptions=(*rows, *(row for row in _rows(estimates) if components or row.option != _POWER_OPTION)),
        warnings=tuple(note for note in (reading.note, EXCLUSIVE) if note),
    )


EXCLUSIVE = (
    "Slurm's energy is that of the nodes: it is a job's own only where the job had them for itself "
    "(--exclusive)"
)


def _consequences(it_energy: Quantity, models: Sequence[Model]) -> list[Consequences]:
    """CO2e, water and cost of the measured energy; the power model divides it among kinds of accelerators."""
    modelled_kwh = [one.outcome.it_energy_kwh.mid for one in models]
    return [
        consequences(
            it_energy * (kwh / sum(modelled_kwh)), one.outcome.accelerator_h, one.facts.site,
            one.facts.embodied, one.facts.price,
        )
        for one, kwh in zip(models, modelled_kwh, strict=True)
    ]  # fmt: skip


def _whole_launch(reading: Reading) -> tuple[Quantity, list[Assumption]]:
    """Energy of the launch [kWh]: the reading, plus its mean power for the time that steps do not cover."""
    seen = Quantity(reading.kwh)
    if reading.covered_share >= 0.99:
        return seen, []
    from footprint.catalog.assumptions import assumed

    fill = assumed(_UNSEEN)
    missing = (1.0 - reading.covered_share) / reading.covered_share
    return total([seen, seen * missing * fill.quantity]), [fill.row()]


def _components(read_kwh: Quantity, estimates: Sequence[Estimate], reads: str) -> dict[str, Quantity]:
    """IT energy by component [kWh]: the component that was read, and the others from the estimate."""
    modelled = {
        name: _sum([getattr(one.energy_components_kwh, name) for one in estimates]) for name in COMPONENTS
    }
    if reads == "cpu":
        modelled["ram"] = None  # RAPL reads processors and memory
        if all(_is_processor(one.cluster.accelerator) for one in estimates):
            modelled["accelerators"] = None
    modelled[reads] = read_kwh
    return {name: part for name, part in modelled.items() if part is not None and part.mid > 0}


def _is_processor(name: str) -> bool:
    from footprint.catalog.hardware import find_accelerator

    return find_accelerator(name).kind == "cpu"


def _sum(parts: Sequence[Quantity | None]) -> Quantity | None:
    """The sum; None where a part is unknown."""
    known = [part for part in parts if part is not None]
    if len(known) != len(parts):
        return None
    return known[0] if len(known) == 1 else total(known)


def _rows(estimates: Sequence[Estimate]) -> list[Assumption]:
    return list(dict.fromkeys(row for one in estimates for row in one.assumptions))
