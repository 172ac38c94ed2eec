"""The lines of a journal: one record for each kind, and how each stands in JSON.

A field whose value is None or empty is not written; a reader gives it its default. Totals on a line are
cumulative.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, ClassVar

from footprint.meters.base import Channel
from footprint.named_tuples import NamedTuple
from footprint.records import field, record
from footprint.tracking.process.identity import Identity

SCHEMA = "footprint/journal/1"


class JournalLine:
    """A line of a journal; each of its kinds is a record with the fields of that kind."""

    __slots__ = ()
    kind: ClassVar[str]
    is_head: ClassVar[bool] = False
    """Whether it says what no later line repeats, so that a journal begun anew needs it as well."""


@record
class StartLine(JournalLine):
    """The first line: whose journal this is, when it began, and what the run was given."""

    kind: ClassVar[str] = "start"
    is_head: ClassVar[bool] = True

    run_id: str
    process: Identity
    started_at: str = ""
    """UTC, ISO 8601."""
    boot_s: float = 0.0
    flush_s: float = 0.0
    look_s: float = 0.0
    """How often the process looks whether it is to stop [s]."""
    given: Mapping[str, Any] = field(default_factory=dict)
    version: str = ""
    name_is_shared: bool = True
    schema: str = SCHEMA


@record
class FoundLine(JournalLine):
    """What was found out for arguments that were not given."""

    kind: ClassVar[str] = "found"
    is_head: ClassVar[bool] = True

    given: Mapping[str, Any]


@record
class ProgramLine(JournalLine):
    """The program that ``footprint run`` started: what tells it from any other process of its machine."""

    kind: ClassVar[str] = "program"
    is_head: ClassVar[bool] = True

    pid: int
    process_start: str


@record
class EstimateLine(JournalLine):
    """The estimate that was made when the run began, as its JSON record."""

    kind: ClassVar[str] = "estimate"
    is_head: ClassVar[bool] = True

    record: Mapping[str, Any]


@record
class Board:
    """One board of a meter."""

    uuid: str
    name: str = ""
    index: int = 0


@record
class MeterLine(JournalLine):
    """What the meter reads, and since when."""

    kind: ClassVar[str] = "meter"
    is_head: ClassVar[bool] = True

    boot_s: float
    channels: tuple[Channel, ...] = ()
    devices: tuple[Board, ...] = ()


@record
class PhaseTotal:
    """Time and IT energy of one phase so far."""

    s: float
    kwh: float


class ForecastHours(NamedTuple):
    """A forecast of the whole run's hours, when the part ``progress`` of its work was done."""

    progress: float
    low_h: float
    mid_h: float
    high_h: float


class LossPoint(NamedTuple):
    """The mean loss around a moment of the boot clock; None where it was no number."""

    boot_s: float
    loss: float | None


@record
class StateLine(JournalLine):
    """The totals of one process at one moment."""

    kind: ClassVar[str] = "state"

    boot_s: float
    run_s: float = 0.0
    suspended_s: float = 0.0
    steps: int = 0
    tokens: float = 0
    samples: float = 0
    step_s: float | None = None
    """The median step since the line before [s]."""
    losses: tuple[LossPoint, ...] = ()
    """What the program said of its loss since the line before."""
    kwh: Mapping[str, float] = field(default_factory=dict)
    """IT energy by component."""
    unseen_s: Mapping[str, float] = field(default_factory=dict)
    stood_in_s: Mapping[str, float] = field(default_factory=dict)
    cpu_s: float | None = None
    waited_s: float | None = None
    machine_share: float | None = None
    peak_byte: float | None = None
    """Most that the tensors of this process took on one accelerator so far, by PyTorch's allocator."""
    phases: Mapping[str, PhaseTotal] = field(default_factory=dict)
    device_kwh: Mapping[str, float] = field(default_factory=dict)
    used: tuple[str, ...] = ()
    """The devices that this run was seen to use."""
    forecast: ForecastHours | None = None
    faults: int | None = None
    marks: tuple[int, ...] = ()
    """Offsets of the lines that are no totals [byte]; the writer sets them."""


@record
class EndLine(StateLine):
    """The last line: the totals, and how the process ended."""

    kind: ClassVar[str] = "end"

    status: str = "completed"
    error: str | None = None

    @classmethod
    def after(cls, state: StateLine, status: str, error: str) -> EndLine:
        """The end of a process whose last totals are these."""
        totals = {item.name: getattr(state, item.name) for item in fields(state)}
        return cls(**totals, status=status, error=error or None)


@record
class FaultLine(JournalLine):
    """A reading that was not accepted, or something else that went wrong."""

    kind: ClassVar[str] = "fault"

    what: str
    component: str = ""
    run_s: float = 0.0


@record
class BudgetLine(JournalLine):
    """A budget that will be passed, or is used up; the step at which the run stops, or why it does not."""

    kind: ClassVar[str] = "budget"

    budget: str
    value: float
    forecast: float | None = None
    reached: bool = False
    stop: int | None = None
    why: str | None = None


def to_json(line: JournalLine) -> dict[str, Any]:
    """The fields of a line as JSON values, those that say something."""
    found = {item.name: _plain(getattr(line, item.name)) for item in fields(line)}  # type: ignore[arg-type]
    return {name: value for name, value in found.items() if value not in (None, {}, [])} | {"type": line.kind}


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {item.name: _plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, Mapping):
        return {name: _plain(part) for name, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, tuple | list) else value
