"""A quantity: a median with the causes of its spread.

Named causes let comparisons cancel shared errors, let sums combine correlated errors correctly, and let
``--spread`` name the input that contributes most.

The numbers are floats, or numpy arrays with one value per scenario. NaN in an array means that the
scenario has no such number.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

from footprint.arithmetic import (
    Number,
    add_square,
    exp,
    expm1,
    is_array,
    log,
    log1p,
    maximum,
    minimum,
    sqrt,
    where,
)
from footprint.errors import FootprintError
from footprint.records import field, names_of, value

Spread = Mapping[str, tuple[Number, Number]]

LEAST_EXCESS = 1e-6
"""Least difference between the end of an interval and a subtracted number (for a PUE: a millionth of the
IT energy); it keeps logarithms finite."""


@value
class Quantity:
    """A positive median and, for each cause, the log responses to its 5 % and 95 % ends.

    ``spread[cause] = (a, b)`` means: the quantity is ``mid * exp(a)`` with the cause at its 5th
    percentile, and ``mid * exp(b)`` with the cause at its 95th. A divisor has ``a > 0 > b``. Spreads of the
    same cause are fully correlated; different causes are independent.
    """

    __array_ufunc__: ClassVar[None] = None
    """None makes numpy leave array x quantity to this class, which gives a quantity of arrays."""
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
        return self.bounds[0]

    @property
    def high(self) -> Number:
        """95th percentile."""
        return self.bounds[1]

    @property
    def bounds(self) -> tuple[Number, Number]:
        """5th and 95th percentile."""
        below = above = 0.0
        for a, b in sorted(self.spread.values(), key=_size):  # small arrays before large ones
            if not (_all_at_most(a, 0.0) and _all_at_most(0.0, b)):
                a, b = minimum(minimum(a, b), 0.0), maximum(maximum(a, b), 0.0)
            below, above = add_square(below, a), add_square(above, b)
        return self.mid * exp(-sqrt(below)), self.mid * exp(sqrt(above))

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

    def __sub__(self, number: Number) -> Quantity:
        """This quantity minus a number; 0 where the median is not above the number.

        An end of the interval that is not above the number is replaced by `LEAST_EXCESS`.
        """
        mid = maximum(self.mid - number, 0.0)
        if not is_array(mid) and mid == 0:
            return Quantity(0.0)
        divisor = where(mid == 0, 1.0, mid)
        spread = {}
        for cause, ends in self.spread.items():
            low, high = (log(maximum(self.mid * exp(end) - number, LEAST_EXCESS) / divisor) for end in ends)
            spread[cause] = (where(mid == 0, 0.0, low), where(mid == 0, 0.0, high))
        return Quantity(mid, spread)

    def capped(self, limit: Number) -> Quantity:
        """This quantity with its median, the ends of every cause and its high end at most ``limit``.

        Causes whose ends are below the limit may exceed it together: their upper ends are then drawn
        toward the median by one factor.
        """
        mid = minimum(self.mid, limit)
        if not is_array(mid) and mid == 0:
            return Quantity(0.0)
        room = log(limit / mid)
        shift = log(self.mid / mid)
        spread = {
            cause: (minimum(a + shift, room), minimum(b + shift, room))
            for cause, (a, b) in self.spread.items()
        }
        if len(spread) < 2:
            return Quantity(mid, spread)
        above = log(Quantity(1.0, spread).high)
        kept = where(above > room, room / where(above > room, above, 1.0), 1.0)
        return Quantity(
            mid, {cause: (_nearer(a, kept), _nearer(b, kept)) for cause, (a, b) in spread.items()}
        )

    def at_least(self, limit: Number) -> Quantity:
        """This quantity with the ends of every cause limited to at least ``limit``, which ``mid`` exceeds."""
        floor = log(limit / self.mid)
        return Quantity(
            self.mid, {cause: (maximum(a, floor), maximum(b, floor)) for cause, (a, b) in self.spread.items()}
        )

    def to_json(self, *, with_spread: bool = False) -> dict[str, Any]:
        """``{"low", "mid", "high"}`` at 90 %, unrounded; ``with_spread`` adds the ends of each cause."""
        low, high = self.bounds
        record: dict[str, Any] = {"low": low, "mid": self.mid, "high": high}
        if with_spread:
            record["spread"] = {
                cause: {"low": self.mid * exp(a), "high": self.mid * exp(b)}
                for cause, (a, b) in self.spread.items()
            }
        return record


def plain_values(one: object, of: Callable[[Quantity], Any] = Quantity.to_json) -> Any:
    """A value, a record, or what holds some, as JSON values; ``of`` makes those of a quantity."""
    if isinstance(one, Quantity):
        return of(one)
    if hasattr(one, "_record_names"):
        return {name: plain_values(getattr(one, name), of) for name in names_of(one)}
    if isinstance(one, Mapping):
        return {key: plain_values(part, of) for key, part in one.items()}
    if isinstance(one, list | tuple):
        return [plain_values(part, of) for part in one]
    return one


def _nearer(end: Number, share: Number) -> Number:
    """A log response with so much of it kept where it is above the median [1]."""
    return where(end > 0, end * share, end)


def _size(ends: tuple[Number, Number]) -> int:
    return int(ends[0].size) if is_array(ends[0]) else 1


def _all_at_most(one: Number, other: Number) -> bool:
    """Whether one number is at most the other; for arrays, in every element."""
    if is_array(one):
        return bool(one.max() <= other)
    return bool(one <= other.min()) if is_array(other) else one <= other


def _combine(left: Spread, right: Spread, sign: float) -> dict[str, tuple[Number, Number]]:
    """Log responses of a product (sign 1) or quotient (sign -1), cause by cause."""
    causes = dict(left)
    for cause, (low, high) in right.items():
        left_low, left_high = causes.get(cause, (0.0, 0.0))
        causes[cause] = (left_low + sign * low, left_high + sign * high)
    return causes


def total(parts: Iterable[Quantity]) -> Quantity:
    """Sum of quantities; deviations of the same cause add linearly."""
    parts = list(parts)
    mid = _sum([part.mid for part in parts])
    if not is_array(mid) and mid == 0:
        return Quantity(0.0)
    divisor = where(mid == 0, 1.0, mid)
    spread: dict[str, tuple[Number, Number]] = {}
    for cause in dict.fromkeys(c for part in parts for c in part.spread):
        low, high = (
            _sum([part.mid * expm1(part.spread[cause][end]) for part in parts if cause in part.spread])
            for end in (0, 1)
        )
        spread[cause] = (log1p(low / divisor), log1p(high / divisor))
    return Quantity(mid, spread)


def _sum(values: list[Number]) -> Number:
    """The sum, correctly rounded for plain numbers."""
    return sum(values) if any(map(is_array, values)) else math.fsum(values)
