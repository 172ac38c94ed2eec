"""A plan: what a budget buys by a scaling law, and what training it costs on the given hardware.

Field names are the JSON keys of schema ``footprint/plan/1``. Sizes are decisions and plain numbers; what
their training costs are quantities. None (``null``) means that the inputs do not say it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from footprint.records import names_of, record
from footprint.results.assumption import Assumption
from footprint.results.estimate import Estimate
from footprint.results.quantity import Quantity, plain_values
from footprint.results.report_columns import signed_cells
from footprint.results.shown import Drawn, show_as_text
from footprint.spelling import on_command_line
from footprint.vocabulary import ENDS

if TYPE_CHECKING:
    import pandas as pd

SCHEMA = "footprint/plan/1"
"""The room that draws stands above the records; it is asked by name."""


@record
class PlanBudget:
    """One budget, and the FLOP that it buys."""

    text: str
    quantity: str
    """``flop``, ``duration_h``, ``energy_kwh``, ``co2e_kg`` or ``cost_usd``."""
    flop: float
    binding: bool


@record
class LawAnswer:
    """What another law says of the same FLOP; its loss is of its own corpus."""

    law: str
    parameters: float
    tokens: float
    loss: float | None


@record
class Baseline:
    """The law's own optimum of the same loss, served as much."""

    parameters: float
    tokens: float
    training_flop: float
    total_flop: float


@record
class ServedPlan:
    """Training and serving together."""

    inference_tokens: float
    inference_flop: float
    total_flop: float
    baseline: Baseline
    saved_share: float
    """Share of the baseline's FLOP that the plan saves."""


@record
class NearModel:
    """A built-in model of about this size, with the tokens and FLOP (6 N D) of its own training."""

    name: str
    parameters: float
    tokens: float | None
    training_flop: float | None
    year: int


@record
class PlanShape:
    """A decoder of about this size as people build them, and its FLOP counted from its operations."""

    layers: int
    width: int
    heads: int
    inner_width: int
    vocabulary: int
    sequence_length: int
    parameters: float
    training_flop: float
    flop_ratio: float
    """Counted FLOP over 6 N D."""


@record
class Threshold:
    """An ability, and the scale at which a family of models showed it."""

    ability: str
    kind: str
    training_flop: float
    parameters: float
    model: str


@record
class Plan(Drawn):
    """What a budget buys, or what a loss or a model costs."""

    __repr__ = show_as_text

    schema: str = SCHEMA
    footprint_version: str
    data_version: str
    law: str
    budgets: tuple[PlanBudget, ...]
    binding_budget: str | None
    flop: float
    """Training FLOP as the law counts them."""
    parameters: float
    tokens: float
    tokens_per_parameter: float
    epochs: float
    unique_tokens: float
    effective_tokens: float
    loss: float | None
    duration_h: Quantity | None
    energy_kwh: Quantity | None
    co2e_kg: Quantity | None
    cost_usd: Quantity | None
    mfu: Quantity | None
    spread: tuple[LawAnswer, ...]
    inference: ServedPlan | None
    nearest_models: tuple[NearModel, ...]
    shapes: tuple[PlanShape, ...]
    thresholds: tuple[Threshold, ...]
    assumptions: tuple[Assumption, ...]
    warnings: tuple[str, ...]
    run: Estimate | None = None
    """The whole estimate of the training; not part of the JSON."""

    def to_json(self) -> dict[str, Any]:
        """The record as JSON values, unrounded."""
        found = {name: plain_values(getattr(self, name)) for name in names_of(self) if name != "run"}
        return found | {"warnings": [on_command_line(warning) for warning in self.warnings]}

    def to_frame(self) -> pd.DataFrame:
        """A pandas frame: one row a law at the same FLOP, the chosen one first."""
        import pandas as pd

        return pd.DataFrame(plan_rows(self))


def plan_rows(plan: Plan) -> list[dict[str, Any]]:
    """Flat rows of a plan: one a law at the same FLOP, the chosen one first and with its costs."""
    costs: dict[str, float | None] = {}
    for name in ("duration_h", "energy_kwh", "co2e_kg", "cost_usd", "mfu"):
        quantity = getattr(plan, name)
        ends = (None, None, None) if quantity is None else (quantity.low, quantity.mid, quantity.high)
        costs |= {f"{name}_{end}": value for end, value in zip(ENDS, ends, strict=True)}
    rows = []
    for answer in sorted(plan.spread, key=lambda one: one.law != plan.law):
        chosen = answer.law == plan.law
        cells: dict[str, Any] = (
            {
                "law": answer.law, "chosen": chosen, "binding_budget": plan.binding_budget, "flop": plan.flop,
                "parameters": answer.parameters, "tokens": answer.tokens,
                "tokens_per_parameter": answer.tokens / answer.parameters,
                "epochs": plan.epochs if chosen else None, "loss": answer.loss,
                **(costs if chosen else dict.fromkeys(costs)),
            }
        )  # fmt: skip
        versions = {"footprint_version": plan.footprint_version, "data_version": plan.data_version}
        rows.append(signed_cells(cells, plan.warnings, versions))
    return rows
