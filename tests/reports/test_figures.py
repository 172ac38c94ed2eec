"""Figures for people: as many as were asked for, also where rounding reaches a power of ten."""

from __future__ import annotations

import math
import random
from decimal import Decimal

import pytest

from footprint.results import Quantity
from footprint.results.human import amount, figures, interval


@pytest.mark.parametrize(
    ("value", "significant", "text"),
    [
        (0.0998, 2, "0.10"), (0.0998, 3, "0.0998"), (9.96, 2, "10"), (9.996, 3, "10.0"), (0.9996, 3, "1.00"),
        (-0.0998, 2, "-0.10"), (99.96, 3, "100"), (999.6, 3, "1,000"), (9_999_999.0, 3, "1.00e7"),
        (0.1, 2, "0.10"), (0.0949, 2, "0.095"), (1234.0, 3, "1,230"), (0.00123, 2, "0.0012"),
    ],
)  # fmt: skip
def test_a_number_has_the_figures_that_were_asked_for(value: float, significant: int, text: str) -> None:
    assert figures(value, significant) == text


def test_any_number_has_them_and_is_near_it() -> None:
    draw = random.Random(7)  # noqa: S311
    for _ in range(2000):
        value = math.exp(draw.uniform(math.log(1e-5), math.log(1e9)))
        significant = draw.choice((2, 3, 4))
        text = figures(value, significant).replace(",", "")
        # Decimal's own rounding of a value to so many digits, which decimal.Context does by itself.
        assert float(text) == pytest.approx(float(f"{value:.{significant - 1}e}"), rel=1e-12)
        digits = Decimal(text).as_tuple().digits
        assert len(digits) == max(significant, len(str(int(float(text)))) if 1 <= float(text) < 1e7 else 0)


def test_an_interval_whose_end_rounds_up_has_two_figures() -> None:
    assert interval(Quantity.between(0.0998, 0.2, 0.5, "one"), "kwh") == "100 - 500 Wh"
    assert interval(Quantity.between(2.2e6, 5e6, 9.98e6, "one"), "usd") == "$2.2M - $10M"
    assert amount(9.996, "kwh", 3) == "10.0 kWh"
