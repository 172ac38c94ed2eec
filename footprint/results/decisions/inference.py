"""What serving a model costs: the record of ``footprint.inference``, schema ``footprint/inference/1``."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from footprint.records import names_of, record
from footprint.results.assumption import Assumption
from footprint.results.estimate import ClusterSummary, ModelSummary, PlaceSummary, PriceSummary
from footprint.results.quantity import Quantity, plain_values
from footprint.results.report_columns import signed_cells
from footprint.results.shown import Drawn, show_as_text
from footprint.spelling import on_command_line

if TYPE_CHECKING:
    import pandas as pd

SCHEMA = "footprint/inference/1"


@record
class EngineSummary:
    """The serving software."""

    id: str | None
    """None where no engine was named."""
    name: str
    since_year: int | None


@record
class Load:
    """The requests, and how the chips work on them."""

    prompt_tokens: int | None
    """None for models that read images."""
    output_tokens: int | None
    """None for models that decode nothing."""
    batch_size: int
    """Sequences in work at once, on all chips together."""
    batch_given: bool
    concurrency: int | None
    requests: float | None
    precision: str
    """Number format of the weights."""
    tp: int
    pp: int
    ep: int
    replicas_count: int


@record
class ServingMemory:
    """What weights and cache take."""

    weights_gib: float
    """Of one copy of the model."""
    kv_bytes_per_token: float
    """Added by one token, over all layers."""
    kv_bytes_per_sequence: float
    """Of one sequence at its full length, windows respected, recurrent states included."""
    largest_batch: int
    """Sequences of full length that fit at once, on all chips together."""


@record
class Prefill:
    """Reading a prompt."""

    tokens_per_s: Quantity
    ttft_s: Quantity
    """Time to the first token, without waiting in a queue."""
    bound: str
    """``compute``, ``memory`` or ``host``: what takes most of the time."""


@record
class Decode:
    """Writing tokens."""

    tokens_per_s: Quantity
    """Of all sequences together."""
    itl_s: Quantity
    """Time between two tokens of one sequence, prompts of other requests included."""
    step_s: Quantity
    """One step without prompts of other requests."""
    bound: str


@record
class Items:
    """Models that decode nothing: images, texts or recordings."""

    items_per_s: Quantity
    batch_s: Quantity
    energy_j_per_item: Quantity
    bound: str


@record
class Per1000:
    """Facility energy, operational CO2e and cost of 1,000 requests on chips that are always busy."""

    energy_kwh: Quantity
    co2e_kg: Quantity | None
    cost_usd: Quantity | None


@record
class BatchRow:
    """The same load at another batch."""

    batch_size: int
    which: str
    """``one``, ``chosen`` or ``largest``."""
    tokens_per_s: Quantity
    """Items a second for models that decode nothing."""
    itl_s: Quantity
    energy_j_per_output_token: Quantity
    """Boards only; an item's for models that decode nothing."""
    cost_usd_per_1000_requests: Quantity | None


@record
class TechniqueRow:
    """A request by a technique of prompting, beside the plain call."""

    technique: str
    paths_count: int
    shared_prefill: bool | None
    prompt_tokens: float
    """Of a whole request, all calls together."""
    output_tokens: float
    flop: float
    flop_ratio: float
    """Over the plain call."""
    energy_kwh: Quantity
    """Of 1,000 requests."""
    cost_usd: Quantity | None
    source: str


UNSAID = "cannot be said"
"""How the note of a break-even begins whose training cannot be estimated."""


@record
class BreakEven:
    """How many requests cost as much as something else."""

    against: str
    requests: Quantity | None
    """None where it never does, or where the note begins with `UNSAID`."""
    quantity: str
    note: str


@record
class ModelRow:
    """Another model under the same load."""

    model: str
    parameters: float
    parameters_ratio: float
    """The largest model's over this one's."""
    energy_kwh: Quantity
    """Of 1,000 requests."""
    cost_usd: Quantity | None


@record
class Inference(Drawn):
    """What a request to a model costs on some hardware."""

    schema: str = SCHEMA
    footprint_version: str
    data_version: str
    created_at: str
    name: str
    boundary: str
    """Of energy, CO2e and cost; J a token are those of the boards alone."""
    model: ModelSummary
    cluster: ClusterSummary
    engine: EngineSummary
    workload: Load
    memory: ServingMemory
    prefill: Prefill | None
    decode: Decode | None
    items: Items | None
    requests_per_s: Quantity
    accelerator_power_w: Quantity
    """All boards together."""
    it_power_w: Quantity
    energy_j_per_output_token: Quantity | None
    """Boards only, as it is usually measured; prompts included."""
    it_energy_j_per_output_token: Quantity | None
    """Boards, hosts and switches."""
    pue: Quantity
    place: PlaceSummary
    grid_g_per_kwh: Quantity
    price: PriceSummary | None
    per_1000_requests: Per1000
    total: Per1000 | None
    """Of all requests, if their number is given."""
    duration_h: Quantity | None
    """Time that all requests take, if their number is given."""
    batches: tuple[BatchRow, ...]
    models: tuple[ModelRow, ...] = ()
    techniques: tuple[TechniqueRow, ...] = ()
    break_even: tuple[BreakEven, ...] = ()
    assumptions: tuple[Assumption, ...]
    warnings: tuple[str, ...]

    __repr__ = show_as_text

    def to_json(self, *, with_spread: bool = False) -> dict[str, Any]:
        """The record as JSON values, unrounded; ``with_spread`` adds each quantity's causes."""
        of = functools.partial(Quantity.to_json, with_spread=with_spread)
        found = {name: plain_values(getattr(self, name), of) for name in names_of(self)}
        return found | {"warnings": [on_command_line(warning) for warning in self.warnings]}

    def to_frame(self) -> pd.DataFrame:
        """A pandas frame with one row a batch: 1, chosen and largest."""
        import pandas as pd

        return pd.DataFrame(rows_of(self))


def rows_of(answer: Inference) -> list[dict[str, Any]]:
    """Flat rows of the answer, one a batch, as the CSV has them."""
    rows = []
    for one in answer.batches:
        row: dict[str, Any] = {
            "schema": answer.schema,
            "model": answer.model.name,
            "hw": f"{answer.cluster.accelerator}:{answer.cluster.count}",
            "engine": answer.engine.id,
            "prompt_tokens": answer.workload.prompt_tokens,
            "output_tokens": answer.workload.output_tokens,
            "batch_size": one.batch_size,
            "which": one.which,
            "weights_gib": answer.memory.weights_gib,
            "kv_bytes_per_token": answer.memory.kv_bytes_per_token,
            "largest_batch": answer.memory.largest_batch,
        }
        quantities = {
            "tokens_per_s": one.tokens_per_s,
            "itl_s": one.itl_s,
            "energy_j_per_output_token": one.energy_j_per_output_token,
            "cost_usd_per_1000_requests": one.cost_usd_per_1000_requests,
        }
        if one.which == "chosen":
            quantities |= {
                "energy_kwh_per_1000_requests": answer.per_1000_requests.energy_kwh,
                "co2e_kg_per_1000_requests": answer.per_1000_requests.co2e_kg,
            }
        for name, quantity in quantities.items():
            values = {"low": None, "mid": None, "high": None} if quantity is None else quantity.to_json()
            row |= {f"{name}_{end}": value for end, value in values.items()}
        versions = {"footprint_version": answer.footprint_version, "data_version": answer.data_version}
        rows.append(signed_cells(row, answer.warnings, versions))
    return rows
