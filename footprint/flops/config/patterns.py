"""Positions of the layers of each kind in a stack: windows, experts, state-space layers."""

from __future__ import annotations

from collections.abc import Iterable

from footprint.flops.config.fields import Fields
from footprint.flops.operations import Positions


def compact(positions: Iterable[int]) -> Positions:
    """The positions as a range if they are evenly spaced, so that counting them takes constant time."""
    found = tuple(positions)
    if len(found) < 2:
        return found
    step = found[1] - found[0]
    even = range(found[0], found[-1] + 1, step) if step > 0 else range(0)
    return even if len(even) == len(found) and tuple(even) == found else found


def split(layers: int, chosen: Positions) -> tuple[Positions, Positions]:
    """(chosen, the rest) of the positions 0 .. layers-1."""
    inside = range(layers)
    kept = compact(position for position in chosen if position in inside)
    taken = set(kept)
    return kept, compact(position for position in inside if position not in taken)


def by_type(fields: Fields, layers: int, name: str = "layer_types") -> dict[str, Positions]:
    """Word -> positions, from a list with one word per layer."""
    found: dict[str, list[int]] = {}
    for index, word in enumerate(fields.words(name, length=layers)):
        found.setdefault(word, []).append(index)
    return {word: compact(positions) for word, positions in found.items()}


def full_layers(fields: Fields, layers: int, *, every: int | None = None, offset: int = -1) -> Positions:
    """Positions of the layers with full attention in a stack with sliding windows.

    They are taken from ``layer_types``. Without that key, every ``every``-th layer has full attention,
    starting at position ``offset`` (modulo ``every``). Without ``every``, no layer has full attention.
    """
    if "layer_types" in fields:
        kinds = by_type(fields, layers)
        unknown = set(kinds) - {"full_attention", "sliding_attention"}
        if unknown:
            raise fields.error(
                "layer_types", f"holds {', '.join(sorted(unknown))}, which this model type does not have"
            )
        return kinds.get("full_attention", ())
    return () if every is None else range(offset % every, layers, every)


def intersect(left: Positions, right: Positions) -> Positions:
    """The positions in both."""
    if isinstance(left, range) and isinstance(right, range) and left.step == right.step == 1:
        return range(max(left.start, right.start), max(left.start, right.start, min(left.stop, right.stop)))
    inside = set(right) if not isinstance(right, range) else right
    return compact(position for position in left if position in inside)
