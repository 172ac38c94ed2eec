"""The energy that Slurm recorded for a job, and checks of its plausibility.

An energy plugin reads a node (``ipmi``, ``xcc``, ``pm_counters``), its processors and memory (``rapl``)
or its GPUs (``gpu``), but never a single job. The difference over a step counts as the step's energy,
even if other jobs used the node. Slurm's sum for a job counts a node twice while two steps run on it,
unless PrologFlags=Contain gives each job an ``extern`` step. Then only the ``extern`` step is counted.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from footprint.integrations.slurm.jobs import NO_VALUE, WRAPS_AT, Job, Step
from footprint.records import record, replace
from footprint.schema import Accelerator, Cluster
from footprint.units import JOULE_PER_KWH

READS = {"ipmi": "node", "xcc": "node", "pm_counters": "node", "rapl": "cpu", "gpu": "accelerators"}
"""The component that each of Slurm's energy plugins reads (slurm.conf, AcctGatherEnergyType)."""
MOST_OVER_RATED = 1.25
"""Largest plausible power over the rated power of boards and the 95th percentile of hosts [1]."""
LEAST_OF_HOST = 0.3
"""Least power of an idle server, over the 5th percentile of the busy host's power [1]."""
IDLE_OVER_RATED = (0.06, 0.2)
"""Range of a board's idle power over its rated power [1], from the profiles with a measured idle power (a
test recomputes it); used for boards without one."""
LEAST_COVERED = 0.8
"""Least share of a job's node-seconds that its steps must cover [1]."""
SAME = 0.01
_WHOLE_JOB = ("batch", "interactive")


@record
class Reading:
    """Energy of one launch as recorded by Slurm."""

    energy_j: float
    source: str
    covered_share: float = 1.0
    """Share of the launch's node-seconds that the reading covers [1]."""
    wraps: bool = False
    """Whether the energy is known only up to a multiple of 2^32 J."""
    note: str = ""

    @property
    def kwh(self) -> float:
        """The energy read [kWh]."""
        return self.energy_j / JOULE_PER_KWH


def read_energy(job: Job) -> tuple[Reading | None, str]:
    """The reading that counts each node of a launch once; or None and the reason."""
    reading = _best(job)
    if reading is None:
        if job.notes:
            return None, "; ".join(job.notes)
        return None, "no energy was recorded (0 or blank: AcctGatherEnergyType=none, or still running)"
    if reading.covered_share < LEAST_COVERED:
        return None, f"its steps cover {reading.covered_share:.0%} of its node-hours only"
    return reading, ""


def _best(job: Job) -> Reading | None:
    counted = [step for step in job.steps if _counts(step.energy_j)]
    named = {step.name: step for step in counted}
    whole = named.get("extern")
    if whole is None and (job.nodes or 1) == 1:
        whole = next((named[name] for name in _WHOLE_JOB if name in named), None)
    if whole is not None:
        return _compared(_unwrapped(whole, job), job)
    in_turn = _in_turn([step for step in counted if step.name not in _WHOLE_JOB])
    own = job.energy_j if _counts(job.energy_j) else None
    node_s = (job.nodes or 0) * (job.elapsed_s or 0.0)
    if in_turn and node_s > 0:
        covered = sum((step.nodes or 0) * (step.elapsed_s or 0.0) for step in in_turn)
        return _compared(
            Reading(
                energy_j=sum(step.energy_j or 0.0 for step in in_turn),
                source=f"ConsumedEnergyRaw of steps {', '.join(step.name for step in in_turn[:6])}",
                covered_share=min(1.0, covered / node_s),
                wraps=any(step.energy_wraps for step in in_turn),
            ),
            job,
        )
    if own is None:
        return None
    return Reading(
        energy_j=own,
        source="ConsumedEnergyRaw of the job",
        note="its steps are not here: without PrologFlags=Contain Slurm's sum counts a node twice while two "
        "steps run on it",
    )


def _counts(energy_j: float | None) -> bool:
    return energy_j is not None and energy_j > 0 and energy_j not in NO_VALUE


def _unwrapped(step: Step, job: Job) -> Reading:
    """The reading of one step; a value cut to 32 bits is completed from the job's sum if the two agree."""
    energy_j, wraps = step.energy_j or 0.0, step.energy_wraps
    if wraps and job.energy_j is not None and (job.energy_j - energy_j) % WRAPS_AT == 0:
        energy_j, wraps = max(job.energy_j, energy_j), False
    return Reading(energy_j=energy_j, source=f"ConsumedEnergyRaw of step {step.name}", wraps=wraps)


