"""An estimate: every number of the chain with its interval, in the shape of the JSON contract.

Field names are the JSON keys of schema ``footprint/estimate/1``. None (``null``) means that the value
cannot be computed from the inputs.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from footprint.records import field, names_of, record
from footprint.results.assumption import Assumption
from footprint.results.link import Link
from footprint.results.misfit import misfits_in
from footprint.results.quantity import Quantity, plain_values
from footprint.results.shown import Shown, show_as_text
from footprint.spelling import on_command_line

if TYPE_CHECKING:
    import pandas as pd

    from footprint.results.decisions.search import Search

SCHEMA = "footprint/estimate/1"


@record
class ModelSummary:
    """The model: name, family and parameters."""

    name: str
    family: str
    parameters: float | None
    """None where only FLOPs were given."""
    active_parameters: float | None


@record
class ClusterSummary:
    """The accelerators, counted in the profile's unit, and the form of their nodes."""

    accelerator: str
    variant: str
    unit: str
    count: int
    nodes: float
    node_form: str


@record
class PhaseSummary:
    """One phase of training with one batch size and one sequence length."""

    steps: float
    sequences_per_step: float
    sequence_length: int | None
    target_sequence_length: int | None = None
    image_size: int | None = None


@record
class WorkloadSummary:
    """The workload: amounts, phases, method and precision."""

    tokens: float | None
    source_tokens: float | None
    target_tokens: float | None
    samples: float
    steps: float
    phases: tuple[PhaseSummary, ...]
    sequences_per_step: float
    sequence_length: int | None
    method: str
    precision: str
    objective: str = ""
    """What the training optimises, in the family's words; empty for its usual objective."""
    lora_rank: int | None = None
    packing: bool = False
    """Whether padding is dropped, so that all tokens are real ones."""


@record
class FlopSummary:
    """FLOPs of the whole run: model (full attention), hardware (with recomputation), model (causal)."""

    model_flop: float
    hardware_flop: float
    model_flop_causal: float


@record
class Parallelism:
    """The parallel layout of the job; ``given`` is true if the user gave it."""

    tp: int | None = None
    pp: int | None = None
    dp: int | None = None
    cp: int | None = None
    ep: int | None = None
    micro_batch: float | None = None
    recompute: str | None = None
    given: bool = False


@record
class DeviceMemory:
    """The memory of a step on its fullest accelerator, that of the chip, and what is left of it."""

    needed_gib: Quantity
    """Allocated at the peak; a process takes about 2 GiB more for its context and its allocator."""
    device_gib: float
    room_gib: float
    """The difference; negative where the step does not fit."""
    basis: str = "predicted"
    """``predicted``, ``anchored`` on measured peaks of like steps, or ``given`` by the user."""
    sixteen_bit_states: bool = False
    """Whether weights, gradients and the optimiser's states have 16 bits, without 32-bit master weights."""


@record
class StepTerm:
    """One part of the step time; the last part is what the fitted factors add."""

    name: str
    time_s: float


@record
class EnergyComponents:
    """Facility energy by component [kWh]; cooling is IT energy x (PUE - 1)."""

    accelerators: Quantity | None
    cpu: Quantity | None
    ram: Quantity | None
    other_node: Quantity | None
    network: Quantity | None
    cooling: Quantity


@record
class PlaceSummary:
    """The place of the run and the source of its carbon intensity."""

    key: str
    name: str
    year: int | None
    basis: str
    source: str


@record
class PriceSummary:
    """The price and the offers behind it."""

    usd_per_accelerator_h: Quantity
    provider: str | None
    purchase: str
    offers: int | None
    providers: int | None
    dated: str | None
    interval: str
    source: str


@record
class Repeats:
    """The number of runs, a search beside them, and the share of all accelerator-hours in failed runs."""

    runs: int
    """0 for a search alone: the best of its trials is the run that is kept."""
    failed_share: float
    search: Search | None = None

    @property
    def is_several(self) -> bool:
        """Whether there is more to pay for than one run."""
        return self.runs > 1 or self.failed_share > 0 or self.search is not None


@record
class RepeatTotal:
    """The sum of all runs, failed runs included."""

    accelerator_h: Quantity
    energy_kwh: Quantity
    co2e_kg: Quantity
    cost_usd: Quantity | None


@record
class PublishedRun:
    """Published facts of the model's own training; shown as a reference, never used as an input."""

    accelerator: str
    count: int | None
    duration_h: float | None
    source: str
    accelerator_h: float | None = None
    """Where only these were published; they may include stages that the estimate leaves out."""
    note: str = ""
    year: int | None = None
    estimated_year: int | None = None
    """Year of the software, grid and prices in the estimate."""
    same_run: bool = False
    """Whether the estimate is for the published workload on the published hardware."""


@record
class Estimate(Shown):
    """The chain from model config to kWh, CO2e and USD for one scenario."""

    __repr__ = show_as_text

    schema: str = SCHEMA
    footprint_version: str
    data_version: str
    created_at: str
    name: str
    boundary: str
    model: ModelSummary | None
    cluster: ClusterSummary
    workload: WorkloadSummary | None
    flop: FlopSummary | None
    parallelism: Parallelism
    memory: DeviceMemory | None = None
    """None where no step was predicted."""
    peak_flop_per_s: float | None
    step_time_s: Quantity | None
    step_terms: tuple[StepTerm, ...] = ()
    """Mean over the run's steps; empty if the step time was given or computed from a typical MFU."""
    mfu: Quantity | None
    mfu_convention: str
    goodput: Quantity | None
    duration_h: Quantity
    accelerator_h: Quantity
    it_power_w: Quantity
    it_energy_kwh: Quantity
    energy_components_kwh: EnergyComponents
    pue: Quantity
    energy_kwh: Quantity
    place: PlaceSummary
    grid_g_per_kwh: Quantity
    co2e_kg: Quantity
    co2e_market_kg: Quantity | None
    embodied_co2e_kg: Quantity | None
    water_l: Quantity | None
    price: PriceSummary | None
    cost_usd: Quantity | None
    repeats: Repeats
    total: RepeatTotal
    published: PublishedRun | None = None
    assumptions: tuple[Assumption, ...]
    warnings: tuple[str, ...]
    scenario: Mapping[str, Any] = field(default_factory=dict)
    """The fields that were given: what ``--save`` writes."""
    links: tuple[Link, ...] = ()
    """Each formula of the chain with its numbers; not part of the JSON."""

    @property
    def misfit(self) -> str | None:
        """The warning that marks an answer whose step clearly does not fit; None where it may."""
        return next(iter(misfits_in(self.warnings)), None)

    def to_json(self, *, with_spread: bool = False) -> dict[str, Any]:
        """The record as JSON values, unrounded; ``with_spread`` adds each quantity's causes."""
        names = (name for name in names_of(self) if name != "links")
        of = functools.partial(Quantity.to_json, with_spread=with_spread)
        record = {name: plain_values(getattr(self, name), of) for name in names}
        return record | {"warnings": [on_command_line(warning) for warning in self.warnings]}

    def to_frame(self) -> pd.DataFrame:
        """A pandas frame of one row of the kind ``estimate``, with the columns of the report CSV."""
        from footprint.results.frame import report_frame
        from footprint.results.rows import report_row

        row = report_row(self.to_json(), kind="estimate", run_id="", started_at=self.created_at)
        return report_frame([row])
