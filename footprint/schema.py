"""What we are told: sources, hardware, models, recipes, places, prices.

One definition, two degrees of trust. Shipped files are built straight into these classes; files a stranger
wrote go through pydantic's ``TypeAdapter`` of the same classes first.

Field names carry their unit (``_w``, ``_h``, ``_flop_per_s``, ...). ``cite`` maps a field's path (``tdp_w``,
``nodes.dgx-1v.host_w``) to where its number comes from; a path covers everything below it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from footprint.errors import FootprintError
from footprint.records import field, names_of, record
from footprint.vocabulary import (
    Attention,
    Basis,
    Cooling,
    LoraDropout,
    Method,
    Precision,
    Recompute,
    Unit,
)  # fmt: skip

STRICT: dict[str, str] = {"extra": "forbid"}
LARGEST = 1e300
"""No quantity of ours is larger; infinite and NaN fail the comparison too."""


def require_positive(record: object, *names: str) -> None:
    """Raise FootprintError unless every named field is absent or finite and above zero."""
    for name in names:
        value = getattr(record, name)
        if value is not None and not 0 < value <= LARGEST:
            shown = "a number beyond 1e300" if abs(value) > LARGEST else repr(value)
            kind = type(record).__name__
            raise FootprintError(f"{kind}.{name} must be a finite number above 0, not {shown}")


@record
class Source:
    """Where a number was published."""

    __pydantic_config__: ClassVar[dict[str, str]] = STRICT
    title: str
    locator: str
    """URL, DOI, arXiv id or file path in a public repository."""
    year: int
    licence: str = "facts"
    note: str = ""


@record
class Cite:
    """Which source a number comes from, and how it is known."""

    __pydantic_config__: ClassVar[dict[str, str]] = STRICT
    source: str
    basis: Basis
    note: str = ""


@record
class NodeForm:
    """A server that carries accelerators, and what it draws besides them.

    ``cpu_w + ram_w + other_w`` is the host at the wall while training: processors, memory, and the rest
    (fans, network cards, drives, supply losses). ``host_low_w`` and ``host_high_w`` bound the sum at 90 %.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = STRICT
    id: str
    name: str
    accelerators: int
    cpu_w: float
    ram_w: float
    other_w: float
    host_low_w: float
    host_high_w: float
    max_w: float | None = None
    """Rated maximum of the whole node; caps the modelled node power."""
    cooling: Cooling = "air"
    cpu: str = ""
    memory_gib: float | None = None
    network_byte_per_s: float | None = None
    """Network bandwidth of the node to other nodes, one direction."""
    embodied_kg: float | None = None
    """Cradle-to-gate kgCO2e of the server without its accelerators."""
    host_in_measured_w: bool = False
    """The accelerator's ``measured_w`` already holds this host: the watts above are the part of
    it that is the host's, to split it by component, and are never added to it."""

    def __post_init__(self) -> None:
        require_positive(
            self, "accelerators", "host_low_w", "host_high_w", "max_w", "memory_gib", "network_byte_per_s",
            "embodied_kg",
        )  # fmt: skip
        if not self.host_low_w <= self.host_w <= self.host_high_w:
            raise FootprintError(
                f"node form {self.id}: host_low_w <= cpu_w + ram_w + other_w <= host_high_w does not hold"
            )

    @property
    def host_w(self) -> float:
        """Power of the node without its accelerators, busy [W]."""
        return self.cpu_w + self.ram_w + self.other_w


@record
class Accelerator:
    """A chip, module or board that trains models; ``unit`` says what is counted."""

    __pydantic_config__: ClassVar[dict[str, str]] = STRICT
    id: str
    name: str
    vendor: str
    kind: Literal["gpu", "tpu", "npu", "cpu"]
    unit: Unit
    generation: str
    year: int
    peak_flop_per_s: Mapping[str, float]
    """Dense peak by precision; a precision that is absent is not supported."""
    product_flop_per_s: Mapping[str, float] = field(default_factory=dict)
    """What large products reach for seconds, by precision, where a benchmark on this chip is published."""
    memory_gib: float
    memory_byte_per_s: float
    nodes: tuple[NodeForm, ...]
    """Server forms, the commonest for training first."""
    aliases: tuple[str, ...] = ()
    nvml_names: tuple[str, ...] = ()
    torch_names: tuple[str, ...] = ()
    tdp_w: float | None = None
    """Board power limit; absent for chips whose maker publishes none that means this."""
    idle_w: float | None = None
    measured_w: float | None = None
    """Mean power a chip with its host share while training, where only that is measured (TPUs)."""
    measured_low_w: float | None = None
    measured_high_w: float | None = None
    link_byte_per_s: float | None = None
    """To the other accelerators of the node or slice, one direction, all links together."""
    devices_per_unit: int = 1
    """Devices a framework sees per counted unit (2 for K80, MI250X)."""
    cores_per_chip: int | None = None
    """For TPUs: cores a chip, which some cloud accelerator types count."""
    embodied_low_kg: float | None = None
    embodied_high_kg: float | None = None
    note: str = ""
    cite: Mapping[str, Cite] = field(default_factory=dict)
    sources: Mapping[str, Source] = field(default_factory=dict)

    def __post_init__(self) -> None:
        require_positive(
            self,
            "memory_gib", "memory_byte_per_s", "tdp_w", "idle_w", "measured_w", "measured_low_w",
            "measured_high_w", "link_byte_per_s", "devices_per_unit", "embodied_low_kg", "embodied_high_kg",
        )  # fmt: skip
        for low, high in (("embodied_low_kg", "embodied_high_kg"), ("measured_low_w", "measured_high_w")):
            if (getattr(self, low) or 0.0) > (getattr(self, high) or LARGEST):
                raise FootprintError(f"accelerator {self.id}: {low} is above {high}")
        if not self.peak_flop_per_s:
            raise FootprintError(f"accelerator {self.id}: peak_flop_per_s lists no precision")
        for name in ("peak_flop_per_s", "product_flop_per_s"):
            for precision, rate in getattr(self, name).items():
                if not (math.isfinite(rate) and rate > 0):
                    raise FootprintError(f"accelerator {self.id}: {name}.{precision} must be above 0")
        if odd := self.product_flop_per_s.keys() - self.peak_flop_per_s.keys():
            raise FootprintError(f"accelerator {self.id}: product_flop_per_s.{min(odd)} has no peak")
        if not self.nodes:
            raise FootprintError(f"accelerator {self.id}: at least one [[nodes]] form is needed")


