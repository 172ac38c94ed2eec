"""Exponential, logarithm and power, rounded to the nearest float: to the last digit the same everywhere.

The C libraries of a PC and of WebAssembly differ in about one result in a thousand by its last bit, because
one computes with fused multiply-adds. Here whole numbers with 128 binary places are added and multiplied,
which every machine does alike. A result would only be rounded wrongly if it lay within 2**-100 of the middle
between two floats.
"""

from __future__ import annotations

import math
from functools import cache, lru_cache

PLACES = 128
ONE = 1 << PLACES
TABLE_PLACES = 8
TERMS = 12
"""Of the exponential's series at most 2**-8: the next is below 2**-130."""
MOST_EXPONENT = 700.0
"""Beyond it a result is near the end of what a float holds, and the C library's."""
SMALL = 2.0**-40
"""Below it two terms of the series suffice, and a float's own arithmetic."""


def _ln2() -> int:
    """The logarithm of 2: twice the area tangent of 1/3."""
    total, power, n = 0, (ONE << 16) * 2 // 3, 1
    while power:
        total += power // n
        power, n = power // 9, n + 2
    return total >> 16


LN2 = _ln2()


@cache
def _exp_of_step(step: int) -> int:
    """The exponential of a 256th times ``step``."""
    total, term, n = 0, ONE << 16, 0
    while term:
        total, n = total + term, n + 1
        term = (term * step >> TABLE_PLACES) // n
    return total >> 16


def _exp_fixed(value: int) -> tuple[int, int]:
    """``(number, power)``: the exponential of a fixed-point number is ``number * 2**power``, both fixed."""
    power, rest = divmod(value, LN2)
    step = rest >> (PLACES - TABLE_PLACES)
    rest -= step << (PLACES - TABLE_PLACES)
    total = ONE
    for n in range(TERMS, 0, -1):
        total = ONE + (total * rest >> PLACES) // n
    return total * _exp_of_step(step) >> PLACES, power


def _log_fixed(number: int, power: int) -> int:
    """The logarithm of ``number * 2**power`` with ``number`` fixed-point from 0.5 to 1."""
    if number < 0xB504F333 << (PLACES - 32):  # from the root of a half to that of 2, so that nothing cancels
        number, power = number << 1, power - 1
    near = int(math.ldexp(math.log(math.ldexp(float(number), -PLACES)), PLACES))
    found, shift = _exp_fixed(near)
    found = found << shift if shift >= 0 else found >> -shift
    rest = ((number - found) << PLACES) // found  # at most some units in the last place of a float
    return near + rest - (rest * rest >> (PLACES + 1)) + power * LN2


def _fixed(value: float) -> int:
    return int(math.ldexp(value, PLACES))


def _float(value: int, power: int = 0) -> float:
    return math.ldexp(float(value), power - PLACES)


def exp(value: float) -> float:
    """The exponential.

    Raises:
        OverflowError: it is more than a float holds.
    """
    if not SMALL < abs(value) < MOST_EXPONENT:
        return 1.0 + value if abs(value) <= SMALL else math.exp(value)
    return _float(*_exp_fixed(_fixed(value)))


def expm1(value: float) -> float:
    """The exponential less one, exact near 0.

    Raises:
        OverflowError: it is more than a float holds.
    """
    if abs(value) <= SMALL:
        return value + value * value / 2.0
    if not abs(value) < MOST_EXPONENT:
        return math.expm1(value)
    number, power = _exp_fixed(_fixed(value))
    return _float((number << power if power >= 0 else number >> -power) - ONE)


def log(value: float) -> float:
    """The natural logarithm.

    Raises:
        ValueError: the value is not above 0.
    """
    if not 0.0 < value < math.inf:
        return math.log(value)
    number, power = math.frexp(value)
    return _float(_log_fixed(_fixed(number), power))


def log1p(value: float) -> float:
    """The natural logarithm of one more than the value, exact near 0.

    Raises:
        ValueError: the value is not above -1.
    """
    if abs(value) <= SMALL:
        return value - value * value / 2.0
    if not -1.0 < value < 1e15:
        return log(1.0 + value) if value > 0 else math.log1p(value)
    whole = ONE + _fixed(value)
    power = whole.bit_length() - PLACES
    return _float(_log_fixed(whole >> power if power >= 0 else whole << -power, power))


@lru_cache(maxsize=4096)
def power(base: float, exponent: float) -> float:
    """A number above 0 raised to any power; of other numbers what Python says.

    Raises:
        OverflowError: it is more than a float holds.
        ZeroDivisionError: 0 to a negative power.
    """
    if exponent in (0.0, 1.0) or not 0.0 < base < math.inf or not abs(exponent) < math.inf:
        return float(base**exponent)
    if exponent == 2.0:
        return base * base
    number, two = math.frexp(base)
    above, below = float(exponent).as_integer_ratio()
    fixed = _log_fixed(_fixed(number), two) * above // below
    if abs(fixed) >= int(MOST_EXPONENT) << PLACES:
        return float(base**exponent)
    return _float(*_exp_fixed(fixed))
