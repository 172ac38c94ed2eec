"""What a plan is asked for: budgets, a loss or a model; the law; scarce data and served tokens."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from footprint.catalog.laws import ScalingLaw, find_law
from footprint.decisions.plans.laws import Demand
from footprint.errors import FootprintError
from footprint.estimator.request import FIELDS
from footprint.parsing import Limit, parse_amount, parse_budget, parse_count
from footprint.records import record

DEFAULT_LAW = "besiroglu2024"
REPEATING_LAW = "muennighoff2023"
SERVING_LAW = "sardana2023"
MOST_TOKENS = 1e20
LEAST_LOSS = 1e-3
MOST_FLOP = 1e40
OF_THE_PLAN = ("no model at hand", "workload", "method", "repeats")
"""Sections of a scenario's fields that say what is trained, and how often."""
FREE = ("seq_len", "batch_size")
"""Fields of these that a plan takes all the same."""

SET_BY_THE_PLAN = frozenset(
    name for name, field in FIELDS.items() if field.section in OF_THE_PLAN and name not in FREE
) | {"model", "hours", "name"}
"""Fields of a scenario that a plan does not take from its file."""


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
    given = _texts("budget", budget)
    _texts("law", law)
    _texts("model", model)
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
    _require_free(fields)
    found = _law(law, demand)
    if "hw" not in fields and fields:
        name = next(iter(fields))
        raise FootprintError(f"`{name}=` says nothing without hardware: give `hw='h100:64'` too")
    return Question(
        law=found,
        law_given=law is not None and law.strip().lower() != "all",
        budgets=tuple(_budget(text) for text in given),
        loss=None if loss is None else _loss(loss),
        model=model,
        demand=demand,
        fields=fields,
    )


def _texts(name: str, value: object) -> tuple[str, ...]:
    """The texts of an argument that takes one, and of a budget several; FootprintError for anything else."""
    several = tuple(value) if isinstance(value, list | tuple) and name == "budget" else (value,)
    texts = tuple(one for one in several if isinstance(one, str))
    if value is not None and len(texts) < len(several):
        raise FootprintError(f"`{name}=` must be a text, not {value!r:.80}")
    return texts


def _require_free(fields: Mapping[str, Any]) -> None:
    """FootprintError for a field of a scenario that the plan itself sets, or that no plan has."""
    if "hours" in fields:
        raise FootprintError("`hours=` is a budget here: give `budget='7d'` instead")
    for name, value in fields.items():
        if name in FIELDS and FIELDS[name].section in OF_THE_PLAN and name not in FREE:
            raise FootprintError(f"`{name}=`: a plan sets what is trained itself; leave it out")
        if name in FIELDS:
            FIELDS[name].check(value)


def _budget(text: str) -> Limit:
    found = parse_budget(text, "`budget=`")
    if found.quantity == "flop" and found.value > MOST_FLOP:
        raise FootprintError(f"`budget=` must be at most {MOST_FLOP:g} FLOP, not {text}")
    return found


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
    loss = _number(value, "loss", parse_amount)
    if not LEAST_LOSS <= loss <= 100:
        raise FootprintError(f"`loss=` is in nats a token, from {LEAST_LOSS:g} to 100, not {loss:g}")
    return loss


def _number(value: float | str, name: str, read: Callable[[str, str], float] = parse_count) -> float:
    if isinstance(value, str):
        return read(value, f"`{name}=`")
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise FootprintError(f"`{name}=` must be a number, not {value!r}")
    return float(value)
