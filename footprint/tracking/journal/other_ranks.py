"""The other processes of a run, from the ends of their journals: files are read, nobody is asked."""

from __future__ import annotations

from pathlib import Path

from footprint.records import record
from footprint.tracking.journal.codec import decode
from footprint.tracking.journal.line_parser import parse_line
from footprint.tracking.journal.lines import EndLine, JournalLine, StartLine, StateLine
from footprint.tracking.journal.writer import SUFFIX
from footprint.tracking.process.clock import boot_clock_s
from footprint.tracking.process.identity import Identity

TAIL_BYTES = 16_384
HEAD_BYTES = 65_536


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
        """Each process of this machine that counts steps and lives."""
        found = []
        for path, start in self._journals():
            state = last_state(path)
            if state is None or isinstance(state, EndLine) or not state.steps or not start.process.alive:
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

    def _journals(self) -> list[tuple[Path, StartLine]]:
        """The journals that have a whole first line by now."""
        found = []
        for path in self._folder.glob(f"*{SUFFIX}"):
            if path not in self._starts:
                first = _first_line(path)
                if first is None:
                    continue
                self._starts[path] = first
            found.append((path, self._starts[path]))
        return found


def _first_line(path: Path) -> StartLine | None:
    try:
        with path.open("rb") as file:
            line = _line(file.readline(HEAD_BYTES))
    except OSError:
        return None
    return line if isinstance(line, StartLine) else None


def last_state(path: Path) -> StateLine | None:
    """The last whole line with totals; None if there is none near the end."""
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - TAIL_BYTES))
            tail = file.read().splitlines()
    except OSError:
        return None
    lines = map(_line, reversed(tail))
    return next((line for line in lines if isinstance(line, StateLine)), None)


def _line(data: bytes) -> JournalLine | None:
    raw = decode(data)
    return None if raw is None else parse_line(raw)
