"""One process of a run, as its journal tells it: how long, how far, with what energy, and how it ended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path

from footprint.records import field, replace, state
from footprint.tracking.journal.files import UnreadableJournalError, journal_files
from footprint.tracking.journal.lines import (
    FaultLine,
    ForecastHours,
    MeterLine,
    PhaseTotal,
    StartLine,
    StateLine,
)
from footprint.tracking.journal.reader import Journal, middle_lines_of, read_journal, states_around
from footprint.tracking.totals.weighted_median import weighted_median

RUNNING, KILLED = "running", "killed"
MOST_FAULTS_SAID = 50
FORECAST_STEP = 0.01
"""Of the work, between two forecasts that are kept."""


@state
class ProcessTotals:
    """What one journal adds up to; times are the node's boot clock [s] unless said."""

    journal: Journal
    """Its lines without the totals."""
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
    losses: list[tuple[float, float | None]] = field(default_factory=list)
    """When, and how large; None where it was no number."""
    kwh: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    device_kwh: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    cpu_s: list[tuple[float, float]] = field(default_factory=list)
    unseen_s: dict[str, float] = field(default_factory=dict)
    stood_in_s: dict[str, float] = field(default_factory=dict)
    channels: dict[str, tuple[str, str]] = field(default_factory=dict)
    devices: list[str] = field(default_factory=list)
    used: frozenset[str] = frozenset()
    phases: Mapping[str, PhaseTotal] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    fault_count: int = 0
    busy_share: float | None = None
    peak_byte: float | None = None
    """Most that its tensors took on one accelerator."""
    suspended_s: float = 0.0
    steps_per_s: list[tuple[float, int]] = field(default_factory=list)
    initial_step: int = 0
    forecasts: list[ForecastHours] = field(default_factory=list)
    """Of the whole run, at each flush that was far enough from the one before."""

    @property
    def metered(self) -> bool:
        """Whether this process read any energy."""
        return bool(self.kwh)

    @property
    def joined(self) -> bool:
        """Whether ``footprint run`` supervises this process, and reads the meter for it."""
        return self.journal.process.metered_by_parent

    @property
    def by_hooks(self) -> bool:
        """Whether its steps were counted without its knowledge."""
        return bool(self.journal.given.get("by_hooks"))

    @property
    def left_alone(self) -> bool:
        """Whether its supervisor was killed while the program goes on, so that nothing reads its energy."""
        return self.status == RUNNING and not self.journal.process.alive

    @property
    def lost_s(self) -> float:
        """After a kill: the longest it can have run on unseen, one flush interval [s]."""
        return self.journal.start.flush_s if self.status == KILLED else 0.0

    def look_closer(self, moments_s: Iterable[float]) -> None:
        """Read the totals around some moments, where the journal was too long to read all of it."""
        if not self.journal.in_parts:
            return
        known = {moment for series in (self.cpu_s, *self.kwh.values()) for moment, _ in series}
        for moment_s in moments_s:
            if self.started_s < moment_s < self.last_s and moment_s not in known:
                for line in states_around(self.journal.path, moment_s):
                    if line.boot_s not in known and line.boot_s < self.last_s:
                        known.add(line.boot_s)
                        self._insert(line)

    def _insert(self, line: StateLine) -> None:
        at_s = line.boot_s
        for name, kwh in line.kwh.items():
            self.kwh.setdefault(name, []).append((at_s, kwh))
            self.kwh[name].sort()
        if line.cpu_s is not None:
            self.cpu_s.append((at_s, line.cpu_s))
            self.cpu_s.sort()

    def add_meter(self, line: MeterLine) -> None:
        """Take what the meter reads; its energy begins at 0 when it started."""
        for channel in line.channels:
            self.channels[channel.component] = (channel.how, channel.source)
            if channel.how != "absent":
                self.kwh.setdefault(channel.component, [(line.boot_s, 0.0)])
        self.devices = [board.uuid for board in line.devices]

    def add_state(self, line: StateLine) -> None:
        """Take the totals of one line."""
        at_s = line.boot_s
        if at_s < self.last_s:
            return  # a copy of an older line; the clock itself never goes back
        self.last_s, self.run_s, self.suspended_s = at_s, line.run_s, line.suspended_s
        before, self.steps = self.steps, line.steps
        if line.step_s and self.steps > before:
            self.step_medians.append((line.step_s, self.steps - before))
        said_s = self.losses[-1][0] if self.losses else -1.0
        self.losses += [(one.boot_s, one.loss) for one in line.losses if one.boot_s > said_s]
        self.tokens, self.samples = float(line.tokens), float(line.samples)
        self.steps_per_s.append((self.run_s, self.steps))
        if self.steps and self.first_step_s is None:
            self.first_step_s = self.run_s
        for name, kwh in line.kwh.items():
            self.kwh.setdefault(name, [(at_s, 0.0)]).append((at_s, kwh))
        begin_s = self.kwh["accelerators"][0][0] if "accelerators" in self.kwh else at_s
        for name, kwh in line.device_kwh.items():
            self.device_kwh.setdefault(name, [(begin_s, 0.0)]).append((at_s, kwh))
        if line.cpu_s is not None:
            self.cpu_s = self.cpu_s or [(self.started_s, 0.0)]
            self.cpu_s.append((at_s, line.cpu_s))
        self.unseen_s, self.stood_in_s = dict(line.unseen_s), dict(line.stood_in_s)
        self.used = frozenset(line.used)
        self.phases = line.phases or self.phases
        forecast = line.forecast
        if forecast is not None and (
            not self.forecasts or forecast.progress >= self.forecasts[-1].progress + FORECAST_STEP
        ):
            self.forecasts.append(forecast)
        self.fault_count = line.faults or 0
        if line.machine_share is not None:
            self.busy_share = line.machine_share
        if line.peak_byte is not None:
            self.peak_byte = max(self.peak_byte or 0.0, line.peak_byte)


