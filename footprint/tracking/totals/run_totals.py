"""From the journals of a run to its totals, without adding two readings of one interval.

Processes are grouped into segments (launches), energy is added by node and component, tokens
over ranks, steps once. What is missing is said: a node that never reported, a rank that died.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from footprint.records import field, state
from footprint.results.human import amount
from footprint.tracking.journal.lines import EstimateLine, ForecastHours
from footprint.tracking.totals.node_energy import ComponentTotal, add_accelerators, add_host, count_devices
from footprint.tracking.totals.process_totals import KILLED, ProcessTotals
from footprint.tracking.totals.segments import Segment, segments_of, windows_meet
from footprint.units import BYTE_PER_GIB, SECONDS_PER_HOUR

FORECAST_MARKS = (0.05, 0.10, 0.25, 0.50)
LEAST_SLEEP_S = 1.0
MOST_NAMED, MOST_NODES = 16, 100_000
"""Missing nodes are named if there are at most so many, in a launch of at most so many nodes."""


@state
class RunTotals:
    """All that the journals of one run say together."""

    run_id: str
    segments: list[Segment]
    components: dict[str, ComponentTotal]
    steps: int
    """Steps done, those that were trained twice after a restart included, as tokens and energy are."""
    tokens: float
    samples: float
    duration_s: float
    given: dict[str, Any]
    estimate: dict[str, Any] | None
    step_s: float | None
    phases: dict[str, dict[str, float]]
    accelerators_used: int
    accelerators_allocated: int
    unused_kwh: float
    nodes: int
    host_share: float = 1.0
    """This run's part of the nodes' processors and memory while other runs were on them."""
    segment_kwh: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    lost_s: float = 0.0

    @property
    def forecasts(self) -> list[ForecastHours]:
        """What was forecast at 5, 10, 25 and 50 % of the last segment."""
        made = next((p.forecasts for p in self.segments[-1].processes if p.forecasts), [])
        marks = ((mark, next((f for f in made if f.progress >= mark), None)) for mark in FORECAST_MARKS)
        return [found for mark, found in marks if found is not None and found.progress < mark + 0.2]

    @property
    def processes(self) -> list[ProcessTotals]:
        """Every process of every segment."""
        return [process for segment in self.segments for process in segment.processes]

    @property
    def peak_gib(self) -> float | None:
        """Most that tensors took on one accelerator [GiB], by PyTorch's allocator; None without one."""
        peaks = [process.peak_byte for process in self.processes if process.peak_byte]
        return max(peaks) / BYTE_PER_GIB if peaks else None

    @property
    def status(self) -> str:
        """The last segment's, or ``incomplete`` where a node or rank never reported."""
        last = self.segments[-1].status
        return "incomplete" if self.missing and last == "completed" else last


def runs_of(processes: Iterable[ProcessTotals]) -> dict[str, list[ProcessTotals]]:
    """Processes by run. Launches without a shared name are joined by rendezvous address and time."""
    runs: dict[str, list[ProcessTotals]] = defaultdict(list)
    for process in processes:
        runs[process.run_id].append(process)
    merged: dict[str, list[ProcessTotals]] = {}
    launches: dict[tuple[str, int, int], list[str]] = defaultdict(list)
    for run_id, group in runs.items():
        first = group[0]
        several = first.nodes > 1 and first.job != ""
        known = launches[first.job, first.nodes, first.world_size] if several else []
        partner = next((name for name in known if _one_launch(merged[name], group)), None)
        merged.setdefault(partner or run_id, []).extend(group)
        if partner is None:
            known.append(run_id)
    return merged


def _one_launch(one: list[ProcessTotals], other: list[ProcessTotals]) -> bool:
    """Whether two runs of a common launch are nodes of it that had no shared name."""
    return not {p.node_rank for p in one} & {p.node_rank for p in other} and windows_meet(one, other)


