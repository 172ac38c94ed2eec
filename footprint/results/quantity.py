"""A quantity with the causes of its spread.

A `Quantity` is a median with the causes of its spread, so that comparisons cancel what
they share, sums add up honestly and ``--explain`` can name the input that matters most.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import Any

from footprint.errors import FootprintError
from footprint.records import value

Spread = Mapping[str, tuple[float, float]]


@value
class Quantity:
    """A positive median and, for each cause, the log responses to its 5 % and 95 % ends.

    ``spread[cause] = (a, b)`` says: with the cause at its 5th percentile the quantity is
    ``mid * exp(a)``, at its 95th ``mid * exp(b)``. A divisor has ``a > 0 > b``. The same key
    is fully correlated, different keys are independent (design: quantities with causes).
    """

    mid: float
    spread: Spread = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not (math.isfinite(self.mid) and self.mid >= 0):
            raise FootprintError(f"a quantity must be finite and not negative, got {self.mid!r}")

    @classmethod
    def between(cls, low: float, mid: float, high: float, cause: str) -> Quantity:
        """A quantity whose 90 % interval is (low, high), all from one cause."""
        if not 0 < low <= mid <= high:
            raise FootprintError(f"{cause}: need 0 < low <= mid <= high, got {low}, {mid}, {high}")
        return cls(mid, {cause: (math.log(low / mid), math.log(high / mid))})

    @property
    def low(self) -> float:
        """5th percentile; half-widths of independent causes combine in quadrature."""
        return self.mid * math.exp(-math.sqrt(sum(min(a, b, 0.0) ** 2 for a, b in self.spread.values())))

    @property
    def high(self) -> float:
        """95th percentile."""
        return self.mid * math.exp(math.sqrt(sum(max(a, b, 0.0) ** 2 for a, b in self.spread.values())))

    def __mul__(self, other: Quantity | float) -> Quantity:
        if not isinstance(other, Quantity):
            return Quantity(self.mid * other, self.spread)
        return Quantity(self.mid * other.mid, _combine(self.spread, other.spread, 1.0))

    __rmul__ = __mul__

    def __truediv__(self, other: Quantity | float) -> Quantity:
        divisor = other if isinstance(other, Quantity) else Quantity(other)
        if divisor.mid == 0:
            raise FootprintError("division by a quantity that is 0")
        return Quantity(self.mid / divisor.mid, _combine(self.spread, divisor.spread, -1.0))

    def __rtruediv__(self, other: float) -> Quantity:
        return Quantity(other) / self

    def __add__(self, other: Quantity | float) -> Quantity:
        return total([self, other if isinstance(other, Quantity) else Quantity(other)])

    __radd__ = __add__

    def capped(self, limit: float) -> Quantity:
        """This quantity with median and every cause held at or below ``limit``."""
        mid = min(self.mid, limit)
        if mid == 0:
            return Quantity(0.0)
        room = math.log(limit / mid)
        shift = math.log(self.mid / mid)
        return Quantity(
            mid, {c: (min(a + shift, room), min(b + shift, room)) for c, (a, b) in self.spread.items()}
        )

    def to_json(self, *, with_spread: bool = False) -> dict[str, Any]:
        """``{"low", "mid", "high"}`` at 90 %, unrounded; with ``spread``, each cause's own ends."""
        record: dict[str, Any] = {"low": self.low, "mid": self.mid, "high": self.high}
        if with_spread:
            record["spread"] = {
                cause: {"low": self.mid * math.exp(a), "high": self.mid * math.exp(b)}
                for cause, (a, b) in self.spread.items()
            }
        return record


def _combine(left: Spread, right: Spread, sign: float) -> dict[str, tuple[float, float]]:
    """Log responses of a product (sign 1) or quotient (sign -1), cause by cause."""
    causes = dict(left)
    for cause, (a, b) in right.items():
        c, d = causes.get(cause, (0.0, 0.0))
        causes[cause] = (c + sign * a, d + sign * b)
    return causes


def total(parts: Iterable[Quantity]) -> Quantity:
    """Sum of quantities: deviations of one cause add linearly, of different causes in quadrature."""
    parts = list(parts)
    mid = math.fsum(part.mid for part in parts)
    if mid == 0:
        return Quantity(0.0)
    spread: dict[str, tuple[float, float]] = {}
    for cause in dict.fromkeys(c for part in parts for c in part.spread):
        ends = [
            math.fsum(part.mid * math.expm1(part.spread.get(cause, (0.0, 0.0))[end]) for part in parts)
            for end in (0, 1)
        ]
        spread[cause] = (math.log1p(ends[0] / mid), math.log1p(ends[1] / mid))
    return Quantity(mid, spread)
