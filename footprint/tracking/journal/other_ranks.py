"""The other processes of a run, from the ends of their journals: files are read, nobody is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from footprint.records import record
from footprint.tracking.journal.journal import SUFFIX, boot_clock_s, decode
from footprint.tracking.journal.process_record import is_alive
from footprint.tracking.process.identity import Identity

TAIL_BYTES = 16_384
HEAD_BYTES = 65_536


@record
class Stepping:
    """One process that counts steps, as its last line says it."""

    steps: int
    steps_per_s: float
    age_s: float
    """Since that line was written [s]."""
    look_s: float
    """How often it looks whether it is to stop [s]."""
    alone: bool
    """Whether it has no other ranks to agree with."""


class Peers:
    """Looks at the journals of one run's folder, cheaply enough for every flush."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._starts: dict[Path, dict[str, Any]] = {}

    def ranks(self, who: Identity) -> int:
        """How many ranks of this launch journal into the folder."""
        return len({process.get("rank") for _, process in self._launch(who.restart, who.world_size)})

    def energy_ratio(self, boot: str, nodes: int, here_kwh: float) -> float:
        """All nodes' energy over this node's; a node that has not reported counts like this one."""
        by_node: dict[str, float] = {}
        for path, process in self._launch(None, None):
            if process.get("boot_id") == boot:
                continue
            state = last_state(path)
            kwh = sum(value for value in (state.get("kwh") or {}).values() if isinstance(value, int | float))
            by_node[str(process.get("boot_id"))] = max(kwh, by_node.get(str(process.get("boot_id")), 0.0))
        silent = max(0, nodes - 1 - len([kwh for kwh in by_node.values() if kwh > 0]))
        return 1.0 + silent + sum(by_node.values()) / here_kwh

    def stepping(self) -> list[Stepping]:
        """Each process of this machine that counts steps and lives."""
        found = []
        for path, process in self._launch(None, None):
            state = last_state(path)
            if state.get("type") == "state" and state.get("steps") and is_alive(process):
                start, steps = self._starts[path], int(state["steps"])
                mean = steps / max(float(state.get("run_s") or 0.0), 1e-9)
                recent = 1.0 / state["step_s"] if state.get("step_s") else 0.0
                found.append(
                    Stepping(
                        steps=steps,
                        steps_per_s=max(mean, recent),  # the mean holds the start-up
                        age_s=max(0.0, boot_clock_s() - float(state.get("boot_s") or 0.0)),
                        look_s=float(start.get("look_s") or start.get("flush_s") or 5.0),
                        alone=process.get("world_size", 1) == 1,
                    )
                )
        return found

    def _launch(self, restart: int | None, world_size: int | None) -> list[tuple[Path, dict[str, Any]]]:
        found = []
        for path in self._folder.glob(f"*{SUFFIX}"):
            if path not in self._starts:
                first = _first_line(path)
                if first is None:
                    continue
                self._starts[path] = first
            process = self._starts[path].get("process") or {}
            if restart is not None and process.get("restart") != restart:
                continue
            if world_size is not None and process.get("world_size") != world_size:
                continue
            found.append((path, process))
        return found


def _first_line(path: Path) -> dict[str, Any] | None:
    try:
        with path.open("rb") as file:
            return decode(file.readline(HEAD_BYTES))
    except OSError:
        return None


def last_state(path: Path) -> dict[str, Any]:
    """The last whole line with totals; empty if there is none near the end."""
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - TAIL_BYTES))
            lines = file.read().splitlines()
    except OSError:
        return {}
    for line in reversed(lines):
        found = decode(line)
        if found is not None and found.get("type") in ("state", "end"):
            return found
    return {}