def _killed_ranks(segment: Segment) -> str:
    """Which ranks of a launch were killed, where others were not and tell the status."""
    killed = sorted((p for p in segment.processes if p.status == KILLED), key=lambda process: process.rank)
    if not killed or len(killed) == len(segment.processes):
        return ""
    what = f"rank {killed[0].rank} was" if len(killed) == 1 else f"{len(killed)} processes were"
    lost_s = max(process.lost_s for process in killed)
    return f"{what} killed: at most {lost_s:g} s of its work after the last line could not be seen"


def merge(
    run_id: str,
    processes: list[ProcessTotals],
    others: Sequence[ProcessTotals] = (),
    elsewhere: Sequence[ProcessTotals] = (),
) -> RunTotals:
    """The totals of one run; ``others`` are the processes of other runs that may share its nodes.

    ``elsewhere`` are processes of its last launch that are reported apart: not missing, and not added.
    """
    segments = segments_of(processes)
    warnings: list[str] = []
    components, segment_kwh, host_share = _energy(segments, others, warnings)
    used, allocated, unused_kwh = count_devices(processes)
    if allocated > used > 0 and unused_kwh > 0:
        warnings.append(
            f"{allocated - used} of {allocated} accelerators were allocated and never used: "
            f"{amount(unused_kwh, 'kwh')} of theirs is not charged"
        )
    warnings += _interruptions(segments, processes)
    if elsewhere:
        warnings.append(
            f"{len(elsewhere)} other processes of this launch have a row of their own: "
            "one began after the others had ended and were reported"
        )
    last = segments[-1]
    step_times = [process.step_s for process in last.processes if process.step_s]
    return RunTotals(
        run_id=run_id,
        segments=segments,
        components=components,
        steps=sum(segment.steps for segment in segments),
        tokens=sum(process.tokens for process in processes),
        samples=sum(process.samples for process in processes),
        duration_s=sum(segment.duration_s for segment in segments),
        given=_given(processes),
        estimate=_estimate(processes),
        step_s=max(step_times) if step_times else None,
        phases=_phases(processes),
        accelerators_used=used,
        accelerators_allocated=allocated,
        unused_kwh=unused_kwh,
        nodes=len({process.boot_id for process in last.processes}),
        segment_kwh=segment_kwh,
        host_share=host_share,
        faults=[fault for process in processes for fault in process.faults],
        warnings=warnings + _segment_warnings(segments, segment_kwh),
        missing=_missing([*last.processes, *elsewhere]),
        lost_s=max((process.lost_s for process in last.processes), default=0.0),
    )


def _energy(
    segments: Sequence[Segment], others: Sequence[ProcessTotals], warnings: list[str]
) -> tuple[dict[str, ComponentTotal], list[float], float]:
    """Energy by component, that of each segment [kWh], and the run's share of what its hosts used."""
    components: dict[str, ComponentTotal] = {}
    segment_kwh = []
    own_kwh = whole_kwh = 0.0
    for segment in segments:
        before = sum(total.kwh for total in components.values())
        for boot in sorted(segment.boots):
            here = [process for process in segment.processes if process.boot_id == boot]
            beside = [other for other in others if other.boot_id == boot]
            own, whole = add_host(components, here, beside, warnings)
            own_kwh, whole_kwh = own_kwh + own, whole_kwh + whole
            add_accelerators(components, here, beside, warnings)
        segment_kwh.append(sum(total.kwh for total in components.values()) - before)
    return components, segment_kwh, own_kwh / whole_kwh if whole_kwh > 0 else 1.0


def _interruptions(segments: Sequence[Segment], processes: Sequence[ProcessTotals]) -> Iterator[str]:
    """What is said of time that was slept through or could not be seen."""
    asleep_s = max(process.suspended_s for process in processes)
    if asleep_s >= LEAST_SLEEP_S:
        yield f"the machine slept for {asleep_s:.0f} s in between: neither time nor energy of the run"
    yield from filter(None, map(_killed_ranks, segments))
    if any(process.left_alone for process in processes):
        yield "footprint run was killed and its program goes on: nothing reads its energy since then"


