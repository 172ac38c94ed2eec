"""How layer kinds repeat."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from footprint.flops.torch.depth import repetition

lengths = st.integers(1, 60)


@given(st.lists(st.integers(0, 2), min_size=1, max_size=24))
def test_the_repetition_of_layer_kinds_explains_all_of_them(kinds: list[int]) -> None:
    prefix, period = repetition(kinds)
    assert all(kinds[i] == kinds[i + period] for i in range(prefix, len(kinds) - period))
    shorter = [
        (p, q) for q in range(1, len(kinds)) for p in range(len(kinds) - q)
        if p + q < prefix + period and all(kinds[i] == kinds[i + q] for i in range(p, len(kinds) - q))
    ]  # fmt: skip
    assert not shorter
