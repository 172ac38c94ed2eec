"""Errors for unknown names, which suggest the nearest known ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from footprint.errors import UnknownNameError

LEAST_LIKENESS, BEGINS_ALIKE = 56.0, 45.0
"""Least likeness (of 100) of a name that is suggested; less where its first two letters are right."""


SHORT, LEAST_SHORT = 3, 0.6
"""Letters of a short name, and the least share of letters that it has in common with a suggested one."""


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
        if (
            len(wanted) <= SHORT
            and wanted not in normalise(one)
            and _ratio(wanted, normalise(one)) < LEAST_SHORT
        ):
            return False  # a few letters are part of many long names
        return scores[one] >= (BEGINS_ALIKE if alike else LEAST_LIKENESS)

    found = sorted(filter(is_like, scores), key=lambda one: -scores[one])
    spelt: dict[str, str] = {}  # a name is suggested in one spelling
    for one in found:
        spelt.setdefault("".join(filter(str.isalnum, normalise(one))), one)
    return list(spelt.values())[:limit]


def _ratio(one: str, other: str) -> float:
    from difflib import SequenceMatcher

    return SequenceMatcher(None, one, other).ratio()


def _likeness() -> Callable[[str, str], float]:
    """A function that gives the likeness of two names, 0 to 100."""
    try:
        from rapidfuzz import fuzz
    except ImportError:  # a browser runs no compiled package
        from difflib import SequenceMatcher

        return lambda one, other: 100.0 * SequenceMatcher(None, one, other).ratio()
    # The likeness of whole names has full weight, that of parts less. Otherwise a short name such as
    # "bert" would rank before "bert-base".
    return lambda one, other: max(fuzz.ratio(one, other), 0.75 * fuzz.WRatio(one, other))


def unknown(
    kind: str, name: str, known: Iterable[str], hint: str = "", *, like: str | None = None
) -> UnknownNameError:
    """The error for an unknown name, with the known names nearest to it, or to the part ``like`` of it."""
    shown = name if len(name) <= 80 else name[:77] + "..."
    return UnknownNameError(kind, shown, nearest(like[:80] if like else shown, known), hint)
