"""Numbers as people write them: the documented forms, and anything else one can type."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from footprint.errors import FootprintError
from footprint.parsing import (
    Limit,
    parse_amount,
    parse_byte_per_s,
    parse_count,
    parse_duration_h,
    parse_limit,
    parse_price,
    parse_share,
    parse_usd,
)

PARSERS: list[Callable[[str], float]] = [parse_count, parse_duration_h, parse_usd]

# --------------------------------------------------------------------- documented forms


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1", 1), ("1000", 1000), ("137e9", 137e9), ("137E9", 137e9), ("300B", 300e9), ("300b", 300e9),
        ("1.5T", 1.5e12), ("2P", 2e15), ("12k", 12_000), ("12 K", 12_000), ("7M", 7e6), ("1G", 1e9),
        (".5", 0.5), ("5.", 5), ("1_000_000", 1e6), ("  8  ", 8), ("1e-3", 1e-3), ("1.5e3k", 1.5e6),
    ],
)  # fmt: skip
def test_counts(text: str, number: float) -> None:
    assert parse_count(text) == pytest.approx(number, rel=1e-15)


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("79", 79), ("79h", 79), ("79 hours", 79), ("3.3d", 79.2), ("3.3 days", 79.2), ("90min", 1.5),
        ("90m", 1.5), ("30s", 1 / 120), ("1w", 168), ("2 weeks", 336), ("1 hr", 1), ("1 H", 1),
    ],
)  # fmt: skip
def test_durations(text: str, hours: float) -> None:
    assert parse_duration_h(text) == pytest.approx(hours, rel=1e-12)


@pytest.mark.parametrize(
    ("text", "usd"),
    [
        ("2.5", 2.5), ("$2.5", 2.5), ("$10k", 10_000), ("1.2M", 1.2e6), ("500 USD", 500), ("500usd", 500),
        ("USD 100", 100), ("usd2.5", 2.5), ("$2.5 USD", 2.5),
    ],
)  # fmt: skip
def test_money(text: str, usd: float) -> None:
    assert parse_usd(text) == pytest.approx(usd, rel=1e-15)
    assert parse_price(text) == parse_usd(text)


def test_a_price_may_be_nothing() -> None:
    assert parse_price("$0") == 0
    for text in ("-1", "nan", "9e307T", "$", ""):
        with pytest.raises(FootprintError):
            parse_price(text)


@pytest.mark.parametrize(
    ("text", "share"), [("0.4", 0.4), ("40%", 0.4), ("40 %", 0.4), ("0", 0), ("1", 1), ("100%", 1)]
)
def test_shares(text: str, share: float) -> None:
    assert parse_share(text) == pytest.approx(share, rel=1e-15)


@pytest.mark.parametrize("text", ["1.5", "140%", "-0.1", "nan", "inf", "40%%", "0.4k", "", "\u0663"])
def test_what_is_no_share(text: str) -> None:
    with pytest.raises(FootprintError):
        parse_share(text)


@pytest.mark.parametrize("text", ["-1", "nan", "1e999", "\uff11\uff12", "5 g", "", "1,0"])
def test_what_is_no_plain_amount(text: str) -> None:
    assert parse_amount("56.5") == 56.5
    assert parse_amount("0") == 0
    with pytest.raises(FootprintError):
        parse_amount(text)


@pytest.mark.parametrize("text", ["1Gb/s", "1 Gbit/s", "1Gbps", "0.125 GB/s", "125MByte/s"])
def test_bandwidths(text: str) -> None:
    assert parse_byte_per_s(text) == pytest.approx(125e6)


@pytest.mark.parametrize(
    ("text", "quantity", "value"),
    [
        ("2 kWh", "energy_kwh", 2), ("2 MWh", "energy_kwh", 2000), ("2mwh", "energy_kwh", 2000),
        ("1 GWh", "energy_kwh", 1e6), ("500 Wh", "energy_kwh", 0.5), ("10 kgCO2e", "co2e_kg", 10),
        ("1.5tCO2e", "co2e_kg", 1500), ("300 gCO2e", "co2e_kg", 0.3), ("$500", "cost_usd", 500),
        ("10k USD", "cost_usd", 10_000), ("12h", "duration_h", 12), ("2d", "duration_h", 48),
        ("90 min", "duration_h", 1.5), ("USD 100", "cost_usd", 100),
    ],
)  # fmt: skip
def test_limits(text: str, quantity: str, value: float) -> None:
    limit = parse_limit(text)
    assert (limit.quantity, limit.text) == (quantity, text.strip())
    assert limit.value == pytest.approx(value, rel=1e-12)


# ---------------------------------------------------------------------- what is refused


@pytest.mark.parametrize("parse", PARSERS)
@pytest.mark.parametrize(
    "text",
    [
        "", " ", "nan", "NaN", "inf", "-inf", "infinity", "-1", "+1", "0", "0.0", "1e999", "1e400", "0x10",
        "1,000", "1 000", "1..2", "1e", "e9", "1__0", "_1", "1_", "１２", "٣", "1\x00", "1\n2", "ten", "--",
        "%", "1/2", "=1+1", "1e-400", "9" * 400, "$", "1 parsec", "1ſ",
    ],
)  # fmt: skip
def test_everything_else_is_one_clear_error(parse: Callable[[str], float], text: str) -> None:
    with pytest.raises(FootprintError) as caught:
        parse(text)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    "text", ["", "2", "2 kW", "-2 kWh", "0 kWh", "nan kWh", "inf USD", "$", "$-5", "kWh", "1 mWh", "1e999 h"]
)
def test_limits_refused(text: str) -> None:
    with pytest.raises(FootprintError):
        parse_limit(text, "--fail-over")


def test_the_message_names_the_option_and_the_forms() -> None:
    with pytest.raises(FootprintError, match=r"^--tokens: cannot read 'many'; write .*300B"):
        parse_count("many", "--tokens")
    with pytest.raises(FootprintError, match=r"^--hours: must be above 0 and finite, not '0'"):
        parse_duration_h("0", "--hours")


# -------------------------------------------------------------------------- properties

MULTIPLIERS = {"": 1, "k": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}


@given(
    st.integers(1, 10**9),
    st.integers(0, 6),
    st.sampled_from(sorted(MULTIPLIERS)),
    st.sampled_from(["", " ", "  "]),
)
def test_decimals_with_a_suffix_are_exact_to_rounding(
    digits: int, places: int, suffix: str, blank: str
) -> None:
    """Against rational arithmetic."""
    text = f"{digits // 10**places}.{digits % 10**places:0{places}d}" if places else str(digits)
    exact = Fraction(digits, 10**places) * MULTIPLIERS[suffix]
    assert parse_count(f"{text}{blank}{suffix}") == pytest.approx(float(exact), rel=1e-14)


@given(st.floats(min_value=1e-300, max_value=1e300))
def test_what_python_prints_is_read_back(number: float) -> None:
    assert parse_count(repr(number)) == number


@given(st.text(max_size=80))
@example("1" * 64 + "k")
@example("9e307T")
@example("1_0k")
@example("$ $ 5")
def test_any_text_is_a_finite_positive_number_or_a_footprint_error(text: str) -> None:
    for parse in PARSERS:
        try:
            number = parse(text)
        except FootprintError:
            continue
        assert math.isfinite(number)
        assert number > 0
    try:
        limit = parse_limit(text)
    except FootprintError:
        return
    assert isinstance(limit, Limit)
    assert math.isfinite(limit.value)
    assert limit.value > 0


@given(st.text(alphabet="0123456789.eE+-_ $kKmMbBtThdwsCO2g", max_size=20))
def test_what_is_read_begins_with_a_digit_a_point_or_a_dollar(text: str) -> None:
    """No sign, blank or unit in front is taken for a number."""
    for parse in PARSERS:
        try:
            parse(text)
        except FootprintError:
            continue
        assert text.strip()[0] in "0123456789.$"


@given(st.text(min_size=65, alphabet="0123456789"))
def test_long_digits_do_not_take_long(text: str) -> None:
    with pytest.raises(FootprintError):
        parse_count(text)
