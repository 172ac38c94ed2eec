"""What an estimate rests on: every fact and every default, looked up once.

`Facts` is what `footprint.estimator.resolve` returns; prediction and arithmetic read it and look up
nothing. Its numbers carry the causes of their spread, and ``sources`` says where each comes from.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from footprint.arithmetic import Number
from footprint.estimator.request import EstimateRequest
from footprint.estimator.workload import Workload
from footprint.flops import StepFlops
from footprint.performance.goodput import GoodputFacts
from footprint.performance.power import PowerFactors
from footprint.performance.roofline.memory import ParameterBytes
from footprint.performance.step_facts import StepFacts
from footprint.records import field, record
from footprint.results import Assumption, Quantity
from footprint.results.estimate import Parallelism, PlaceSummary, PriceSummary
from footprint.schema import Cluster, ModelConfig, TrainingMethod

if TYPE_CHECKING:
    from footprint.performance.anchoring import Anchor


@record
class Site:
    """Where the hardware stands: what its energy means."""

    pue: Quantity
    grid_g_per_kwh: Quantity | None
    """None where the place is unknown (a measurement goes on without it)."""
    market_g_per_kwh: Number | None = None
    wue_l_per_kwh: Quantity | None = None
    summary: PlaceSummary | None = None
    rows: tuple[Assumption, ...] = ()
    """What was assumed of the place."""
    pue_rows: tuple[Assumption, ...] = ()
    warnings: tuple[str, ...] = ()
    pue_warnings: tuple[str, ...] = ()


@record
class Embodied:
    """What making one accelerator and its share of a server took, and the hours that share it out."""

    kg_per_accelerator: Quantity
    server_kg_per_accelerator: Quantity
    working_h: Quantity
    rows: tuple[Assumption, ...] = ()
    warnings: tuple[str, ...] = ()


@record
class Price:
    """What the hardware costs: rented by the accelerator-hour, or owned."""

    usd_per_accelerator_h: Quantity
    """Rent; or, of owned hardware, its capital."""
    electricity_usd_per_kwh: Quantity | None = None
    """Tariff of owned hardware; None where the price holds the electricity."""
    summary: PriceSummary | None = None
    """The offers behind a rent; None for owned hardware, whose price follows from the run."""
    rows: tuple[Assumption, ...] = ()
    warnings: tuple[str, ...] = ()


@record
class Alternative:
    """A size that nobody gave, and the facts of the same request at the ends of its interval.

    An end is None where the cluster cannot train with it.
    """

    name: str
    low: Facts | None
    high: Facts | None


@record
class Facts:
    """One request with every name looked up and every default settled."""

    request: EstimateRequest
    cluster: Cluster
    year: int
    precision: str
    model: ModelConfig | None
    workload: Workload | None
    training: TrainingMethod
    step_flops: tuple[StepFlops, ...]
    """FLOPs of one step of each phase."""
    flop_spread: Quantity = Quantity(1.0)
    """A factor of median 1 on these, where only the size of the model is known."""
    steps: tuple[StepFacts, ...]
    """What the prediction of one step of each phase rests on."""
    held: ParameterBytes | None
    """What is held of one parameter [byte]; None where the work is unknown."""
    clear_byte: float
    """Predicted memory above which a step clearly does not fit an accelerator."""
    parallelism: Parallelism
    """The layout as given."""
    goodput: GoodputFacts
    interruptions: Quantity
    """By how much a run takes longer whose accelerators are taken away [1]."""
    power: PowerFactors | None
    """None where the power of the whole cluster is given."""
    busy_share: Quantity | None
    fed_share: Quantity | None
    """Typical shares where the work is unknown; None where they are predicted."""
    site: Site
    embodied: Embodied | None
    price: Price | None
    rows: tuple[Assumption, ...] = ()
    """What was assumed of model, workload and method."""
    time_rows: tuple[Assumption, ...] = ()
    anchors: tuple[Anchor, ...] = ()
    """Measured steps of the user's own stack."""
    anchor_rows: tuple[Assumption, ...] = ()
    share_rows: tuple[Assumption, ...] = ()
    warnings: tuple[str, ...] = ()
    price_warnings: tuple[str, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    """Other sizes that may have been meant, each its own cause of the answer's interval."""
    sources: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Source keys of each factor, by the name under which it enters a formula."""
