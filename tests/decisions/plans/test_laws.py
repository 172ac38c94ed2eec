"""The laws against the figures that their papers print, and against a search that is written here."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from footprint.catalog.laws import find_law, law_ids
from footprint.decisions.plans.laws import (
    Demand,
    kaplan_limits,
    kaplan_loss,
    kaplan_schedule,
    loss_of,
    of_flop,
    of_loss,
    of_parameters,
)
from footprint.errors import FootprintError, UnknownNameError

PF_DAY = 1e15 * 86_400
PARAMETRIC = ("besiroglu2024", "hoffmann2022_a3", "hoffmann2022_a3_rounded", "muennighoff2023", "sardana2023")

# Hoffmann et al. 2022, Table 3: parameters, FLOP, tokens of approach 1.
TABLE_3 = [
    (400e6, 1.92e19, 8.0e9), (1e9, 1.21e20, 20.2e9), (10e9, 1.23e22, 205.1e9), (67e9, 5.76e23, 1.5e12),
    (175e9, 3.85e24, 3.7e12), (280e9, 9.90e24, 5.9e12), (520e9, 3.43e25, 11.0e12), (1e12, 1.27e26, 21.2e12),
    (10e12, 1.30e28, 216.2e12),
]  # fmt: skip
# Table A3: parameters, FLOP and tokens of approach 2, FLOP and tokens of approach 3.
TABLE_A3 = [
    (400e6, 1.84e19, 7.7e9, 2.21e19, 9.2e9), (1e9, 1.20e20, 20.0e9, 1.62e20, 27.1e9),
    (10e9, 1.32e22, 219.5e9, 2.46e22, 410.1e9), (67e9, 6.88e23, 1.7e12, 1.71e24, 4.1e12),
    (175e9, 4.54e24, 4.3e12, 1.26e25, 12.0e12), (280e9, 1.18e25, 7.1e12, 3.52e25, 20.1e12),
    (520e9, 4.19e25, 13.4e12, 1.36e26, 43.5e12), (1e12, 1.59e26, 26.5e12, 5.65e26, 94.1e12),
    (10e12, 1.75e28, 292.0e12, 8.55e28, 1425.5e12),
]  # fmt: skip


def valley(cost: Callable[[float], float], low: float, high: float) -> float:
    """Where a function of one number is lowest: ever finer grids of logarithms."""
    for _ in range(12):
        at = [low * (high / low) ** (i / 40) for i in range(41)]
        best = min(range(41), key=lambda i: cost(at[i]))
        low, high = at[max(best - 1, 0)], at[min(best + 1, 40)]
    return math.sqrt(low * high)


@pytest.mark.parametrize(("parameters", "flop", "tokens"), TABLE_3)
def test_approach_1_is_table_3(parameters: float, flop: float, tokens: float) -> None:
    found = of_flop(find_law("hoffmann2022_a1"), flop)
    assert found.parameters == pytest.approx(parameters, rel=0.015)
    assert found.tokens == pytest.approx(tokens, rel=0.06)  # 6ND of the row of 67e9 is 5 % over its FLOP
    assert found.loss is None


@pytest.mark.parametrize(("parameters", "flop_2", "_tokens_2", "flop_3", "_tokens_3"), TABLE_A3)
def test_approaches_2_and_3_are_table_a3(
    parameters: float, flop_2: float, _tokens_2: float, flop_3: float, _tokens_3: float
) -> None:
    assert of_flop(find_law("hoffmann2022_a2"), flop_2).parameters == pytest.approx(parameters, rel=0.035)
    assert of_flop(find_law("hoffmann2022_a3"), flop_3).parameters == pytest.approx(parameters, rel=0.04)


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("hoffmann2022_a1", [(row[0], row[1]) for row in TABLE_3]),
        ("hoffmann2022_a2", [(row[0], row[1]) for row in TABLE_A3]),
    ],
)
def test_approaches_1_and_2_are_the_lines_through_their_tables(
    name: str, table: list[tuple[float, float]]
) -> None:
    x, y = ([math.log(row[i]) for row in table] for i in (1, 0))
    middle_x, middle_y = sum(x) / len(x), sum(y) / len(y)
    slope = sum((a - middle_x) * (b - middle_y) for a, b in zip(x, y, strict=True))
    slope /= sum((a - middle_x) ** 2 for a in x)
    law = find_law(name)
    assert law["exponent"] == pytest.approx(slope, abs=5e-5)
    assert law["coefficient"] == pytest.approx(math.exp(middle_y - slope * middle_x), rel=3e-4)


def test_the_printed_exponents_of_approach_3_miss_its_own_table() -> None:
    rounded = find_law("hoffmann2022_rounded")
    off = [of_flop(rounded, flop).parameters / parameters - 1 for parameters, _, _, flop, _ in TABLE_A3]
    assert min(off) == pytest.approx(-0.3, abs=0.05)


@pytest.mark.parametrize(
    ("flop", "parameters", "tokens", "loss"),
    [
        (5.76e23, 7.22e10, 1.329e12, 1.974),
        (1e20, 8.54e8, 1.953e10, 2.553),
        (1e22, 9.05e9, 1.843e11, 2.141),
    ],
)
def test_the_refit(flop: float, parameters: float, tokens: float, loss: float) -> None:
    """Chinchilla's own budget is the first: it trained 70e9 parameters on 1.4e12 tokens."""
    found = of_flop(find_law("besiroglu2024"), flop)
    assert found.parameters == pytest.approx(parameters, rel=1e-3)
    assert found.tokens == pytest.approx(tokens, rel=1e-3)
    assert found.loss == pytest.approx(loss, abs=6e-4)