def _in_turn(steps: Sequence[Step]) -> list[Step]:
    """Steps that do not overlap in time, in order of time; larger steps are chosen first.

    Of overlapping steps only one is used, because each reads the whole node.
    """
    taken: list[tuple[float, float, Step]] = []
    ordered = sorted(steps, key=lambda s: -(s.nodes or 0) * (s.elapsed_s or 0.0))
    for step in ordered:
        if step.start_s is None or step.elapsed_s is None:
            continue
        start_s, end_s = step.start_s, step.start_s + step.elapsed_s
        at = bisect_left(taken, start_s, key=lambda span: span[0])
        after_last = at == 0 or taken[at - 1][1] <= start_s
        before_next = at == len(taken) or end_s <= taken[at][0]
        if after_last and before_next:
            taken.insert(at, (start_s, end_s, step))
    return [step for _, _, step in taken] or ordered[:1]


def _compared(reading: Reading, job: Job) -> Reading:
    """The reading, with a note if Slurm's sum for the job differs."""
    own = job.energy_j
    if own is None or not _counts(own) or reading.wraps or reading.energy_j <= 0:
        return reading
    if abs(own / reading.energy_j - 1.0) <= SAME:
        return reading
    return replace(
        reading,
        note=f"Slurm's sum for the job, {own / JOULE_PER_KWH:.3g} kWh, is not used: it adds steps that ran "
        f"at the same time; {reading.source} says {reading.kwh:.3g} kWh",
    )


# ------------------------------------------------------------------------------ plausibility


def implausible(reading: Reading, job: Job, clusters: Sequence[Cluster], reads: str) -> str:
    """Why a reading cannot be the energy of this allocation; empty if it is plausible.

    ``reads`` is the component that the plugin reads: ``node``, ``cpu`` or ``accelerators``.
    """
    elapsed_s = job.elapsed_s or 0.0
    if elapsed_s <= 0:
        return "the job has no duration"
    covered_s = elapsed_s * reading.covered_share
    watts = reading.energy_j / covered_s
    most_w = most_watts(job, clusters, reads)
    if reading.wraps and (most_w is None or most_w * elapsed_s >= WRAPS_AT):
        return "this version of sacct --json cuts energy to 32 bits: use the output of sacct -P"
    if most_w is not None and watts > most_w:
        return f"{watts:,.0f} W on average is more than this allocation can draw ({most_w:,.0f} W)"
    least_w = least_watts(job, clusters) if reads == "node" else 0.0
    if watts < least_w:
        return (
            f"{watts:,.0f} W on average is less than its nodes draw idle ({least_w:,.0f} W), so it is not "
            "that of whole nodes: say what it reads with `energy_plugin=` rapl or gpu"
        )
    return ""


def most_watts(job: Job, clusters: Sequence[Cluster], reads: str) -> float | None:
    """Upper limit of the power of an allocation's nodes [W]; None if a board has no rated power.

    Whole servers count, because a reading covers the whole node: the largest known form of each, with
    the accelerators outside the allocation idle.
    """
    nodes = job.nodes or 1
    boards = others = host = processors = 0.0
    for cluster in clusters:
        chip = cluster.accelerator
        rated = _rated_w(chip)
        if rated is None:
            return None
        boards += rated * cluster.count
        processors += rated * cluster.count if chip.kind == "cpu" else 0.0
        largest = max(form.accelerators for form in chip.nodes)
        others += (chip.idle_w or IDLE_OVER_RATED[1] * rated) * max(0.0, largest * nodes - cluster.count)
        host = max(host, *(form.host_high_w for form in chip.nodes))
    if reads == "cpu":
        return MOST_OVER_RATED * (processors + host * nodes)
    if reads == "accelerators":
        return MOST_OVER_RATED * (boards + others)
    return MOST_OVER_RATED * (boards + others + host * nodes)


def least_watts(job: Job, clusters: Sequence[Cluster]) -> float:
    """Lower limit of the power of an allocation's idle nodes [W].

    It is the idle power of the smallest known servers that hold the accelerators of each node.
    """
    nodes = job.nodes or 1
    boards, hosts = 0.0, []
    for cluster in clusters:
        chip = cluster.accelerator
        boards += (chip.idle_w or IDLE_OVER_RATED[0] * (_rated_w(chip) or 0.0)) * cluster.count
        forms = [form for form in chip.nodes if form.accelerators * nodes >= cluster.count] or chip.nodes
        hosts.append(min(form.host_low_w for form in forms))
    return boards + LEAST_OF_HOST * min(hosts, default=0.0) * nodes


def _rated_w(chip: Accelerator) -> float | None:
    return chip.tdp_w or chip.measured_high_w or chip.measured_w
