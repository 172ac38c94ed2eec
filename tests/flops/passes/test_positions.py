"""Positions of layers, and the heads that tensor ranks divide."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footprint.catalog.models import find_model
from footprint.flops import operation_list
from footprint.flops.passes.gradients import _before, _first, _within
from footprint.flops.passes.splits import attention_heads
from footprint.schema import Phase, StepShape

lengths = st.integers(1, 60)


@pytest.mark.parametrize(
    ("model", "heads"),
    [
        ("bert-base", 12),
        ("llama2-70b", 64),  # not the 8 of keys and values
        ("gemma3-4b", 8),  # the decoder's, not the 16 of the tower that sees
        ("whisper-small", 12),
        ("resnet-50", 0),
    ],
)
def test_heads_are_those_of_the_largest_part(model: str, heads: int) -> None:
    found = find_model(model)
    phase = found.recipe.phases[0] if found.recipe and found.recipe.phases else Phase(sequence_length=8)
    shape = StepShape(
        sequences=3, sequence_length=phase.sequence_length,
        target_sequence_length=phase.target_sequence_length, image_size=phase.image_size,
    )  # fmt: skip
    assert attention_heads(operation_list(found.config, shape)) == heads


@given(
    start=st.integers(0, 9),
    count=st.integers(1, 12),
    step=st.integers(1, 4),
    low=st.integers(0, 40),
    more=lengths,
)
def test_positions_are_counted_without_listing_them(
    start: int, count: int, step: int, low: int, more: int
) -> None:
    spaced = range(start, start + count * step, step)
    for positions in (spaced, tuple(spaced)):
        assert _before(positions, low) == sum(p < low for p in spaced)
        assert _within(positions, low, low + more) == sum(low <= p < low + more for p in spaced)
        after = [p for p in spaced if p >= low]
        assert _first(positions, low) == (after[0] if after else 2**62)
