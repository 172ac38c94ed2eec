"""Numbers as people write them: ``300B``, ``3.3d``, ``$10k``, ``2 MWh``.

Every function returns the number in one base unit and raises FootprintError with the
forms it takes. No ``float("nan")``, no infinity, no hexadecimal, no thousands separators
other than ``_``.
"""

from __future__ import annotations

import math
import re

from footprint.errors import FootprintError
from footprint.records import value
from footprint.units import FLOP_PER_PF_DAY, HOURS_PER_DAY, KG_PER_T, SECONDS_PER_HOUR

_NUMBER = r"([0-9]+(?:_[0-9]+)*(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?|\.[0-9]+(?:[eE][+-]?[0-9]+)?)"
_MULTIPLIERS = {"": 1.0, "k": 1e3, "m": 1e6, "b": 1e9, "g": 1e9, "t": 1e12, "p": 1e15}
_HOURS = {
    "": 1.0, "h": 1.0, "hour": 1.0, "hours": 1.0, "hr": 1.0,
    "d": HOURS_PER_DAY, "day": HOURS_PER_DAY, "days": HOURS_PER_DAY,
    "w": 7 * HOURS_PER_DAY, "week": 7 * HOURS_PER_DAY, "weeks": 7 * HOURS_PER_DAY,
    "m": 1 / 60, "min": 1 / 60, "minutes": 1 / 60, "s": 1 / SECONDS_PER_HOUR,
}  # fmt: skip
_FLOP = {
    "flop": 1.0, "flops": 1.0, "kflop": 1e3, "mflop": 1e6, "gflop": 1e9, "tflop": 1e12, "pflop": 1e15,
    "eflop": 1e18, "zflop": 1e21, "yflop": 1e24,
    "pf-day": FLOP_PER_PF_DAY, "pf-days": FLOP_PER_PF_DAY,
}  # fmt: skip
_LIMIT_UNITS: dict[str, tuple[str, float]] = {
    "wh": ("energy_kwh", 1e-3), "kwh": ("energy_kwh", 1.0),
    "mwh": ("energy_kwh", 1e3), "gwh": ("energy_kwh", 1e6),
    "gco2e": ("co2e_kg", 1e-3), "kgco2e": ("co2e_kg", 1.0), "tco2e": ("co2e_kg", KG_PER_T),
    "usd": ("cost_usd", 1.0), "s": ("duration_h", 1 / SECONDS_PER_HOUR), "min": ("duration_h", 1 / 60),
    "h": ("duration_h", 1.0),
    "d": ("duration_h", HOURS_PER_DAY),
}  # fmt: skip


def _split(text: str, what: str, forms: str) -> tuple[float, str]:
    """Number and unit of a text; the number is finite and not negative."""
    match = re.fullmatch(_NUMBER + r"\s*([A-Za-z$0-9]*)", text.strip(), re.ASCII) if len(text) <= 64 else None
    if match is None:
        raise FootprintError(f"{what}: cannot read {text[:64]!r}; write {_without_marks(text)}{forms}")
    number = float(match.group(1).replace("_", ""))
    if not math.isfinite(number):
        raise FootprintError(f"{what}: {text!r} is too large")
    return number, match.group(2)


def _without_marks(text: str) -> str:
    """What to write for a number with marks of thousands or the sign of another currency."""
    if re.fullmatch(r"\d{1,3}(,\d{3})+\s*\w*", text.strip(), re.ASCII):
        return f"it without commas, {text.strip().replace(',', '')}: "
    if re.search("[€£¥₩₹]", text):
        return "the amount in USD: "
    return ""


def _positive(value: float, text: str, what: str) -> float:
    if not (math.isfinite(value) and value > 0):
        raise FootprintError(f"{what}: must be above 0 and finite, not {text!r}")
    return value


def parse_count(text: str, what: str = "count") -> float:
    """A count such as ``137e9``, ``300B`` or ``1.5T`` [pure number]."""
    forms = "a number above 0 such as 1000, 137e9, 300B or 1.5T"
    number, suffix = _split(text, what, forms)
    if suffix.lower() not in _MULTIPLIERS:
        raise FootprintError(f"{what}: cannot read {text!r}; write {forms}")
    return _positive(number * _MULTIPLIERS[suffix.lower()], text, what)


def parse_share(text: str, what: str = "share") -> float:
    """A share from 0 to 1 such as ``0.4`` or ``40%`` [1]."""
    forms = "a share from 0 to 1 such as 0.4, or per cent such as 40%"
    bare = text.strip()
    number, unit = _split(bare.removesuffix("%"), what, forms)
    share = number / 100 if bare.endswith("%") else number
    if unit or share > 1:
        raise FootprintError(f"{what}: cannot take {text[:64]!r}; write {forms}")
    return share


def parse_amount(text: str, what: str = "amount") -> float:
    """A plain number that may be 0, such as ``56`` or ``0.5`` [the option's own unit]."""
    forms = "a number of at least 0, such as 56 or 0.5"
    number, unit = _split(text, what, forms)
    if unit:
        raise FootprintError(f"{what}: cannot read {text[:64]!r}; write {forms}")
    return number


