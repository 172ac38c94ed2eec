"""Elementary functions of floats or of numpy arrays, so that each formula is written once.

An operator takes both as it is. These functions choose by their argument: plain numbers take
functions that give the same on every machine, and numpy is imported only where an array came in.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, TypeVar

from footprint import exact_functions

Number = Any
"""A float, an int, or a numpy array of them."""
_Summand = TypeVar("_Summand")

Z90 = 1.6448536269514722
"""Standard deviations from the median of a normal distribution to its 95th percentile: half of 90 %."""

_PLAIN = (float, int, bool)


def is_array(value: Number) -> bool:
    """Whether a value is an array: of one dimension or more."""
    return type(value) not in _PLAIN and getattr(value, "ndim", 0) > 0


def minimum(one: Number, other: Number) -> Number:
    """The lesser of two numbers, element by element."""
    if type(one) in _PLAIN and type(other) in _PLAIN:
        return one if one <= other else other
    if is_array(one) or is_array(other):
        import numpy

        return numpy.minimum(one, other)
    return one if one <= other else other


def maximum(one: Number, other: Number) -> Number:
    """The greater of two numbers, element by element."""
    if type(one) in _PLAIN and type(other) in _PLAIN:
        return one if one >= other else other
    if is_array(one) or is_array(other):
        import numpy

        return numpy.maximum(one, other)
    return one if one >= other else other


def where(condition: Any, true: Number, false: Number) -> Number:
    """One number where a condition holds, the other where it does not; both are computed."""
    if type(condition) is bool:
        return true if condition else false
    if is_array(condition):
        import numpy

        return numpy.where(condition, true, false)
    return true if condition else false


def whole_ratio(one: Number, other: Number) -> Number:
    """How often one whole number goes into another, rounded down; ``//``, but faster for arrays."""
    if is_array(one) or is_array(other):
        import numpy

        return numpy.floor(one / other)
    return one // other


def exp(value: Number) -> Number:
    """The exponential."""
    if is_array(value):
        import numpy

        return numpy.exp(value)
    return exact_functions.exp(value)


def expm1(value: Number) -> Number:
    """The exponential less one, exact near 0."""
    if is_array(value):
        import numpy

        return numpy.expm1(value)
    return exact_functions.expm1(value)


def log(value: Number) -> Number:
    """The natural logarithm."""
    if is_array(value):
        import numpy

        return numpy.log(value)
    return exact_functions.log(value)


def log1p(value: Number) -> Number:
    """The natural logarithm of one more than the value, exact near 0."""
    if is_array(value):
        import numpy

        return numpy.log1p(value)
    return exact_functions.log1p(value)


def power(base: Number, exponent: Number) -> Number:
    """A number above 0, raised to a power."""
    if is_array(base) or is_array(exponent):
        return base**exponent
    return exact_functions.power(float(base), float(exponent))


def log2(value: Number) -> Number:
    """The logarithm to base 2."""
    if is_array(value):
        import numpy

        return numpy.log2(value)
    return math.log2(value)


def sqrt(value: Number) -> Number:
    """The square root."""
    if is_array(value):
        import numpy

        return numpy.sqrt(value)
    return math.sqrt(value)


def hypot(*values: float) -> float:
    """The root of the sum of squares of plain numbers, which Python's own rounds by its version."""
    return math.sqrt(summed(value * value for value in values))


def summed(values: Iterable[_Summand]) -> _Summand:
    """The sum, from left to right: Python's own `sum` of floats rounds otherwise since 3.12."""
    total: Any = 0
    for value in values:
        total = total + value
    return total  # type: ignore[no-any-return]


def weighted_quantile(pairs: Iterable[tuple[float, float]], share: float) -> float:
    """The smallest value at which at least this share of the weight is reached, from (value, weight)."""
    ordered = sorted(pairs)
    goal = share * math.fsum(weight for _, weight in ordered)
    reached = 0.0
    for value, weight in ordered:
        reached += weight
        if reached >= goal:
            return value
    return ordered[-1][0]


def add_square(total: Number, value: Number) -> Number:
    """The total with the square of a value added; an array that this function made is added to in place."""
    square = value * value
    if is_array(total) and total.shape == getattr(square, "shape", ()):
        total += square
        return total
    return total + square
