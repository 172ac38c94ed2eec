"""Errors for unknown names, which suggest the nearest known ones."""

from __future__ import annotations

from collections.abc import Iterable

from footprint.errors import UnknownNameError

LEAST_LIKENESS, BEGINS_ALIKE = 56.0, 45.0
"""Least likeness (of 100) of a name that is suggested; less where its first two letters are right."""


def normalise(name: str) -> str:
    """A name for comparison: lower case, one kind of dash, no outer spaces."""
    return "-".join(name.strip().lower().replace("_", "-").split())


def nearest(name: str, known: Iterable[str], limit: int = 3) -> list[str]:
    """Up to ``limit`` known names that look like this one, best first."""
    from rapidfuzz import fuzz

    wanted = normalise(name)
    # The likeness of whole names has full weight, that of parts less. Otherwise a short name such as
    # "bert" would rank before "bert-base".
    scores = {
        one: max(fuzz.ratio(wanted, normalise(one)), 0.75 * fuzz.WRatio(wanted, normalise(one)))
        for one in known
    }

    def is_like(one: str) -> bool:
        begin = 1 if len(wanted) < 3 or len(one) < 4 else 2
        alike = normalise(one)[:begin] == wanted[:begin]
        return scores[one] >= (BEGINS_ALIKE if alike else LEAST_LIKENESS)

    return sorted(filter(is_like, scores), key=lambda one: -scores[one])[:limit]


def unknown(kind: str, name: str, known: Iterable[str], hint: str = "") -> UnknownNameError:
    """The error for an unknown name, with the nearest known names."""
    shown = name if len(name) <= 80 else name[:77] + "..."
    return UnknownNameError(kind, shown, nearest(shown, known), hint)
