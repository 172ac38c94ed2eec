"""The other processes of a run, from the ends of their journals: files are read, nobody is asked."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

from footprint.records import record
from footprint.tracking.journal.files import UnreadableJournalError, journal_files
from footprint.tracking.journal.lines import EndLine, StartLine, StateLine
from footprint.tracking.journal.reader import Journal, read_journal
from footprint.tracking.process.clock import boot_clock_s
from footprint.tracking.process.identity import Identity, program_of


@record
class SteppingProcess:
    """One process that counts steps, as its last line says it."""

    steps: int
    steps_per_s: float
    age_s: float
    """Since that line was written [s]."""
    look_s: float
    """How often it looks whether it is to stop [s]."""
    alone: bool
    """Whether it has no other ranks to agree with."""


class OtherRanks:
    """Looks at the journals of one run's folder, cheaply enough for every flush."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._starts: dict[Path, StartLine] = {}

    def count(self, who: Identity) -> int:
        """How many ranks of this launch journal into the folder, this one included."""
        ranks = (start.process for _, start in self._journals())
        return len(
            {rank.rank for rank in ranks if (rank.restart, rank.world_size) == (who.restart, who.world_size)}
        )

    def energy_ratio(self, boot: str, nodes: int, here_kwh: float) -> float:
        """All nodes' energy over this node's; a node that has not reported counts like this one."""
        by_node: dict[str, float] = {}
        for path, start in self._journals():
            node = start.process.boot_id
            if node == boot:
                continue
            state = last_state(path)
            kwh = sum(state.kwh.values()) if state is not None else 0.0
            by_node[node] = max(kwh, by_node.get(node, 0.0))
        silent = max(0, nodes - 1 - len([kwh for kwh in by_node.values() if kwh > 0]))
        return 1.0 + silent + sum(by_node.values()) / here_kwh

    def stepping(self) -> list[SteppingProcess]:
        """Each process of this machine that counts steps, can stop at one and lives."""
        found = []
        for path, start in self._journals():
            state = last_state(path)
            if state is None or isinstance(state, EndLine) or not state.steps or not start.process.alive:
                continue
            if start.given.get("by_hooks"):
                continue
            mean = state.steps / max(state.run_s, 1e-9)
            recent = 1.0 / state.step_s if state.step_s else 0.0
            found.append(
                SteppingProcess(
                    steps=state.steps,
                    steps_per_s=max(mean, recent),  # the mean holds the start-up
                    age_s=max(0.0, boot_clock_s() - state.boot_s),
                    look_s=start.look_s or 5.0,
                    alone=start.process.world_size == 1,
                )
            )
        return found

    def counted(self) -> dict[str, Any] | None:
        """What the programs below a supervisor have counted until now, as fields of its totals.

        Ranks count the same steps. A process that goes on has gone on since its last line.
        """
        steps: dict[tuple[str, str], dict[int, int]] = defaultdict(lambda: defaultdict(int))
        tokens = samples = 0.0
        step_s = []
        for path, start in self._journals():
            who, state = start.process, last_state(path)
            if not who.metered_by_parent or state is None or not state.steps:
                continue
            ahead = 0
            if state.step_s and not isinstance(state, EndLine) and who.alive:
                step_s.append(state.step_s)
                ahead = int(min(boot_clock_s() - state.boot_s, start.flush_s) / state.step_s)
            launch = who.launch if who.world_size == 1 else program_of(who.launch)
            steps[who.boot_id, launch][who.rank] += state.steps + ahead
            tokens += state.tokens * (1 + ahead / state.steps)
            samples += state.samples * (1 + ahead / state.steps)
        if not steps:
            return None
        return {
            "steps": sum(max(ranks.values()) for ranks in steps.values()),
            "tokens": tokens,
            "samples": samples,
            "step_s": max(step_s, default=None),
        }

    def _journals(self) -> list[tuple[Path, StartLine]]:
        """The journals that have a whole first line by now."""
        found = []
        for path in journal_files(self._folder)[0]:
            if path not in self._starts and (journal := _ends(path)) is not None:
                self._starts[path] = journal.start
            if path in self._starts:
                found.append((path, self._starts[path]))
        return found


def _ends(path: Path) -> Journal | None:
    try:
        return read_journal(path, 0)
    except UnreadableJournalError:
        return None


def last_state(path: Path) -> StateLine | None:
    """The last whole line with totals, if there is one."""
    journal = _ends(path)
    lines = () if journal is None else reversed(journal.lines)
    return next((line for line in lines if isinstance(line, StateLine)), None)
