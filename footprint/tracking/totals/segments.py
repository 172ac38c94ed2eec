"""The segments of a run: which of its processes belong to one launch, and how that went."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence

from footprint.records import state
from footprint.tracking.process.identity import program_of
from footprint.tracking.totals.process_totals import KILLED, RUNNING, ProcessTotals

SLACK_S = 600.0
"""Clocks of two nodes of one launch may differ by this much."""
_WORST_FIRST = (
    RUNNING, "failed", "terminated", "interrupted", "stopped_by_budget", KILLED, "completed",
)  # fmt: skip


@state
class Segment:
    """One launch: its processes, by node."""

    processes: list[ProcessTotals]

    @property
    def started_wall_s(self) -> float:
        """When the first process began [s, wall clock]."""
        return min(process.started_wall_s for process in self.processes)

    @property
    def started_at(self) -> str:
        """The same as text."""
        return min(self.processes, key=lambda process: process.started_wall_s).started_at

    @property
    def duration_s(self) -> float:
        """The longest time that any node's processes ran [s]; no wall clock is trusted for it.

        Of processes that ran together the longest counts; those that ran one after the other add up.
        """
        by_node: dict[str, list[ProcessTotals]] = defaultdict(list)
        for process in self.processes:
            by_node[process.boot_id].append(process)
        return max(map(_ran_s, by_node.values()))

    @property
    def steps(self) -> int:
        """Steps of the launch: ranks count the same ones, programs that joined each its own.

        A rank's runs one after the other add up, and of the ranks the one with most counts: one may have
        tracked something of its own before.
        """
        ranks: dict[tuple[str, str], dict[int, int]] = defaultdict(lambda: defaultdict(int))
        for process in self.processes:
            if process.world_size == 1:
                program = process.boot_id, process.launch
            elif process.nodes == 1:
                program = process.boot_id, program_of(process.launch)
            else:
                program = "", process.job  # each node has a launch of its own
            ranks[program][process.rank] += process.steps
        return sum(max(steps.values()) for steps in ranks.values())

    @property
    def status(self) -> str:
        """How the launch ended; a rank that was killed beside ranks that failed is a failure.

        What its own launcher started again under ``footprint run`` did not end there, and of a program that
        knows nothing of the run its supervisor knows more.
        """
        latest: dict[str, int] = defaultdict(int)
        telling = [p for p in self.processes if not p.by_hooks] or self.processes
        for process in telling:
            latest[process.job] = max(latest[process.job], process.restart)
        found = {p.status for p in telling if p.restart == latest[p.job]}
        return next((status for status in _WORST_FIRST if status in found), KILLED)

    @property
    def boots(self) -> set[str]:
        """The nodes that reported."""
        return {process.boot_id for process in self.processes}


def _ran_s(processes: list[ProcessTotals]) -> float:
    """For how long some process of a node ran [s]."""
    total_s = longest_s = 0.0
    until_s = -math.inf
    for process in sorted(processes, key=lambda process: process.started_s):
        if process.started_s > until_s:
            total_s, longest_s = total_s + longest_s, 0.0
        longest_s = max(longest_s, process.run_s)
        until_s = max(until_s, process.last_s)
    return total_s + longest_s


def windows_meet(one: Sequence[ProcessTotals], other: Sequence[ProcessTotals]) -> bool:
    """Whether two groups ran at the same time: by the boot clock on one node, else by the wall clock."""
    for a in one:
        for b in other:
            if a.boot_id == b.boot_id:
                if a.started_s < _until_s(b) and b.started_s < _until_s(a):
                    return True
            elif (
                a.started_wall_s - SLACK_S < b.started_wall_s + b.run_s
                and b.started_wall_s - SLACK_S < a.started_wall_s + a.run_s
            ):
                return True
    return False


def _until_s(process: ProcessTotals) -> float:
    """To when a process was seen, by its node's boot clock; one that lives is not over at its last line."""
    return math.inf if process.status == RUNNING and not process.left_alone else process.last_s


def segments_of(processes: Iterable[ProcessTotals]) -> list[Segment]:
    """Launches of one run in order of time.

    The processes of one launch overlap and share a restart number; one that joined ``footprint run`` is in
    its supervisor's segment, however often its own launcher started it again.
    """
    launches: dict[tuple[str, str], list[ProcessTotals]] = defaultdict(list)
    joined = []
    everyone = sorted(processes, key=lambda process: process.started_wall_s)
    supervisors = [process for process in everyone if not process.joined]
    for process in everyone:
        candidates = reversed(supervisors) if process.joined else ()
        supervisor = next((one for one in candidates if _may_supervise(one, process)), None)
        if supervisor is None:
            launches[(process.boot_id, process.launch)].append(process)
        else:
            joined.append((supervisor, process))
    groups: list[list[ProcessTotals]] = []
    for launch in launches.values():
        for group in groups:
            if group[0].restart == launch[0].restart and windows_meet(group, launch):
                group.extend(launch)
                break
        else:
            groups.append(launch)
    for supervisor, process in joined:
        next(group for group in groups if any(member is supervisor for member in group)).append(process)
    return sorted((Segment(group) for group in groups), key=lambda segment: segment.started_wall_s)


def _may_supervise(one: ProcessTotals, process: ProcessTotals) -> bool:
    return one.boot_id == process.boot_id and one.started_s <= process.started_s