def process_totals(journal: Journal) -> ProcessTotals:
    """The totals of one journal; damaged lines only cost resolution."""
    start, who = journal.start, journal.process
    kept = [line for line in journal.lines if type(line) is not StateLine]
    totals = ProcessTotals(
        journal=replace(journal, lines=kept),
        run_id=journal.run_id,
        boot_id=who.boot_id,
        host=who.host,
        rank=who.rank,
        node_rank=who.node_rank,
        local_world_size=who.local_world_size,
        world_size=who.world_size,
        nodes=who.nodes,
        restart=who.restart,
        launch=who.launch,
        job=who.job,
        launcher=who.launcher,
        started_at=start.started_at,
        started_wall_s=_wall_s(start.started_at),
        started_s=start.boot_s,
        last_s=start.boot_s,
        run_s=0.0,
        status=_status(journal),
        initial_step=_initial_step(start),
    )
    for line in journal.lines:
        if isinstance(line, MeterLine):
            totals.add_meter(line)
        elif isinstance(line, StateLine):
            totals.add_state(line)
        elif isinstance(line, FaultLine) and len(totals.faults) < MOST_FAULTS_SAID:
            totals.faults.append(line.what)
    if totals.step_medians:
        totals.step_s = weighted_median(*zip(*totals.step_medians, strict=True))
    if journal.damaged:
        totals.faults.append(f"{journal.damaged} damaged lines of {journal.path.name} left out")
    totals.faults += journal.notes
    return totals


def read_process(path: Path, middle_lines: int | None = None) -> ProcessTotals:
    """The totals of the journal at a path.

    Raises:
        UnreadableJournalError: it is none.
    """
    return process_totals(read_journal(path, middle_lines))


def processes_in(folder: Path, middle_lines: int | None = None) -> tuple[list[ProcessTotals], list[str]]:
    """The process of every readable journal below a folder, and a line for each thing that is wrong.

    Of long journals as many lines are read as their number allows, unless ``middle_lines`` says how many.
    """
    paths, problems = journal_files(folder)
    return read_processes(paths, problems, middle_lines), problems


def read_processes(
    paths: Iterable[Path], problems: list[str], middle_lines: int | None = None
) -> list[ProcessTotals]:
    """The processes of some journals; ``problems`` takes a line for each thing that is wrong."""
    paths = list(paths)
    lines = middle_lines_of(len(paths)) if middle_lines is None else middle_lines
    found = []
    for path in paths:
        try:
            found.append(read_process(path, lines))
        except UnreadableJournalError as error:
            problems.append(str(error))
        else:
            problems += found[-1].journal.notes
    return found


def _status(journal: Journal) -> str:
    if journal.end is not None:
        return journal.end.status
    return RUNNING if journal.alive else KILLED


def _initial_step(start: StartLine) -> int:
    step = start.given.get("initial_step")
    return step if isinstance(step, int) and not isinstance(step, bool) else 0


def _wall_s(text: str) -> float:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return 0.0
