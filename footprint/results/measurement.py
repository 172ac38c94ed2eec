"""A measurement: what a run used, under the names of the estimate's JSON contract.

A quantity without a spread was read from an instrument or counted; its JSON is ``{"mid": x}`` alone.
A quantity with a spread has a modelled part, which ``meters`` or ``assumptions`` name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from footprint.records import names_of, record
from footprint.results.assumption import Assumption
from footprint.results.estimate import (
    ClusterSummary,
    FlopSummary,
    ModelSummary,
    PlaceSummary,
    PriceSummary,
)
from footprint.results.quantity import Quantity, plain_values
from footprint.results.shown import Shown, show_as_text
from footprint.spelling import on_command_line

if TYPE_CHECKING:
    import pandas as pd

SCHEMA = "footprint/measurement/1"


@record
class MeterSummary:
    """How the energy of one component was obtained."""

    component: str
    how: str
    """``measured``, ``modelled`` or ``absent``."""
    source: str
    unseen_s: float = 0.0
    """Seconds of the run without readings; the mean power of the readings is used for them."""


@record
class SegmentSummary:
    """One launch of the run; each restart or resumption is a new segment."""

    started_at: str
    duration_h: float
    status: str
    steps: int
    processes: int
    nodes: int
    it_energy_kwh: float


@record
class DoneWork:
    """The work done, as counted by ``run.step()``."""

    tokens: float | None
    samples: float | None
    steps: float | None
    method: str | None = None
    precision: str | None = None


@record
class PeakMemory:
    """The largest peak of the memory of one accelerator."""

    peak_gib: float
    scope: str = "allocated"
    """What it is the peak of: tensors (``allocated``), by PyTorch's allocator."""


METERED = ("accelerators", "cpu", "ram")
"""The components that a meter may read one by one."""


@record
class MeasuredComponents:
    """Energy by component [kWh]; None where it was neither read nor modelled."""

    accelerators: Quantity | None = None
    cpu: Quantity | None = None
    ram: Quantity | None = None
    other_node: Quantity | None = None
    network: Quantity | None = None
    cooling: Quantity | None = None


@record
class Measurement(Shown):
    """What one run used, over all its segments, nodes and processes."""

    __repr__ = show_as_text

    schema: str = SCHEMA
    footprint_version: str
    data_version: str
    created_at: str
    name: str
    boundary: str
    run_id: str
    status: str
    """``completed``, ``failed``, ``interrupted``, ``terminated``, ``stopped_by_budget``, ``killed``,
    ``running`` or ``incomplete`` (a node or rank never reported)."""
    started_at: str
    model: ModelSummary | None
    cluster: ClusterSummary | None
    workload: DoneWork
    flop: FlopSummary | None
    peak_flop_per_s: float | None
    step_time_s: Quantity | None
    mfu: Quantity | None
    mfu_convention: str
    goodput: Quantity | None
    duration_h: Quantity
    accelerator_h: Quantity | None
    it_power_w: Quantity | None
    it_energy_kwh: Quantity | None
    energy_components_kwh: MeasuredComponents
    pue: Quantity
    energy_kwh: Quantity | None
    place: PlaceSummary | None
    grid_g_per_kwh: Quantity | None
    co2e_kg: Quantity | None
    co2e_market_kg: Quantity | None
    embodied_co2e_kg: Quantity | None
    water_l: Quantity | None
    price: PriceSummary | None
    cost_usd: Quantity | None
    segments: tuple[SegmentSummary, ...]
    meters: tuple[MeterSummary, ...]
    memory: PeakMemory | None = None
    """None where PyTorch used no accelerator, as far as the run saw."""
    phases: Mapping[str, Mapping[str, float]]
    """Time and energy of each phase: ``{"eval": {"duration_h", "it_energy_kwh"}}``."""
    faults: tuple[str, ...]
    assumptions: tuple[Assumption, ...]
    warnings: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The record as JSON values, unrounded."""
        record = {name: plain_values(getattr(self, name), _read_or_modelled) for name in names_of(self)}
        return record | {name: [*map(on_command_line, record[name])] for name in ("faults", "warnings")}

    def to_frame(self) -> pd.DataFrame:
        """A pandas frame of one row of the kind ``measurement``, with the columns of the report CSV."""
        from footprint.results.frame import report_frame
        from footprint.results.rows import report_row

        row = report_row(self.to_json(), kind="measurement", run_id=self.run_id, started_at=self.started_at)
        return report_frame([row])


@record
class ComparedQuantity:
    """One quantity: the prediction for the work that was done, and the measurement."""

    name: str
    predicted: Quantity
    measured: Quantity
    how: str
    """``measured``, ``counted``, ``modelled`` or ``partly modelled``; only the first two may calibrate."""
    ratio: float
    """Measured over predicted."""
    within: bool
    """Whether the measurement lies in the prediction's 90 % interval."""


@record
class Comparison(Shown):
    """Predicted and measured values by quantity, and the two factors of the energy gap."""

    __repr__ = show_as_text

    run_id: str
    work_share: float | None
    """Share of the predicted work that was done; predictions are scaled by it [1]. None where nobody counted
    a step: then only what does not depend on the amount of work is compared."""
    quantities: tuple[ComparedQuantity, ...]
    time_factor: float | None
    """Measured over predicted hours [1]."""
    power_factor: float | None
    """Measured over predicted watts [1]; times ``time_factor`` it is the ratio of the energies."""

    def __getitem__(self, name: str) -> ComparedQuantity:
        for quantity in self.quantities:
            if quantity.name == name:
                return quantity
        raise KeyError(name)

    def to_json(self) -> dict[str, Any]:
        """The record as JSON values."""
        return {name: plain_values(getattr(self, name), _read_or_modelled) for name in names_of(self)}


def _read_or_modelled(quantity: Quantity) -> dict[str, Any]:
    """A quantity as JSON; one that was read or counted has no interval."""
    return quantity.to_json() if quantity.spread else {"mid": quantity.mid}
