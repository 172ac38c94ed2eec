"""One process of a run, as its journal tells it: how long, how far, with what energy, and how it ended."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from footprint.tracking.forecast.forecast import weighted_median
from footprint.tracking.journal.journal import Journal
from footprint.tracking.process.identity import boot_id, process_start

RUNNING, KILLED = "running", "killed"


@dataclass(slots=True)
class ProcessRecord:
    """What one journal adds up to; times are the node's boot clock [s] unless said."""

    journal: Journal
    run_id: str
    boot_id: str
    host: str
    rank: int
    node_rank: int
    local_world_size: int
    world_size: int
    nodes: int
    restart: int
    launch: str
    job: str
    launcher: str
    started_at: str
    started_wall_s: float
    started_s: float
    last_s: float
    run_s: float
    status: str
    steps: int = 0
    tokens: float = 0.0
    samples: float = 0.0
    step_s: float | None = None
    """The median step of the run [s], from those of its lines."""
    step_medians: list[tuple[float, int]] = field(default_factory=list)
    """The median step of each line [s], and how many steps it is of."""
    first_step_s: float | None = None
    kwh: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    device_kwh: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    cpu_s: list[tuple[float, float]] = field(default_factory=list)
    unseen_s: dict[str, float] = field(default_factory=dict)
    stood_in_s: dict[str, float] = field(default_factory=dict)
    channels: dict[str, tuple[str, str]] = field(default_factory=dict)
    devices: list[dict[str, Any]] = field(default_factory=list)
    used: frozenset[str] = frozenset()
    phases: dict[str, dict[str, float]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    fault_count: int = 0
    busy_share: float | None = None
    suspended_s: float = 0.0
    steps_per_s: list[tuple[float, int]] = field(default_factory=list)
    initial_step: int = 0
    forecasts: list[tuple[float, float, float, float]] = field(default_factory=list)
    """(progress, low, mid, high hours) of the whole run, at each flush."""

    @property
    def metered(self) -> bool:
        """Whether this process read any energy."""
        return bool(self.kwh)

    @property
    def joined(self) -> bool:
        """Whether ``footprint run`` supervises this process, and reads the meter for it."""
        return bool(self.journal.process.get("metered_by_parent"))

    @property
    def lost_s(self) -> float:
        """After a kill: the longest it can have run on unseen, one flush interval [s]."""
        return float(self.journal.start.get("flush_s") or 0.0) if self.status == KILLED else 0.0


def read_process(journal: Journal) -> ProcessRecord:
    """The totals of one journal; damaged lines only cost resolution."""
    start, process = journal.start, journal.process
    started_s = _float(start.get("boot_s"))
    record = ProcessRecord(
        journal=journal,
        run_id=journal.run_id,
        boot_id=str(process.get("boot_id", "")),
        host=str(process.get("host", "")),
        rank=_int(process.get("rank")),
        node_rank=_int(process.get("node_rank")),
        local_world_size=max(1, _int(process.get("local_world_size"), 1)),
        world_size=max(1, _int(process.get("world_size"), 1)),
        nodes=max(1, _int(process.get("nodes"), 1)),
        restart=_int(process.get("restart")),
        launch=str(process.get("launch", "")),
        job=str(process.get("job", "")),
        launcher=str(process.get("launcher", "none")),
        started_at=str(start.get("started_at", "")),
        started_wall_s=_wall_s(str(start.get("started_at", ""))),
        started_s=started_s,
        last_s=started_s,
        run_s=0.0,
        status=KILLED,
        initial_step=_int((start.get("given") or {}).get("initial_step")),
    )
    for line in journal.records:
        kind = line.get("type")
        if kind == "meter":
            _take_meter(record, line)
        elif kind in ("state", "end"):
            _take_state(record, line)
        elif kind == "fault":
            record.faults.append(str(line.get("what", ""))[:300])
    if record.step_medians:
        record.step_s = weighted_median(*zip(*record.step_medians, strict=True))
    if journal.ended is not None:
        record.status = str(journal.ended.get("status", "completed"))
    elif is_alive(process):
        record.status = RUNNING
    if journal.damaged:
        record.faults.append(f"{journal.damaged} damaged lines of {journal.path.name} left out")
    return record


def _take_meter(record: ProcessRecord, line: dict[str, Any]) -> None:
    at_s = _float(line.get("boot_s"))
    for channel in line.get("channels") or ():
        name = str(channel.get("component"))
        record.channels[name] = (str(channel.get("how")), str(channel.get("source")))
        if channel.get("how") != "absent":
            record.kwh.setdefault(name, [(at_s, 0.0)])
    record.devices = [device for device in line.get("devices") or () if isinstance(device, dict)]


def _take_state(record: ProcessRecord, line: dict[str, Any]) -> None:
    at_s = _float(line.get("boot_s"))
    if at_s < record.last_s:
        return  # a copy of an older line; the clock itself never goes back
    record.last_s = at_s
    record.run_s = _float(line.get("run_s"))
    record.suspended_s = _float(line.get("suspended_s"))
    before, record.steps = record.steps, _int(line.get("steps"))
    if line.get("step_s") and record.steps > before:
        record.step_medians.append((_float(line["step_s"]), record.steps - before))
    record.tokens = _float(line.get("tokens"))
    record.samples = _float(line.get("samples"))
    record.steps_per_s.append((record.run_s, record.steps))
    if record.steps and record.first_step_s is None:
        record.first_step_s = record.run_s
    for name, kwh in (line.get("kwh") or {}).items():
        record.kwh.setdefault(name, [(at_s, 0.0)]).append((at_s, _float(kwh)))
    begin_s = record.kwh["accelerators"][0][0] if "accelerators" in record.kwh else at_s
    for name, kwh in (line.get("device_kwh") or {}).items():
        record.device_kwh.setdefault(name, [(begin_s, 0.0)]).append((at_s, _float(kwh)))
    if line.get("cpu_s") is not None:
        record.cpu_s = record.cpu_s or [(record.started_s, 0.0)]
        record.cpu_s.append((at_s, _float(line["cpu_s"])))
    record.unseen_s = {name: _float(value) for name, value in (line.get("unseen_s") or {}).items()}
    record.stood_in_s = {name: _float(value) for name, value in (line.get("stood_in_s") or {}).items()}
    record.used = frozenset(line.get("used") or ())
    record.phases = line.get("phases") or record.phases
    forecast = line.get("forecast")
    if isinstance(forecast, list) and len(forecast) == 4:
        progress, low, mid, high = (_float(value) for value in forecast)
        if not record.forecasts or progress >= record.forecasts[-1][0] + 0.01:
            record.forecasts.append((progress, low, mid, high))
    record.fault_count = _int(line.get("faults"))
    share = line.get("machine_share")
    record.busy_share = _float(share) if share is not None else record.busy_share


def is_alive(process: Mapping[str, Any]) -> bool:
    """Whether the process still runs, on this start of this machine."""
    pid = _int(process.get("pid"))
    if not pid or process.get("boot_id") != boot_id():
        return False
    started = process_start(pid)
    if started == "0":
        try:
            os.kill(pid, 0)
        except PermissionError:
            return True
        except OSError:
            return False
        return True
    return started == process.get("process_start")


def _wall_s(text: str) -> float:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return 0.0


def _int(value: Any, default: int = 0) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else default


def _float(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
