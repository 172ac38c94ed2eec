"""A quantity with the causes of its spread.

A `Quantity` is a median with the causes of its spread, so that comparisons cancel what
they share, sums add up honestly and ``--explain`` can name the input that matters most.

Its numbers are floats, or numpy arrays that hold one value a scenario: the same rules then give a
million answers at once. A value of NaN in an array means that the scenario has no such number.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import Any

from footprint.arithmetic import Number, exp, expm1, is_array, log, log1p, maximum, minimum, sqrt, where
from footprint.errors import FootprintError
from footprint.records import value

Spread = Mapping[str, tuple[Number, Number]]


@value
class Quantity:
    """A positive median and, for each cause, the log responses to its 5 % and 95 % ends.

    ``spread[cause] = (a, b)`` says: with the cause at its 5th percentile the quantity is
    ``mid * exp(a)``, at its 95th ``mid * exp(b)``. A divisor has ``a > 0 > b``. The same key
    is fully correlated, different keys are independent (design: quantities with causes).
    """

    mid: Number
    spread: Spread = field(default_factory=dict)

    def __post_init__(self) -> None:
        if is_array(self.mid):
            return
        if not (math.isfinite(self.mid) and self.mid >= 0):
            raise FootprintError(f"a quantity must be finite and not negative, got {self.mid!r}")

    @classmethod
    def between(cls, low: Number, mid: Number, high: Number, cause: str) -> Quantity:
        """A quantity whose 90 % interval is (low, high), all from one cause."""
        if not (is_array(low) or is_array(mid) or is_array(high)) and not 0 < low <= mid <= high:
            raise FootprintError(f"{cause}: need 0 < low <= mid <= high, got {low}, {mid}, {high}")
        return cls(mid, {cause: (log(low / mid), log(high / mid))})

    @property
    def low(self) -> Number:
        """5th percentile; half-widths of independent causes combine in quadrature."""
        return self.mid * exp(-sqrt(_squares(minimum(minimum(a, b), 0.0) for a, b in self.spread.values())))

    @property
    def high(self) -> Number:
        """95th percentile."""
        return self.mid * exp(sqrt(_squares(maximum(maximum(a, b), 0.0) for a, b in self.spread.values())))

    def __mul__(self, other: Quantity | Number) -> Quantity:
        if not isinstance(other, Quantity):
            return Quantity(self.mid * other, self.spread)
        return Quantity(self.mid * other.mid, _combine(self.spread, other.spread, 1.0))

    __rmul__ = __mul__

    def __truediv__(self, other: Quantity | Number) -> Quantity:
        divisor = other if isinstance(other, Quantity) else Quantity(other)
        if not is_array(divisor.mid) and divisor.mid == 0:
            raise FootprintError("division by a quantity that is 0")
        return Quantity(self.mid / divisor.mid, _combine(self.spread, divisor.spread, -1.0))

    def __rtruediv__(self, other: Number) -> Quantity:
        return Quantity(other) / self

    def __add__(self, other: Quantity | Number) -> Quantity:
        return total([self, other if isinstance(other, Quantity) else Quantity(other)])

    __radd__ = __add__

    def capped(self, limit: Number) -> Quantity:
        """This quantity with median and every cause held at or below ``limit``."""
        mid = minimum(self.mid, limit)
        if not is_array(mid) and mid == 0:
            return Quantity(0.0)
        room = log(limit / mid)
        shift = log(self.mid / mid)
        return Quantity(
            mid, {c: (minimum(a + shift, room), minimum(b + shift, room)) for c, (a, b) in self.spread.items()}
        )

    def at_least(self, limit: Number) -> Quantity:
        """This quantity with every cause held at or above ``limit``, which its median is."""
        floor = log(limit / self.mid)
        return Quantity(self.mid, {c: (maximum(a, floor), maximum(b, floor)) for c, (a, b) in self.spread.items()})

    def to_json(self, *, with_spread: bool = False) -> dict[str, Any]:
        """``{"low", "mid", "high"}`` at 90 %, unrounded; with ``spread``, each cause's own ends."""
        record: dict[str, Any] = {"low": self.low, "mid": self.mid, "high": self.high}
        if with_spread:
            record["spread"] = {
                cause: {"low": self.mid * math.exp(a), "high": self.mid * math.exp(b)}
                for cause, (a, b) in self.spread.items()
            }
        return record


def _squares(values: Iterable[Number]) -> Number:
    """The sum of squares; small arrays are added up before they meet large ones."""
    return sum(sorted((value * value for value in values), key=_size), 0.0)


def _size(value: Number) -> int:
    return int(value.size) if is_array(value) else 1


def _combine(left: Spread, right: Spread, sign: float) -> dict[str, tuple[Number, Number]]:
    """Log responses of a product (sign 1) or quotient (sign -1), cause by cause."""
    causes = dict(left)
    for cause, (a, b) in right.items():
        c, d = causes.get(cause, (0.0, 0.0))
        causes[cause] = (c + sign * a, d + sign * b)
    return causes


def total(parts: Iterable[Quantity]) -> Quantity:
    """Sum of quantities: deviations of one cause add linearly, of different causes in quadrature."""
    parts = list(parts)
    mid = _sum([part.mid for part in parts])
    if not is_array(mid) and mid == 0:
        return Quantity(0.0)
    whole = where(mid == 0, 1.0, mid)
    spread: dict[str, tuple[Number, Number]] = {}
    for cause in dict.fromkeys(c for part in parts for c in part.spread):
        low, high = (
            _sum([part.mid * expm1(part.spread[cause][end]) for part in parts if cause in part.spread])
            for end in (0, 1)
        )
        spread[cause] = (log1p(low / whole), log1p(high / whole))
    return Quantity(mid, spread)


def _sum(values: list[Number]) -> Number:
    """The sum, correctly rounded for plain numbers."""
    return sum(values) if any(map(is_array, values)) else math.fsum(values)