def parse_duration_h(text: str, what: str = "duration") -> float:
    """A duration such as ``79``, ``79h``, ``3.3d`` or ``90min`` [h]."""
    forms = "hours, or a number with s, min, h, d or w, such as 79h or 3.3d"
    number, unit = _split(text, what, forms)
    if unit.lower() not in _HOURS:
        raise FootprintError(f"{what}: cannot read {text!r}; write {forms}")
    return _positive(number * _HOURS[unit.lower()], text, what)


def parse_usd(text: str, what: str = "amount") -> float:
    """An amount of money above 0 such as ``2.5``, ``$10k`` or ``1.2M`` [USD]."""
    return _positive(parse_price(text, what), text, what)


def parse_price(text: str, what: str = "price") -> float:
    """A price, which may be 0, such as ``2.5`` or ``$10k`` [USD]."""
    forms = "an amount in USD such as 2.5, $10k or 1.2M"
    bare = re.sub(r"^\s*(?:\$|usd)", "", text[:80], flags=re.IGNORECASE)
    bare = re.sub(r"usd\s*$", "", bare, flags=re.IGNORECASE).strip()
    number, suffix = _split(bare or "?", what, forms)
    if suffix.lower() not in _MULTIPLIERS:
        raise FootprintError(f"{what}: cannot read {text[:64]!r}; write {forms}")
    usd = number * _MULTIPLIERS[suffix.lower()]
    if not math.isfinite(usd):
        raise FootprintError(f"{what}: {text!r} is too large")
    return usd


def parse_byte_per_s(text: str, what: str = "bandwidth") -> float:
    """A bandwidth such as ``400Gb/s`` (bits) or ``50GB/s`` (bytes) [byte/s]; the unit must be said."""
    forms = "a number with its unit, such as 400Gb/s (bits) or 50GB/s (bytes)"
    number, unit = _split(text.strip().removesuffix("/s").removesuffix("ps"), what, forms)
    unit = unit.replace("bit", "b").replace("Byte", "B").replace("byte", "B")
    prefix, kind = unit[:-1].lower(), unit[-1:]
    if kind not in ("b", "B") or prefix not in ("", "k", "m", "g", "t"):
        raise FootprintError(f"{what}: cannot read {text[:64]!r}; write {forms}")
    return _positive(number * _MULTIPLIERS[prefix] / (8 if kind == "b" else 1), text, what)


@value
class Limit:
    """A limit on one quantity of an estimate or a run, in the quantity's own unit."""

    quantity: str
    """``energy_kwh`` (facility), ``co2e_kg``, ``cost_usd`` or ``duration_h``."""
    value: float
    text: str


def parse_month(text: str, what: str = "date") -> float:
    """The middle of a month or a year, such as ``2026-02`` or ``2026`` [years].

    Raises
    ------
    FootprintError
        For any other text.
    """
    found = re.fullmatch(r"(20\d\d)(?:-(0[1-9]|1[0-2]))?", text.strip())
    if found is None:
        raise FootprintError(f"{what}: cannot read {text!r} as a month from 2000 on; write it like '2026-02'")
    year, month = found.groups()
    return int(year) + (0.5 if month is None else (int(month) - 0.5) / 12)


def parse_limit(text: str, what: str = "limit") -> Limit:
    """A limit such as ``2 kWh``, ``10 kgCO2e``, ``$50``, ``3h`` or ``2d``."""
    forms = (
        "a number with Wh, kWh, MWh or GWh, gCO2e, kgCO2e or tCO2e, USD or $, s, min, h or d, "
        "such as '10 kgCO2e' or '$500'"
    )
    bare = text.strip()
    if bare.startswith("$") or bare.lower().endswith("usd") or bare.lower().startswith("usd"):
        try:
            return Limit("cost_usd", parse_usd(bare, what), bare)
        except FootprintError:
            raise FootprintError(f"{what}: cannot read {text[:64]!r}; write {forms}") from None
    number, unit = _split(bare, what, forms)
    if unit.lower() not in _LIMIT_UNITS or unit.startswith("mW"):  # a milliwatt-hour is not meant
        raise FootprintError(f"{what}: cannot read {text!r}; write {forms}")
    quantity, factor = _LIMIT_UNITS[unit.lower()]
    return Limit(quantity, _positive(number * factor, text, what), bare)


def parse_budget(text: str, what: str = "budget") -> Limit:
    """A limit, or FLOP such as ``1e22FLOP``, ``100 EFLOP``, ``3640 PF-days`` (quantity ``flop``)."""
    bare = text.strip()
    found = re.fullmatch(rf"{_NUMBER}\s*([A-Za-z-]+)", bare, re.ASCII) if len(bare) <= 64 else None
    if found is not None and found.group(2).lower() in _FLOP:
        number = float(found.group(1).replace("_", "")) * _FLOP[found.group(2).lower()]
        return Limit("flop", _positive(number, text, what), bare)
    try:
        return parse_limit(bare, what)
    except FootprintError as error:
        raise FootprintError(
            str(error).replace("a number with Wh", "a number with FLOP or PF-days, Wh", 1)
        ) from None
