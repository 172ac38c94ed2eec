"""Elementary functions against decimals of 60 digits, rounded once."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from decimal import Decimal, localcontext

import numpy as np
import pytest

from footprint import exact_functions
from footprint.arithmetic import hypot, weighted_quantile

COUNT = 400


def near(chance: random.Random) -> float:
    """Numbers of all sizes, most of them small, as responses to causes are."""
    of = (chance.uniform(-5, 5), chance.gauss(0, 1e-3), chance.uniform(-600, 600), chance.gauss(0, 1e-9))
    return chance.choice((*of, chance.gauss(0, 0.3), chance.gauss(0, 2.0**-40)))


def above(chance: random.Random) -> float:
    of = (math.exp(chance.uniform(-50, 50)), 1 + chance.gauss(0, 1e-6), 10 ** chance.uniform(-300, 300))
    return chance.choice(
        (*of, chance.uniform(0.3, 3.0), math.nextafter(1.0, 0.0), 2.0 ** chance.randint(-9, 9))
    )


def raised(base: float, exponent: float) -> Decimal:
    return (Decimal(base).ln() * Decimal(exponent)).exp()


@pytest.mark.parametrize(
    ("ours", "exact", "draw"),
    [
        (exact_functions.exp, lambda x: Decimal(x).exp(), near),
        (exact_functions.expm1, lambda x: Decimal(x).exp() - 1, near),
        (exact_functions.log, lambda x: Decimal(x).ln(), above),
        (exact_functions.log1p, lambda x: (1 + Decimal(x)).ln(), lambda chance: max(-0.999, near(chance))),
    ],
    ids=["exp", "expm1", "log", "log1p"],
)
def test_the_nearest_float(
    ours: Callable[[float], float], exact: Callable[[float], Decimal], draw: Callable[[random.Random], float]
) -> None:
    chance = random.Random(5)  # noqa: S311 - the same draw each time
    with localcontext() as context:
        context.prec = 60
        for _ in range(COUNT):
            value = draw(chance)
            assert ours(value) == float(exact(value)), value


def test_the_nearest_power() -> None:
    chance = random.Random(6)  # noqa: S311 - the same draw each time
    with localcontext() as context:
        context.prec = 60
        for _ in range(COUNT):
            base, exponent = (
                math.exp(chance.uniform(-20, 20)),
                chance.choice([chance.uniform(-3, 3), 1 / 3, 7.0]),
            )
            assert exact_functions.power(base, exponent) == float(raised(base, exponent)), (base, exponent)


@pytest.mark.parametrize("value", [0.0, -0.0, 1e-300, -1e-300, 5e-324, 700.0, -745.0, -1000.0, -math.inf])
def test_what_is_nothing_or_near_the_end(value: float) -> None:
    assert exact_functions.exp(value) == pytest.approx(math.exp(value), rel=1e-15)
    assert exact_functions.expm1(value) == pytest.approx(math.expm1(value), rel=1e-15)


def test_what_has_no_answer_says_so_as_python_does() -> None:
    with pytest.raises(OverflowError):
        exact_functions.exp(710.0)
    for value in (0.0, -1.0, -math.inf):
        with pytest.raises(ValueError, match=r"expected|domain"):
            exact_functions.log(value)
    with pytest.raises(ValueError, match=r"expected|domain"):
        exact_functions.log1p(-1.0)
    assert exact_functions.log(math.inf) == exact_functions.log1p(math.inf) == math.inf
    assert math.isnan(exact_functions.log(math.nan))
    assert math.isnan(exact_functions.exp(math.nan))


@pytest.mark.parametrize(
    ("base", "exponent", "expected"),
    [
        (4.0, 0.5, 2.0),
        (0.0, 3.0, 0.0),
        (0.0, 0.0, 1.0),
        (7.0, 0.0, 1.0),
        (-2.0, 3.0, -8.0),
        (10.0, 300.0, 1e300),
    ],
)
def test_powers_that_are_known(base: float, exponent: float, expected: float) -> None:
    assert exact_functions.power(base, exponent) == expected


def test_the_long_side() -> None:
    assert hypot(3.0, 4.0) == 5.0
    assert hypot(1.0, 2.0, 2.0) == 3.0


def test_a_weighted_quantile_is_that_of_so_many_copies() -> None:
    chance = random.Random(3)  # noqa: S311 - no secret
    for _ in range(50):
        values = [chance.gauss(0, 1) for _ in range(chance.randint(1, 9))]
        copies = [chance.randint(1, 6) for _ in values]
        whole = np.repeat(values, copies)
        for share in (0.05, 0.37, 0.5, 0.95, 1.0):
            found = weighted_quantile(zip(values, copies, strict=True), share)
            assert found == np.quantile(whole, share, method="inverted_cdf")
