"""Near matches: an unknown name is an error that says what was probably meant."""

from __future__ import annotations

from collections.abc import Iterable

from footprint.errors import UnknownNameError


def normalise(name: str) -> str:
    """A name as the catalogues compare it: lower case, one kind of dash, no outer blanks."""
    return "-".join(name.strip().lower().replace("_", "-").split())


def nearest(name: str, known: Iterable[str], limit: int = 3) -> list[str]:
    """Up to ``limit`` known names that look like this one, best first."""
    from rapidfuzz import fuzz, process

    found = process.extract(normalise(name), list(known), scorer=fuzz.WRatio, limit=limit, score_cutoff=55)
    return [match for match, _, _ in found]


def unknown(kind: str, name: str, known: Iterable[str], hint: str = "") -> UnknownNameError:
    """The error for a name that no catalogue holds."""
    shown = name if len(name) <= 80 else name[:77] + "..."
    return UnknownNameError(kind, shown, nearest(shown, known), hint)
