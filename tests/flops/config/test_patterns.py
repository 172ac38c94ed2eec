"""Kinds of layers by position, as sets."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from footprint.flops.config.patterns import compact, intersect, split

lengths = st.integers(1, 60)


@given(layers=st.integers(1, 30), chosen=st.sets(st.integers(0, 40)), other=st.sets(st.integers(0, 40)))
def test_layers_are_split_and_intersected_as_sets(layers: int, chosen: set[int], other: set[int]) -> None:
    kept, rest = split(layers, compact(sorted(chosen)))
    assert set(kept) == chosen & set(range(layers))
    assert set(kept) | set(rest) == set(range(layers))
    assert not set(kept) & set(rest)
    assert set(intersect(compact(sorted(chosen)), compact(sorted(other)))) == chosen & other