def _given(processes: list[ProcessTotals]) -> dict[str, Any]:
    """The arguments of the run: the first process's, what it lacks from the others.

    Hardware that somebody named wins over hardware that a program was seen to use, and that over hardware
    that was detected.
    """
    merged: dict[str, Any] = {}
    for process in sorted(processes, key=lambda p: (p.started_wall_s, p.rank)):
        given = process.journal.given
        if given.get("hw") and _sureness(given) > _sureness(merged):
            merged = {name: value for name, value in merged.items() if name not in ("hw", "hw_detected")}
        merged = {**given, **merged}
        if not given.get("hw_detected") and merged.get("hw") == given.get("hw"):
            merged.pop("hw_detected", None)
    found = [
        process.journal.given["hw_found"]
        for process in processes
        if "hw_found" in process.journal.given and process.journal.given.get("hw") == merged.get("hw")
    ]
    return merged | ({"hw_found": any(found)} if found else {})


def _sureness(given: Mapping[str, Any]) -> int:
    """How sure the hardware of a run is: detected, in use, or named."""
    detected = given.get("hw_detected")
    return (1 if detected == "in use" else 0) if detected else 2


def _segment_warnings(segments: list[Segment], segment_kwh: list[float]) -> list[str]:
    """What was trained twice after a restart, where the resumed segment said where it began."""
    notes = []
    reached = 0
    for index, segment in enumerate(segments):
        begin = max(process.initial_step for process in segment.processes)
        if index and begin and begin < reached:
            previous = segments[index - 1]
            share = (reached - begin) / max(1, previous.steps)
            notes.append(
                f"segment {index + 1} resumed at step {begin}: {reached - begin} steps were trained twice, "
                f"about {amount(min(1.0, share) * segment_kwh[index - 1], 'kwh')}"
            )
        reached = (begin if begin else reached) + segment.steps
    return notes


def _phases(processes: list[ProcessTotals]) -> dict[str, dict[str, float]]:
    """Time and energy by phase: time of the first rank, energy of every node's reader."""
    phases: dict[str, dict[str, float]] = {}
    leader = min(processes, key=lambda process: (process.started_wall_s, process.rank))
    for process in processes:
        for name, part in process.phases.items():
            entry = phases.setdefault(name, {"duration_h": 0.0, "it_energy_kwh": 0.0})
            entry["it_energy_kwh"] += part.kwh
            if process.rank == leader.rank:
                entry["duration_h"] += part.s / SECONDS_PER_HOUR
    return phases


def _estimate(processes: list[ProcessTotals]) -> dict[str, Any] | None:
    """The estimate that was made when the run began, from the first journal that holds one."""
    for process in processes:
        for line in process.journal.lines:
            if isinstance(line, EstimateLine) and line.record:
                return dict(line.record)
    return None


def _missing(processes: list[ProcessTotals]) -> list[str]:
    """Nodes and ranks of the last launch that left no journal."""
    said = processes[0]
    if said.launcher == "none":
        return []
    present = {process.node_rank for process in processes if process.launcher != "none"}
    absent = said.nodes - len(present)
    if absent <= MOST_NAMED and said.nodes <= MOST_NODES:
        missing = [
            f"node {rank} of {said.nodes} never reported" for rank in range(said.nodes) if rank not in present
        ]
    else:
        missing = [f"{absent} of {said.nodes} nodes never reported"]
    for node_rank in sorted(present):
        here = [p for p in processes if p.node_rank == node_rank and p.launcher != "none"]
        absent = here[0].local_world_size - len({process.rank for process in here})
        if absent > 0:
            missing.append(f"{absent} of {here[0].local_world_size} ranks on {here[0].host} never reported")
    return missing