@record
class Phase:
    """A stretch of training at one batch and sequence length."""

    __pydantic_config__: ClassVar[dict[str, str]] = STRICT
    steps: float | None = None
    """Absent where only the tokens were published; then steps = tokens / tokens a step."""
    sequences_per_step: float | None = None
    """Sequences (or images) in one global batch."""
    sequence_length: int | None = None
    """Input tokens a sequence, padding included; absent for images."""
    target_sequence_length: int | None = None
    """Encoder-decoders: target tokens a sequence."""
    predicted_positions: int | None = None
    """Masked language models: positions a sequence that reach the vocabulary head."""
    image_size: int | None = None
    document_length: float | None = None  # as in StepShape

    def __post_init__(self) -> None:
        require_positive(self, *names_of(self))


@record
class Recipe:
    """How a model was trained, as published; what was never published is absent."""

    __pydantic_config__: ClassVar[dict[str, str]] = STRICT
    phases: tuple[Phase, ...] = ()
    tokens: float | None = None
    """Tokens seen in training (inputs with padding; source + target for encoder-decoders)."""
    precision: Precision | None = None
    optimizer: str = "adam"
    recompute: Recompute | None = None
    method: Method = "pretrain"
    objective: str = ""
    """Family-specific, e.g. ``mlm+nsp``, ``mlm``, ``clm``."""
    accelerator: str | None = None
    accelerators: int | None = None
    duration_h: float | None = None
    """Published wall-clock hours; a reference to compare with, never an input."""
    accelerator_h: float | None = None
    """Published accelerator-hours, where the days or the number of chips were not."""
    epochs: float | None = None
    """Passes over the data that the phases amount to."""
    leaves_out: str = ""
    """Work of the run that the phases do not hold; an estimate warns of it."""
    note: str = ""

    def __post_init__(self) -> None:
        require_positive(self, "tokens", "accelerators", "duration_h", "accelerator_h", "epochs")


@record
class ModelConfig:
    """An architecture (Hugging Face key names) with its published recipe."""

    __pydantic_config__: ClassVar[dict[str, str]] = STRICT
    id: str
    name: str
    year: int
    config: Mapping[str, Any]
    recipe: Recipe | None = None
    aliases: tuple[str, ...] = ()
    parameters: float | None = None
    """As published; compared with the count from the config."""
    note: str = ""
    cite: Mapping[str, Cite] = field(default_factory=dict)
    sources: Mapping[str, Source] = field(default_factory=dict)

    def __post_init__(self) -> None:
        require_positive(self, "parameters")
        if self.parameters is not None and self.parameters < 1:
            raise FootprintError(f"ModelConfig.parameters must be at least 1, not {self.parameters!r}")


@record
class StepShape:
    """The data of one training step."""

    sequences: float
    sequence_length: int | None = None
    target_sequence_length: int | None = None
    predicted_positions: int | None = None
    """Positions a sequence that reach the vocabulary head; None means all."""
    image_size: int | None = None
    document_length: float | None = None
    """Packed sequences whose attention stays within a document: mean tokens of a document."""


@record
class TrainingMethod:
    """What is trained and how activations are kept."""

    method: Method = "pretrain"
    lora_rank: int = 16
    lora_targets: tuple[str, ...] = ()
    """Names of the adapted projections; empty means the family's usual choice."""
    lora_dropout: LoraDropout = "none"
    """Dropout of adapters' inputs: ``each`` projection's own (PEFT), or ``shared`` by those of one input."""
    frozen: tuple[str, ...] = ()
    """Names of frozen parts (``embeddings``, ``encoder``, ``vision``, ``layers:0-11``, ...)."""
    input_gradients: bool = False
    """Adapters: gradients reach the embeddings' output, as re-entrant recomputation needs."""
    recompute: Recompute = "none"
    attention: Attention = "eager"
    """``flash`` and ``masked`` are fused; ``masked`` reads a mask of padding, so it skips nothing."""

    @property
    def fuses_attention(self) -> bool:
        """Whether no scores are written to memory."""
        return self.attention != "eager"


@record
class Cluster:
    """Accelerators and the nodes that carry them."""

    accelerator: Accelerator
    count: int
    node: NodeForm
    nodes: float
    """Nodes in use; a fraction where the last node is only partly used."""


@record
class Place:
    """Where the electricity comes from."""

    key: str
    name: str
    year: int
    basis: Literal["lifecycle", "direct", "operational", "given"]
    g_per_kwh: float
    low_g_per_kwh: float
    high_g_per_kwh: float
    source: str
    market_g_per_kwh: float | None = None
    provider: str | None = None
    note: str = ""
    evidence: Basis = "measured"
    """How the number is known; ``derived`` where a direct factor was made a life-cycle one."""
    factor_key: str = ""
    """The place whose factor this is: a cloud region's state or country."""
    pue: float | None = None  # this and the next are what the owner of a site says of it
    electricity_usd_per_kwh: float | None = None
