"""Formats numbers for people: two or three significant figures, a suitable unit, the interval."""

from __future__ import annotations

from collections.abc import Iterator

from footprint.plain_text import in_line
from footprint.results import Quantity
from footprint.units import SECONDS_PER_HOUR

# Units as (factor from the base unit, unit); the first one that gives a number of at least 1 is used.
_LADDERS: dict[str, tuple[tuple[float, str], ...]] = {
    "kwh": ((1e6, "GWh"), (1e3, "MWh"), (1.0, "kWh"), (1e-3, "Wh"), (1e-6, "mWh")),
    "kg": ((1e6, "kt"), (1e3, "t"), (1.0, "kg"), (1e-3, "g"), (1e-6, "mg")),
    "h": (
        (24.0 * 365.25, "years"), (24.0, "d"), (1.0, "h"),
        (1 / 60, "min"), (1 / SECONDS_PER_HOUR, "s"), (1e-3 / SECONDS_PER_HOUR, "ms"),
    ),
    "s": ((SECONDS_PER_HOUR, "h"), (60.0, "min"), (1.0, "s"), (1e-3, "ms"), (1e-6, "us")),
    "w": ((1e9, "GW"), (1e6, "MW"), (1e3, "kW"), (1.0, "W")),
    "l": ((1e3, "m3"), (1.0, "l"), (1e-3, "ml")),
    "flop": ((1.0, "FLOP"),),
    "gib": ((1.0, "GiB"), (1 / 1024, "MiB")),
    "accelerator_h": ((1.0, "accelerator-h"),),
    "g_per_kwh": ((1.0, "g/kWh"),),
    "": ((1.0, ""),),
}  # fmt: skip
_SWITCH_TO_DAYS_H = 48.0
IN_ADDRESSES = "/-_"
"""Characters after which a web address that is longer than a line is broken."""


def figures(value: float, significant: int = 3) -> str:
    """A number with some significant figures and thousands separators; exponents from 1e7 on."""
    if value == 0:
        return "0"
    if abs(value) >= 1e7 or abs(value) < 1e-3:
        return f"{value:.{significant - 1}e}".replace("e+", "e").replace("e0", "e").replace("e-0", "e-")
    from math import floor, log10

    rounded = round(value, significant - 1 - floor(log10(abs(value))))
    if abs(rounded) >= 1e7:
        return figures(rounded, significant)
    decimals = significant - 1 - floor(log10(abs(rounded)))  # fewer where it was rounded up to a power of ten
    return f"{rounded:,.{max(decimals, 0)}f}"


def counted(value: float) -> str:
    """A count, exact where it is a whole number below 1e7, otherwise to three figures."""
    if 1 <= value < 1e7:
        return f"{value:,.0f}"
    return figures(value)


def rung(value: float, unit: str) -> tuple[float, str]:
    """Factor and unit in which a value is at least 1 and below the next unit; zero gets the base unit."""
    if value == 0:
        return next(rung for rung in _LADDERS[unit] if rung[0] == 1.0)
    for factor, name in _LADDERS[unit]:
        if unit == "h" and name == "d" and value < _SWITCH_TO_DAYS_H:
            continue
        if value >= factor:
            return factor, name
    return _LADDERS[unit][-1]


def amount(value: float, unit: str, significant: int = 3) -> str:
    """A value with its unit, such as ``1.24 MWh``; ``usd`` becomes ``$1,240``."""
    if unit == "usd":
        return _money(value, significant)
    factor, name = rung(value, unit)
    return f"{figures(value / factor, significant)} {name}".rstrip()


def interval(quantity: Quantity, unit: str) -> str:
    """The 90 % interval in the unit of its median, such as ``0.9 - 1.6 MWh``."""
    least, most = quantity.bounds
    if least == most:
        return "no interval"
    for significant in (2, 3, 4):  # the fewest figures in which the two ends differ
        if unit == "usd":
            low, high = _money(least, significant), _money(most, significant)
            name = ""
        else:
            factor, name = rung(quantity.mid, unit)
            low, high = (figures(end / factor, significant) for end in (least, most))
        if low != high:
            break
    return f"{low} - {high} {name}".rstrip()


def money_rung(value: float) -> tuple[float, str]:
    """Factor and unit in which an amount of USD is at least 1: USD, kUSD, MUSD."""
    if value < 1e4:
        return 1.0, "USD"
    return next(step for step in ((1e9, "GUSD"), (1e6, "MUSD"), (1e3, "kUSD")) if value >= step[0])


def _money(value: float, significant: int) -> str:
    """An amount of USD: $2.48, $3,750, $12.6k, $1.20M."""
    for factor, suffix in ((1e9, "B"), (1e6, "M"), (1e4, "k")):
        if value >= factor:
            return f"${figures(value / (1e3 if suffix == 'k' else factor), significant)}{suffix}"
    return f"${figures(value, significant)}"


def wrapped(text: str, width: int, *, break_after: str = "") -> list[str]:
    """A text broken at spaces into lines of at most ``width``; a longer word gets a line of its own.

    With ``break_after`` a longer word is broken after one of these characters, where there is one.
    The standard library's ``textwrap`` is not used because its import is slow.
    """
    text = in_line(text)
    if len(text) <= width:
        return [text]
    first, *words = [part for word in text.split(" ") for part in _parts(word, width, break_after)]
    lines = [first]
    for word in words:
        if len(lines[-1]) + 1 + len(word) > width:
            lines.append(word)
        else:
            lines[-1] += f" {word}"
    return [line.strip() for line in lines if line.strip()]


def _parts(word: str, width: int, break_after: str) -> Iterator[str]:
    """A word in parts of at most ``width``, each but the last ending in one of these characters."""
    while len(word) > width:
        end = 1 + max((word.rfind(char, 0, width) for char in break_after), default=-1)
        if end == 0:
            break
        yield word[:end]
        word = word[end:]
    yield word


def in_words(name: str) -> str:
    """A word of the data, such as a status or a verdict, as people write it: ``stopped by budget``."""
    return name.replace("_", " ")


def component_name(component: str) -> str:
    """What a component of a node is called in text for people."""
    return {"cpu": "processors", "ram": "memory", "other_node": "rest of node"}.get(component, component)


def folded(text: str, width: int = 80) -> str:
    """Lines of at most ``width``: the rest of a longer line follows below, indented by four more spaces.

    A line that ends in a command of ours is continued as in a shell, so that it can be pasted.
    """
    lines = []
    for line in text.split("\n"):
        indent = " " * (len(line) - len(line.lstrip()) + 4)
        goes_on = " \\" if ": footprint " in line and " --" in line else ""
        while len(line) > width:
            end = width + 1 - len(goes_on)
            break_at = line.rfind(" ", len(indent) + 1, end)
            if break_at < 0:  # it begins with a long word, such as a path
                break_at = line.find(" ", len(indent) + 1)
            command = line[max(line.find(": footprint "), 0) : break_at] if goes_on else ""
            if command.count("'") % 2:  # a path with blanks is quoted, and stays whole
                break_at = line.find(" ", line.find("'", break_at) + 1)
            if break_at < 0:
                break
            lines.append(line[:break_at].rstrip() + goes_on)
            line = indent + line[break_at:].lstrip()
        lines.append(line)
    return "\n".join(lines)
