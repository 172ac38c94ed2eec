"""Errors for unknown names, which suggest the nearest known ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from footprint.errors import UnknownNameError

LEAST_LIKENESS, BEGINS_ALIKE = 56.0, 45.0
"""Least likeness (of 100) of a name that is suggested; less where its first two letters are right."""
SHORT, LEAST_SHORT = 3, 60.0
"""Letters of a short name, and the least likeness of a whole name to it."""


def normalise(name: str) -> str:
    """A name for comparison: lower case, one kind of dash, no outer spaces."""
    return "-".join(name.strip().lower().replace("_", "-").split())


def nearest(name: str, known: Iterable[str], limit: int = 3) -> list[str]:
    """Up to ``limit`` known names that look like this one, best first."""
    wanted = normalise(name)
    likeness = _likeness()
    scores = {one: likeness(wanted, normalise(one)) for one in known}

    def is_like(one: str) -> bool:
        begin = 1 if len(wanted) < 3 or len(one) < 4 else 2
        alike = normalise(one)[:begin] == wanted[:begin]
        return scores[one] >= (BEGINS_ALIKE if alike else LEAST_LIKENESS)

    found = sorted(filter(is_like, scores), key=lambda one: -scores[one])
    spelt: dict[str, str] = {}  # a name is suggested in one spelling
    for one in found:
        spelt.setdefault("".join(filter(str.isalnum, normalise(one))), one)
    return list(spelt.values())[:limit]


def _likeness() -> Callable[[str, str], float]:
    """A function that gives the likeness of two names, 0 to 100."""
    try:
        from rapidfuzz import fuzz
    except ImportError:  # a browser runs no compiled package
        from difflib import SequenceMatcher

        return lambda one, other: 100.0 * SequenceMatcher(None, one, other).ratio()

    def likeness(one: str, other: str) -> float:
        """Of whole names with full weight, of parts with less: "bert" shall not rank before "bert-base"."""
        whole = fuzz.ratio(one, other)
        if len(one) <= SHORT and one not in other:  # a few letters are like parts of many long names
            return whole if whole >= LEAST_SHORT else 0.0
        return max(whole, 0.75 * fuzz.WRatio(one, other))

    return likeness


def unknown(
    kind: str, name: str, known: Iterable[str], hint: str = "", *, like: str | None = None
) -> UnknownNameError:
    """The error for an unknown name, with the known names nearest to it, or to the part ``like`` of it."""
    shown = name if len(name) <= 80 else name[:77] + "..."
    return UnknownNameError(kind, shown, nearest(like[:80] if like else shown, known), hint)
