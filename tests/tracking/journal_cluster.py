"""Journals that processes of known power would leave, written without the writer under test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from footprint.tracking.journal.codec import encode
from footprint.tracking.journal.lines import SCHEMA
from footprint.tracking.process.identity import identify
from footprint.tracking.totals.process_totals import processes_in
from footprint.tracking.totals.run_totals import RunTotals, merge, runs_of

WALL = "2026-03-01T10:{:02d}:{:02d}.000+00:00"


class Cluster:
    """Writes the journals that processes of known power would leave."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.made = 0

    def process(
        self,
        run_id: str = "r",
        *,
        start: float = 0.0,
        end: float = 600.0,
        wall_s: float | None = None,
        node: str = "a",
        watts: dict[str, float] | None = None,
        boards: dict[str, float] | None = None,
        used: list[str] | None = None,
        steps: int = 60,
        tokens: int = 6000,
        status: str | None = "completed",
        given: dict[str, Any] | None = None,
        cpu: float = 1.0,
        busy: float | None = None,
        **who: Any,
    ) -> None:
        """One process that drew ``watts`` by component (and by board) from start to end."""
        wall = start if wall_s is None else wall_s
        identity = {
            **identify({}).to_json(), "host": node, "boot_id": f"boot-{node}", "pid": 0, "launcher": "none",
            "launch": f"{node}-launch", **who,
        }  # fmt: skip
        lines: list[dict[str, Any]] = [{
            "type": "start", "schema": SCHEMA, "run_id": run_id, "process": identity, "boot_s": start,
            "started_at": WALL.format(int(wall // 60), int(wall % 60)), "flush_s": 5.0, "given": given or {},
        }]  # fmt: skip
        parts = dict(watts or {})
        if boards:
            parts["accelerators"] = sum(boards.values())
        if parts:
            channels = [{"component": c, "how": "measured", "source": "s"} for c in parts]
            lines.append({"type": "meter", "boot_s": start, "channels": channels})
        moments = [start + 5 * n for n in range(1, int((end - start) // 5) + 1)]
        for moment in moments:
            passed = moment - start
            state: dict[str, Any] = {
                "type": "state", "boot_s": moment, "run_s": passed,
                "steps": round(steps * passed / (end - start)),
                "tokens": round(tokens * passed / (end - start)), "samples": 0, "cpu_s": cpu * passed,
                "kwh": {name: power * passed / 3.6e6 for name, power in parts.items()},
                "unseen_s": dict.fromkeys(parts, 0.0),
            }  # fmt: skip
            if busy is not None:
                state["machine_share"] = busy
            if boards:
                state["device_kwh"] = {uuid: power * passed / 3.6e6 for uuid, power in boards.items()}
                state["used"] = used if used is not None else sorted(boards)
            lines.append(state)
        if status is not None:
            lines.append({**lines[-1], "type": "end", "status": status})
        self.made += 1
        path = self.folder / run_id / f"p{self.made}.journal.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"".join(encode({"n": n, **line}) for n, line in enumerate(lines)))

    def rank(self, rank: int, *, node: int = 0, nodes: int = 1, per_node: int = 8, **more: Any) -> None:
        """A rank under torchrun; local rank 0 reads the host's 300 W."""
        local = rank % per_node
        host = {"cpu": 250.0, "ram": 50.0} if local == 0 else None
        self.process(**{
            "watts": host, "node": f"n{node}", "launcher": "torchrun", "rank": rank, "local_rank": local,
            "world_size": per_node * nodes, "local_world_size": per_node, "node_rank": node, "nodes": nodes,
            "job": "job", "launch": f"n{node}.0", **more,
        })  # fmt: skip

    def totals(self, run_id: str = "r") -> RunTotals:
        processes, problems = processes_in(self.folder)
        assert not problems
        runs = runs_of(processes)
        others = [p for name, group in runs.items() if name != run_id for p in group]
        return merge(run_id, runs[run_id], others)