@pytest.mark.parametrize("name", PARAMETRIC)
@pytest.mark.parametrize("flop", [1e18, 3e21, 7e25])
def test_optima_are_those_of_a_search(name: str, flop: float) -> None:
    law = find_law(name)
    constants = [law[key] for key in ("E", "A", "B", "alpha", "beta")]

    def loss(parameters: float) -> float:
        e, a, b, alpha, beta = constants
        return e + a / parameters**alpha + b / (flop / 6 / parameters) ** beta

    found = of_flop(law, flop)
    best = valley(loss, 1e3, 1e15)
    assert found.parameters == pytest.approx(best, rel=1e-4)
    assert found.loss == pytest.approx(loss(best), rel=1e-9)
    assert 6 * found.parameters * found.tokens == pytest.approx(flop, rel=1e-12)


@pytest.mark.parametrize("name", law_ids())
def test_the_other_way_round_comes_back(name: str) -> None:
    law = find_law(name)
    found = of_flop(law, 1e22)
    assert of_parameters(law, found.parameters).training_flop == pytest.approx(1e22, rel=1e-9)
    if found.loss is None:
        with pytest.raises(FootprintError, match="no loss"):
            of_loss(law, 2.1)
    else:
        again = of_loss(law, found.loss)
        assert again.training_flop == pytest.approx(1e22, rel=1e-6)
        assert again.parameters == pytest.approx(found.parameters, rel=1e-6)


def test_kaplan_prints_powers_of_pf_days() -> None:
    law, days = find_law("kaplan2020"), 3640.0
    found = of_flop(law, days * PF_DAY)
    steps, batch = kaplan_schedule(law, days * PF_DAY)
    assert found.parameters == pytest.approx(1.3e9 * days**0.73, rel=1e-4)
    assert found.tokens == pytest.approx(2.0e10 * days**0.27, rel=1e-4)
    assert found.loss == pytest.approx((3.1e8 / days) ** 0.050, rel=1e-4)
    assert steps == pytest.approx(5.4e3 * days**0.03, rel=1e-4)
    assert batch == pytest.approx(2.0e6 * days**0.24, rel=1e-4)
    of_n, of_d, overfits = kaplan_limits(law, 175e9, 300e9)
    assert of_n == pytest.approx((8.8e13 / 175e9) ** 0.076, rel=1e-4)
    assert of_d == pytest.approx((5.4e13 / 300e9) ** 0.095, rel=1e-4)
    assert overfits == pytest.approx(5e3 * 175e9**0.74, rel=1e-4)
    both = ((6.4e13 / 175e9) ** (0.076 / 0.103) + 1.8e13 / 300e9) ** 0.103
    assert kaplan_loss(law, 175e9, 300e9) == pytest.approx(both, rel=1e-4)


def test_kaplans_tokens_are_never_c_over_6n() -> None:
    found = of_flop(find_law("kaplan2020"), 1e21)
    assert 6 * found.parameters * found.tokens / 1e21 == pytest.approx(1.8, rel=0.01)


# ----------------------------------------------------------------------------- repeated data


def repeated_loss(parameters: float, tokens: float, unique: float) -> float:
    """Equation 17 of Muennighoff et al. 2023 with the constants of its appendix A, typed again."""
    a, b, e, alpha, beta, r_d, r_n = (
        6.255414, 7.3049974, 0.6254804, 0.3526596, 0.3526596, 15.387756, 5.309743
    )  # fmt: skip
    big_a, big_b = math.exp(a), math.exp(b)
    u_d = min(unique, tokens)
    g = (alpha * big_a / (beta * big_b)) ** (1 / (alpha + beta))
    u_n = min(parameters, g * (g * u_d) ** (beta / alpha))
    more_d, more_n = tokens / u_d - 1, parameters / u_n - 1
    n = u_n + u_n * r_n * (1 - math.exp(-more_n / r_n))
    d = u_d + u_d * r_d * (1 - math.exp(-more_d / r_d))
    return math.exp(e) + big_a / n**alpha + big_b / d**beta


@pytest.mark.parametrize("flop", [1e19, 1e21, 1e22, 1e23])
@pytest.mark.parametrize("unique", [5e9, 25e9, 1e12])
def test_repeated_data_against_a_search(flop: float, unique: float) -> None:
    law = find_law("muennighoff2023")
    demand = Demand(unique_tokens=unique)
    found = of_flop(law, flop, demand)
    best = valley(lambda n: repeated_loss(n, flop / 6 / n, unique), 1e5, 1e14)
    assert found.loss == pytest.approx(repeated_loss(best, flop / 6 / best, unique), rel=1e-9)
    assert found.parameters == pytest.approx(best, rel=1e-3)
    assert loss_of(law, 3e9, 100e9, demand) == pytest.approx(repeated_loss(3e9, 100e9, unique), rel=1e-12)


