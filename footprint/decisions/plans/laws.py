"""The arithmetic of scaling laws: plain numbers in, plain numbers out; the constants are those of data files.

``N`` are parameters, ``D`` training tokens, ``C`` training FLOP, and C = 6 N D but in Kaplan's law. Optima
are closed forms. Where data are repeated or the model is served, one search along N remains.

References
----------
[1] Hoffmann et al. 2022, arXiv:2203.15556: L = E + A / N^alpha + B / D^beta, and its optimum for C.
[2] Kaplan et al. 2020, arXiv:2001.08361.
[3] Muennighoff et al. 2023, arXiv:2305.16264: equation 17 and appendix A, repeated data.
[4] Sardana et al. 2023, arXiv:2401.00448: training and serving together, 6 N D + 2 N T.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from footprint.catalog.laws import ScalingLaw
from footprint.errors import FootprintError
from footprint.records import record, replace
from footprint.units import FLOP_PER_PF_DAY

FLOP_PER_PARAMETER = 6.0
"""Training FLOP of one token for each parameter: 2 forward, 4 backward (2)."""
SERVING_FLOP_PER_PARAMETER = 2.0
"""FLOP of one served token for each parameter: the forward pass (4)."""
MOST_PARAMETERS = 1e18
"""The largest model that the searches try."""
_GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0


@record
class Sizes:
    """What a law gives: sizes and the FLOP that train them; no loss where the law has none."""

    parameters: float
    tokens: float
    training_flop: float
    loss: float | None
    effective_tokens: float
    """Fresh tokens that would be worth as much as the repeated ones."""


@record
class Demand:
    """What is asked beside a budget: tokens that there are, and tokens that will be served."""

    unique_tokens: float | None = None
    served_tokens: float = 0.0

    @property
    def plain(self) -> bool:
        """Whether nothing is asked beside the budget, so that the optimum is a closed form."""
        return self.unique_tokens is None and not self.served_tokens


PLAIN = Demand()

# ------------------------------------------------------------------ a loss of parameters and tokens


def loss_of(law: ScalingLaw, parameters: float, tokens: float, demand: Demand = PLAIN) -> float:
    """Loss of a training of so many parameters and tokens (1), data repeated where they are short (3)."""
    if law.form == "kaplan":
        return kaplan_loss(law, parameters, tokens)
    parameters, tokens = effective(law, parameters, tokens, demand.unique_tokens)
    return float(law["E"] + law["A"] / parameters ** law["alpha"] + law["B"] / tokens ** law["beta"])


def effective(
    law: ScalingLaw, parameters: float, tokens: float, unique_tokens: float | None
) -> tuple[float, float]:
    """Parameters and tokens that would be worth as much, were no token met twice (3)."""
    if unique_tokens is None:
        return parameters, tokens
    own = parameters_for_tokens(law, min(tokens, unique_tokens))
    return (
        _decayed(parameters, own, law["parameter_decay"]),
        _decayed(tokens, unique_tokens, law["token_decay"]),
    )


def _decayed(amount: float, unit: float, decay: float) -> float:
    """What an amount beyond ``unit`` is worth: U + U R* (1 - exp(-R / R*)), R = amount / U - 1 (3)."""
    if amount <= unit:
        return amount
    return unit * (1.0 - decay * math.expm1((1.0 - amount / unit) / decay))


def _repeated(worth: float, unit: float, decay: float) -> float:
    """The amount that is worth so much: the inverse of `_decayed`; infinite where none is."""
    if worth <= unit:
        return worth
    share = (worth / unit - 1.0) / decay
    return unit * (1.0 - decay * math.log1p(-share)) if share < 1.0 else math.inf


def _exponent(law: ScalingLaw) -> float:
    """Exponent of C in the best N: beta / (alpha + beta) (1)."""
    return law["beta"] / (law["alpha"] + law["beta"])


def _ratio(law: ScalingLaw) -> float:
    """G = (alpha A / (beta B))^(1 / (alpha + beta)) (1)."""
    alpha, beta = law["alpha"], law["beta"]
    return float((alpha * law["A"] / (beta * law["B"])) ** (1.0 / (alpha + beta)))


def parameters_for_tokens(law: ScalingLaw, tokens: float) -> float:
    """The N for which so many tokens are the best D: G (G D)^(beta / alpha) (1)."""
    ratio = _ratio(law)
    return float(ratio * (ratio * tokens) ** (law["beta"] / law["alpha"]))


# ------------------------------------------------------------------------------ Kaplan et al.


def kaplan_loss(law: ScalingLaw, parameters: float, tokens: float) -> float:
    """L(N, D) = ((N_c / N)^(alpha_N / alpha_D) + D_c / D)^alpha_D (2, equation 1.5)."""
    alpha, beta = law["joint_alpha"], law["joint_beta"]
    inside = (law["joint_parameters"] / parameters) ** (alpha / beta) + law["joint_tokens"] / tokens
    return float(inside**beta)


def kaplan_limits(law: ScalingLaw, parameters: float, tokens: float) -> tuple[float, float, float]:
    """L(N) with endless tokens, L(D) with endless parameters, and the D below which N overfits (2)."""
    return (
        (law["alone_parameters"] / parameters) ** law["joint_alpha"],
        (law["alone_tokens"] / tokens) ** law["alone_beta"],
        law["overfit_coefficient"] * parameters ** law["overfit_exponent"],
    )


def kaplan_schedule(law: ScalingLaw, flop: float) -> tuple[float, float]:
    """Steps, and tokens of a step, of the best training of C FLOP (2)."""
    days = flop / FLOP_PER_PF_DAY
    return (
        law["steps_coefficient"] * days ** law["steps_exponent"],
        law["batch_coefficient"] * days ** law["batch_exponent"],
    )


# ------------------------------------------------------------------- from FLOP, from loss, from N


def of_flop(law: ScalingLaw, flop: float, demand: Demand = PLAIN) -> Sizes:
    """The best sizes for so many FLOP, those of serving among them."""
    if law.form == "kaplan":
        days = flop / FLOP_PER_PF_DAY
        parameters = law["parameters_coefficient"] * days ** law["parameters_exponent"]
        tokens = law["tokens_coefficient"] * days ** law["tokens_exponent"]
        return Sizes(
            parameters=parameters, tokens=tokens, training_flop=flop, effective_tokens=tokens,
            loss=(law["loss_compute"] / days) ** law["loss_exponent"],
        )  # fmt: skip
    if law.form == "power":
        return _sizes(law, law["coefficient"] * flop ** law["exponent"], flop)
    if demand.plain:
        return _sizes(law, _ratio(law) * (flop / FLOP_PER_PARAMETER) ** _exponent(law), flop)
    served = SERVING_FLOP_PER_PARAMETER * demand.served_tokens

    def loss(parameters: float) -> float:
        tokens = (flop / parameters - served) / FLOP_PER_PARAMETER
        return loss_of(law, parameters, tokens, demand) if tokens > 0 else math.inf

    parameters = _lowest(loss, 1.0, flop / FLOP_PER_PARAMETER)
    return _sizes(law, parameters, flop - served * parameters, demand)


def of_loss(law: ScalingLaw, loss: float, demand: Demand = PLAIN) -> Sizes:
    """The sizes that reach a loss with the fewest FLOP, those of serving among them.

    Raises FootprintError where the law gives no loss, or none so low.
    """
    if law.form == "power":
        raise FootprintError(f"{law.id} gives no loss: give `budget=` or `model=`, or another `law=`")
    if loss <= 0 or (law.form == "parametric" and loss <= floor_of(law, demand)):
        floor = 0.0 if law.form == "kaplan" else floor_of(law, demand)
        raise FootprintError(
            f"`loss={loss:g}`: no size reaches it; the floor of {law.id}"
            f"{'' if demand.unique_tokens is None else ' with these unique tokens'} is {floor:.4g}"
        )
    if law.form == "kaplan":
        return of_flop(law, law["loss_compute"] * loss ** (-1.0 / law["loss_exponent"]) * FLOP_PER_PF_DAY)
    alpha, beta, room = law["alpha"], law["beta"], loss - law["E"]
    if demand.plain:
        # At the optimum alpha A / N^alpha = beta B / D^beta, so each is a fixed share of the room.
        parameters = (law["A"] * (alpha + beta) / (beta * room)) ** (1.0 / alpha)
        tokens = (law["B"] * (alpha + beta) / (alpha * room)) ** (1.0 / beta)
        return _sizes(law, parameters, FLOP_PER_PARAMETER * parameters * tokens)

    def flop(parameters: float) -> float:
        training = FLOP_PER_PARAMETER * _tokens_for(law, parameters, room, demand.unique_tokens)
        return parameters * (training + SERVING_FLOP_PER_PARAMETER * demand.served_tokens)

    parameters = _lowest(flop, 1.0, MOST_PARAMETERS)
    tokens = _tokens_for(law, parameters, room, demand.unique_tokens)
    return _sizes(law, parameters, FLOP_PER_PARAMETER * parameters * tokens, demand)


def of_parameters(law: ScalingLaw, parameters: float, demand: Demand = PLAIN) -> Sizes:
    """The sizes whose N is given; of a model that is served, those of its quality with the fewest FLOP."""
    if law.form == "kaplan":
        days = (parameters / law["parameters_coefficient"]) ** (1.0 / law["parameters_exponent"])
        return of_flop(law, days * FLOP_PER_PF_DAY)
    if law.form == "power":
        return _sizes(law, parameters, (parameters / law["coefficient"]) ** (1.0 / law["exponent"]))
    plain = _sizes(law, parameters, FLOP_PER_PARAMETER * (parameters / _ratio(law)) ** (1.0 / _exponent(law)))
    if demand.plain or plain.loss is None:
        return plain
    if demand.served_tokens:
        return of_loss(law, plain.loss, demand)
    # Short data make the best model of a number of FLOP smaller, never larger.
    low, high = math.log(plain.training_flop), math.log(plain.training_flop) + math.log(1e6)
    for _ in range(60):
        middle = (low + high) / 2
        if of_flop(law, math.exp(middle), demand).parameters < parameters:
            low = middle
        else:
            high = middle
    return of_flop(law, math.exp(high), demand)


def stretched(law: ScalingLaw, sizes: Sizes, more: float, demand: Demand = PLAIN) -> Sizes:
    """The sizes with ``more`` times as many tokens."""
    flop = sizes.training_flop * more
    if law.form != "kaplan":
        return _sizes(law, sizes.parameters, flop, demand)
    longer = of_flop(law, flop)
    tokens = sizes.tokens * more
    return replace(longer, parameters=sizes.parameters, tokens=tokens, effective_tokens=tokens)


def floor_of(law: ScalingLaw, demand: Demand = PLAIN) -> float:
    """The loss below which no size comes: E, and with repeated data what these can be worth at most."""
    unique = demand.unique_tokens
    if unique is None:
        return law["E"]
    most = parameters_for_tokens(law, unique) * (1.0 + law["parameter_decay"])
    repeated = law["A"] / most ** law["alpha"]
    return float(law["E"] + repeated + law["B"] / (unique * (1.0 + law["token_decay"])) ** law["beta"])


def _sizes(law: ScalingLaw, parameters: float, training_flop: float, demand: Demand = PLAIN) -> Sizes:
    tokens = training_flop / FLOP_PER_PARAMETER / parameters
    parametric = law.form == "parametric"
    worth = effective(law, parameters, tokens, demand.unique_tokens)[1] if parametric else tokens
    return Sizes(
        parameters=parameters,
        tokens=tokens,
        training_flop=training_flop,
        loss=loss_of(law, parameters, tokens, demand) if parametric else None,
        effective_tokens=worth,
    )


def _tokens_for(law: ScalingLaw, parameters: float, room: float, unique: float | None) -> float:
    """The tokens with which N parameters reach E + room; infinite where none do."""
    fresh = room - law["A"] / parameters ** law["alpha"]
    if fresh > 0:
        tokens = float((law["B"] / fresh) ** (1.0 / law["beta"]))
        if unique is None or (tokens <= unique and parameters <= parameters_for_tokens(law, tokens)):
            return tokens
    if unique is None:
        return math.inf
    worth = _decayed(parameters, parameters_for_tokens(law, unique), law["parameter_decay"])
    rest = room - law["A"] / worth ** law["alpha"]
    if rest <= 0:
        return math.inf
    return max(unique, _repeated((law["B"] / rest) ** (1.0 / law["beta"]), unique, law["token_decay"]))


def _lowest(cost: Callable[[float], float], least: float, most: float) -> float:
    """Where a cost with one valley is lowest: a grid of logarithms, then golden sections."""
    low, high, count = math.log(least), math.log(most), 96
    at = [low + (high - low) * i / count for i in range(count + 1)]
    best = min(range(count + 1), key=lambda i: cost(math.exp(at[i])))
    low, high = at[max(best - 1, 0)], at[min(best + 1, count)]
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_left, at_right = cost(math.exp(left)), cost(math.exp(right))
    while high - low > 1e-9:
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - _GOLDEN * (high - low)
            at_left = cost(math.exp(left))
        else:
            low, left, at_left = left, right, at_right
            right = low + _GOLDEN * (high - low)
            at_right = cost(math.exp(right))
    return math.exp((low + high) / 2)
