"""What a budget of hours, energy, CO2e or money buys on a cluster: FLOP, by the chain at the size found.

The MFU moves with the size and the size with the MFU, so the FLOP are searched until the chain's own answer
meets the budget. A given MFU counts 6 FLOP a parameter and token, as the laws do, so that hours and FLOP are
proportional.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from footprint.catalog.hardware import GIVEN_BESIDE, parse_cluster
from footprint.catalog.laws import ScalingLaw
from footprint.decisions.plans.laws import FLOP_PER_PARAMETER, Sizes
from footprint.errors import FootprintError
from footprint.estimator.chain import chain
from footprint.estimator.predict import predict_run
from footprint.estimator.request import FIELDS, EstimateRequest
from footprint.estimator.resolve import resolve
from footprint.estimator.resolve.generic import decoder_of
from footprint.estimator.rooms import estimate, facts_of
from footprint.parsing import Limit
from footprint.results import Assumption
from footprint.results.estimate import Estimate
from footprint.results.human import figures
from footprint.units import SECONDS_PER_HOUR, W_PER_KW

CLOSE = 2e-3
"""The chain's answer over the budget, in logarithms, from which a few more or fewer tokens make up: the size
is then right to a thousandth."""
JUMP = 2e-3
"""Two sizes so near, as logarithms of their FLOP, on either side of the budget: the answer jumps between."""
MOST_ROUNDS = 24
_TYPICAL_MFU, _TYPICAL_TDP_W, _TYPICAL_OVER_TDP = 0.4, 400.0, 2.2
_TYPICAL_KG_PER_KWH, _TYPICAL_USD = 0.4, 3.0
"""Where a search begins; the answer does not depend on them."""
_OF_THE_PRICE = ("usd_per_hour", "capital_usd", "provider", "purchase")
_UNKNOWN = {
    "co2e_kg": "the CO2e of this place is unknown: give `region=` or `grid_g_per_kwh=`",
    "cost_usd": "the price of this hardware is unknown: give `usd_per_hour=`",
}

SizesOf = Callable[[float, float], Sizes]
"""The best sizes of so many FLOP, and a factor on their tokens."""


def with_embeddings(law: ScalingLaw, parameters: float) -> float:
    """All parameters of the decoder of usual shape that has so many as the law counts."""
    if law.parameters_are == "all":
        return parameters
    whole = parameters
    for _ in range(4):
        shape = decoder_of(whole)
        whole = parameters + shape["vocab_size"] * shape["hidden_size"]
    return whole


def request_of(
    fields: Mapping[str, Any], law: ScalingLaw, parameters: float, tokens: float, model: str | None = None
) -> EstimateRequest:
    """The scenario that trains so many parameters as a law counts, or a model, on so many tokens."""
    what: dict[str, Any] = {"parameters": with_embeddings(law, parameters)}
    if model is not None:
        what = {"model": model}
    elif "mfu" in fields:
        what = {"flop_per_token": FLOP_PER_PARAMETER * parameters}
    return EstimateRequest.from_mapping({**fields, **what, "method": "pretrain", "tokens": tokens}, "plan()")


def _require_size(budget: Limit, parameters: float) -> None:
    """FootprintError for a budget of a model that is too small or too large for any estimate."""
    least, most = FIELDS["parameters"].least or 0.0, FIELDS["parameters"].most
    if not least <= parameters <= most:
        what, mend = ("few", "larger") if parameters < least else ("many", "smaller")
        raise FootprintError(
            f"`budget={budget.text}` buys a model of about {figures(parameters, 2)} parameters here, too "
            f"{what} for any law; give a {mend} one"
        )


class Cluster:
    """The chain on one cluster, asked for many sizes: quantity -> median of a training."""

    def __init__(self, fields: Mapping[str, Any], law: ScalingLaw) -> None:
        self._law = law
        self._fields = dict(fields)
        self._known: dict[float, dict[str, float | None]] = {}
        self._price: dict[str, float] = {}

    def estimate(self, sizes: Sizes, model: str | None = None) -> Estimate:
        """The whole estimate of a training of these sizes."""
        return estimate(request_of(self._fields, self._law, sizes.parameters, sizes.tokens, model))

    @property
    def rows(self) -> tuple[Assumption, ...]:
        """What the plan assumes of the chain."""
        if "mfu" not in self._fields:
            return ()
        what = "6 FLOP a parameter and token, as the laws do; attention is left out"
        return (Assumption(name="the given MFU counts", value=what, unit="", basis="assumed", source=""),)

    def sizes_for(self, budget: Limit, sizes_of: SizesOf) -> tuple[float, Sizes]:
        """The FLOP with whose sizes the training uses up a budget, and these sizes.

        Where the chain's answer jumps over the budget, as at the size from which a step must recompute, the
        sizes below the jump are trained on so many more tokens that the budget is used up.
        Raises FootprintError where the quantity is unknown or never used up.
        """
        at = self._start(budget)
        over = self._over(budget, at, sizes_of)
        below, above = (-math.inf, 0.0), (math.inf, 0.0)
        slope = 1.0  # hours and energy are nearly proportional to FLOP
        for _ in range(MOST_ROUNDS):
            if abs(over) < CLOSE:
                break
            below, above = ((at, over), above) if over < 0 else (below, (at, over))
            if above[0] - below[0] < JUMP:
                at, over = below
                break
            guess = at - over / slope
            if not below[0] < guess < above[0]:
                guess = below[0] + (above[0] - below[0]) / 2
            before, (at, over) = (at, over), (guess, self._over(budget, guess, sizes_of))
            slope = min(max((over - before[1]) / (at - before[0]), 0.8), 1.25)
        if "mfu" in self._fields:  # the hours are proportional to the FLOP: no tokens need to make up
            at, over = at - over, 0.0
        flop, more = math.exp(at), math.exp(-over)
        spent = sizes_of(flop, 1.0).training_flop
        return flop + (more - 1.0) * spent, sizes_of(flop, more)

    def about(self, budgets: Sequence[Limit], sizes_of: SizesOf) -> tuple[float, float]:
        """The FLOP that budgets buy about, from one size of model, and their hours."""
        at = min(self._start(one) for one in budgets)
        bought = min(math.exp(at - self._over(one, at, sizes_of)) for one in budgets)
        hours = self._known[at]["duration_h"] or 0.0
        return bought, hours * bought / math.exp(at)

    def _start(self, budget: Limit) -> float:
        """Logarithm of the FLOP of as many hours as the budget buys about, at a typical MFU."""
        cluster, _ = parse_cluster(
            self._fields["hw"], **{name: self._fields.get(name) for name in GIVEN_BESIDE}
        )
        chip = cluster.accelerator
        watts = _TYPICAL_OVER_TDP * (chip.tdp_w or chip.measured_w or _TYPICAL_TDP_W)
        per_hour = {
            "duration_h": 1.0,
            "energy_kwh": cluster.count * watts / W_PER_KW,
            "co2e_kg": cluster.count * watts / W_PER_KW * _TYPICAL_KG_PER_KWH,
            "cost_usd": cluster.count * _TYPICAL_USD,
        }
        peaks = chip.peak_flop_per_s
        peak = peaks.get("bf16") or peaks.get("fp16") or max(peaks.values())
        seconds = budget.value / per_hour[budget.quantity] * SECONDS_PER_HOUR
        return math.log(_TYPICAL_MFU * peak * cluster.count * seconds)

    def _over(self, budget: Limit, at: float, sizes_of: SizesOf) -> float:
        """The logarithm of what the training uses over the budget."""
        if at not in self._known:
            sizes = sizes_of(math.exp(at), 1.0)
            _require_size(budget, sizes.parameters)
            self._known[at] = self._means(sizes)
        value = self._known[at][budget.quantity]
        if value is None:
            raise FootprintError(f"`budget={budget.text}`: {_UNKNOWN[budget.quantity]}")
        if value == 0:
            raise FootprintError(f"`budget={budget.text}`: nothing of it is used here, so it buys any model")
        return math.log(value / budget.value)

    def _means(self, sizes: Sizes) -> dict[str, float | None]:
        """Medians of a training, whether it fits or not: the answer is checked at the end."""
        fields = {**self._fields, **self._price, "force": True}
        request = request_of(fields, self._law, sizes.parameters, sizes.tokens)
        facts = facts_of(request) if request.anchor else resolve(request, alternatives=False)
        if facts.price is not None and not any(name in fields for name in _OF_THE_PRICE):
            # The price of the hardware is the same for every size: it is looked up once.
            self._price = {"usd_per_hour": facts.price.usd_per_accelerator_h.mid}
        outcome = chain(facts, predict_run(facts))
        means = outcome.consequences
        named = {
            "duration_h": outcome.duration_h, "energy_kwh": means.energy_kwh, "co2e_kg": means.co2e_kg,
            "cost_usd": means.cost_usd,
        }  # fmt: skip
        return {name: None if one is None else float(one.mid) for name, one in named.items()}