def test_the_size_for_unique_tokens_is_a_twentieth_of_them() -> None:
    """U_N = 0.051 U_D in the paper's own code."""
    law = find_law("muennighoff2023")
    found = of_flop(law, 1e21)
    assert found.parameters / found.tokens == pytest.approx(0.051, rel=2e-3)


def test_a_decay_of_tokens_alone_would_give_far_larger_models() -> None:
    law, unique = find_law("muennighoff2023"), 25e9

    def tokens_alone(parameters: float) -> float:
        tokens = 1e22 / 6 / parameters
        worth = unique * (1 + 15.387756 * (1 - math.exp(-(max(tokens / unique, 1) - 1) / 15.387756)))
        fresh = min(worth, tokens) if tokens <= unique else worth
        return law["E"] + law["A"] / parameters ** law["alpha"] + law["B"] / fresh ** law["beta"]

    both = of_flop(law, 1e22, Demand(unique_tokens=unique)).parameters
    assert 1.5 < valley(tokens_alone, 1e8, 1e12) / both < 2.4


@pytest.mark.parametrize("flop", [1e21, 1e23])
def test_repeated_data_the_other_way_round(flop: float) -> None:
    law, demand = find_law("muennighoff2023"), Demand(unique_tokens=25e9)
    found = of_flop(law, flop, demand)
    assert found.loss is not None
    assert of_loss(law, found.loss, demand).training_flop == pytest.approx(flop, rel=1e-6)
    assert of_parameters(law, found.parameters, demand).training_flop == pytest.approx(flop, rel=1e-4)
    with pytest.raises(FootprintError, match="floor"):
        of_loss(law, 2.155, demand)


# ----------------------------------------------------------------------------------- serving


def test_serving_gives_what_the_authors_program_prints() -> None:
    """README of their repository: loss 1.947 and 2e12 tokens; a 30e9 model by the law alone."""
    law = find_law("sardana2023")
    found, own = of_loss(law, 1.947, Demand(served_tokens=2e12)), of_loss(law, 1.947)
    assert found.parameters == pytest.approx(2.418e10, rel=3e-4)
    assert found.tokens == pytest.approx(2.657e12, rel=3e-4)
    assert found.parameters / own.parameters == pytest.approx(0.7096, rel=1e-4)
    assert found.tokens / own.tokens == pytest.approx(1.4677, rel=1e-4)
    total = found.training_flop + 2 * found.parameters * 2e12
    assert total / (own.training_flop + 2 * own.parameters * 2e12) == pytest.approx(0.9522, rel=1e-4)
    alone = of_parameters(law, 30e9)
    assert alone.tokens == pytest.approx(1.556e12, rel=1e-3)
    assert alone.loss == pytest.approx(1.958253360475841, rel=1e-12)


@pytest.mark.parametrize(
    ("parameters", "served", "smaller", "longer", "saved"),
    [(30e9, 1e13, 13.6e9, 2.84, 0.28), (13e9, 2e12, 7.0e9, None, 0.17), (70e9, 2e12, None, None, 0.013)],
)
def test_serving_gives_the_papers_figures(
    parameters: float, served: float, smaller: float | None, longer: float | None, saved: float
) -> None:
    law = find_law("sardana2023")
    own, found = of_parameters(law, parameters), of_parameters(law, parameters, Demand(served_tokens=served))
    assert found.loss == pytest.approx(own.loss, rel=1e-9)
    if smaller is not None:
        assert found.parameters == pytest.approx(smaller, rel=0.01)
    if longer is not None:
        assert found.tokens / own.tokens == pytest.approx(longer, rel=0.01)
    cost = found.training_flop + 2 * found.parameters * served
    before = own.training_flop + 2 * own.parameters * served
    assert 1 - cost / before == pytest.approx(saved, abs=0.005)


def test_a_budget_for_serving_too_is_the_same_optimum() -> None:
    law, demand = find_law("sardana2023"), Demand(served_tokens=1e13)
    by_loss = of_parameters(law, 30e9, demand)
    by_flop = of_flop(law, by_loss.training_flop + 2 * by_loss.parameters * 1e13, demand)
    assert by_flop.parameters == pytest.approx(by_loss.parameters, rel=1e-5)
    assert by_flop.loss == pytest.approx(by_loss.loss, rel=1e-9)


# ------------------------------------------------------------------------------------- names


def test_laws_are_found_by_any_spelling() -> None:
    assert find_law("Hoffmann2022-A3").id == "hoffmann2022_a3"
    with pytest.raises(UnknownNameError, match="besiroglu2024"):
        find_law("besiroglu")


def test_a_loss_below_the_floor_is_an_error() -> None:
    with pytest.raises(FootprintError, match=r"floor of besiroglu2024 is 1\.817"):
        of_loss(find_law("besiroglu2024"), 1.8)
