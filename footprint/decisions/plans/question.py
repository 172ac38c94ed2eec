"""What a plan is asked for: budgets, a loss or a model; the law; scarce data and served tokens."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from footprint.catalog.laws import ScalingLaw, find_law
from footprint.decisions.plans.laws import Demand
from footprint.errors import FootprintError
from footprint.parsing import Limit, parse_budget, parse_count
from footprint.records import record

DEFAULT_LAW = "besiroglu2024"
REPEATING_LAW = "muennighoff2023"
SERVING_LAW = "sardana2023"
MOST_TOKENS = 1e20
LEAST_LOSS = 1e-3


@record
class Question:
    """One plan's inputs, checked."""

    law: ScalingLaw
    law_given: bool
    budgets: tuple[Limit, ...]
    loss: float | None
    model: str | None
    demand: Demand
    fields: Mapping[str, Any]
    """Fields of the scenario: hardware, place, price."""


def question_of(
    budget: str | Sequence[str] | None,
    law: str | None,
    loss: float | str | None,
    model: str | None,
    unique_tokens: float | str | None,
    inference_tokens: float | str | None,
    fields: Mapping[str, Any],
) -> Question:
    """The question; FootprintError for what contradicts or is missing."""
    given = (budget,) if isinstance(budget, str) else tuple(budget or ())
    asked = [name for name, one in (("budget", given), ("loss", loss), ("model", model)) if one]
    if loss is not None and "loss" not in asked:
        asked.append("loss")
    if not asked:
        raise FootprintError(
            "say what the plan starts from: `budget='1e22FLOP'` (or 500kgCO2e, 2MWh, $10k, 7d), `loss=2.1` "
            "or `model='llama2-7b'`"
        )
    if len(asked) > 1:
        raise FootprintError(
            f"{' and '.join(f'`{name}=`' for name in asked)} contradict: each sets the size; give one"
        )
    demand = Demand(
        unique_tokens=_tokens(unique_tokens, "unique_tokens"),
        served_tokens=_tokens(inference_tokens, "inference_tokens") or 0.0,
    )
    fields = {name: value for name, value in fields.items() if value is not None}
    found = _law(law, demand)
    if "hw" not in fields and fields:
        name = next(iter(fields))
        raise FootprintError(f"`{name}=` says nothing without hardware: give `hw='h100:64'` too")
    if "hours" in fields:
        raise FootprintError("`hours=` is a budget here: give `budget='7d'` instead")
    return Question(
        law=found,
        law_given=law is not None and law.strip().lower() != "all",
        budgets=tuple(parse_budget(text, "`budget=`") for text in given),
        loss=None if loss is None else _loss(loss),
        model=model,
        demand=demand,
        fields=fields,
    )


def _law(name: str | None, demand: Demand) -> ScalingLaw:
    """The law of that name, else the one that what is asked needs, else the default."""
    if name is None or name.strip().lower() == "all":
        unique = demand.unique_tokens is not None
        name = REPEATING_LAW if unique else SERVING_LAW if demand.served_tokens else DEFAULT_LAW
    law = find_law(name)
    if demand.unique_tokens is not None and "token_decay" not in law.constants:
        raise FootprintError(
            f"`unique_tokens=`: {law.id} says nothing of repeated data; leave out `law=`, or give "
            f"`law={REPEATING_LAW!r}`"
        )
    if demand.served_tokens and law.form != "parametric":
        raise FootprintError(
            f"`inference_tokens=`: {law.id} does not say how a loss moves with its sizes; leave out `law=`, "
            f"or give `law={SERVING_LAW!r}`"
        )
    return law


def _tokens(value: float | str | None, name: str) -> float | None:
    if value is None:
        return None
    count = _number(value, name)
    if not 0 < count <= MOST_TOKENS:
        raise FootprintError(f"`{name}=` must be above 0 and at most {MOST_TOKENS:g}, not {count:g}")
    return count


def _loss(value: float | str) -> float:
    loss = _number(value, "loss")
    if not LEAST_LOSS <= loss <= 100:
        raise FootprintError(f"`loss=` is in nats a token, from {LEAST_LOSS:g} to 100, not {loss:g}")
    return loss


def _number(value: float | str, name: str) -> float:
    if isinstance(value, str):
        return parse_count(value, f"`{name}=`")
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise FootprintError(f"`{name}=` must be a number, not {value!r}")
    return float(value)
