"""Pairs of queries and keys against brute force; positions against lists."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footprint.catalog.models import find_model
from footprint.flops import operation_list
from footprint.flops.blocks.attention import all_pairs, attend, causal_pairs, local_pairs
from footprint.flops.config.patterns import compact, intersect, split
from footprint.flops.operations import Matmul
from footprint.flops.passes.gradients import _before, _first, _within
from footprint.flops.passes.splits import attention_heads
from footprint.flops.torch.depth import repetition
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


@given(length=lengths, window=st.one_of(st.none(), st.integers(1, 80)))
def test_causal_pairs(length: int, window: int | None) -> None:
    reach = length if window is None else window
    allowed = sum(1 for q in range(length) for k in range(length) if q - reach < k <= q)
    within = sum(min(reach, length) for _ in range(length))
    pairs = causal_pairs(length, window)
    assert (pairs.causal, pairs.full) == (allowed, within)
    assert isinstance(pairs.causal, int)


@given(
    documents=st.integers(1, 8), document=st.integers(1, 12), window=st.one_of(st.none(), st.integers(1, 20))
)
def test_packed_documents_see_only_themselves(documents: int, document: int, window: int | None) -> None:
    length = documents * document
    reach = document if window is None else window
    allowed = sum(
        1
        for q in range(length)
        for k in range(length)
        if q - reach < k <= q and q // document == k // document
    )
    pairs = causal_pairs(length, window, document)
    assert pairs.causal == allowed
    assert all_pairs(length, length, document).full == documents * document * document


@given(length=lengths, radius=st.integers(0, 80))
def test_local_pairs(length: int, radius: int) -> None:
    allowed = sum(1 for q in range(length) for k in range(length) if abs(q - k) <= radius)
    assert local_pairs(length, radius).full == allowed


@given(length=lengths, heads=st.integers(1, 6), width=st.integers(1, 9), value=st.integers(1, 9))
def test_the_core_multiplies_every_pair_twice(length: int, heads: int, width: int, value: int) -> None:
    pairs = causal_pairs(length)
    products = [
        o for o in attend(pairs, batch=3, heads=heads, qk_dim=width, v_dim=value) if isinstance(o, Matmul)
    ]
    dense = sum(product.dense_flop for product in products)
    causal = sum(p.dense_flop if p.causal_flop is None else p.causal_flop for p in products)
    assert dense == 2 * 3 * heads * length * length * (width + value)
    assert causal == 3 * heads * length * (length + 1) * (width + value)


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


@given(layers=st.integers(1, 30), chosen=st.sets(st.integers(0, 40)), other=st.sets(st.integers(0, 40)))
def test_layers_are_split_and_intersected_as_sets(layers: int, chosen: set[int], other: set[int]) -> None:
    kept, rest = split(layers, compact(sorted(chosen)))
    assert set(kept) == chosen & set(range(layers))
    assert set(kept) | set(rest) == set(range(layers))
    assert not set(kept) & set(rest)
    assert set(intersect(compact(sorted(chosen)), compact(sorted(other)))) == chosen & other


@given(st.lists(st.integers(0, 2), min_size=1, max_size=24))
def test_the_repetition_of_layer_kinds_explains_all_of_them(kinds: list[int]) -> None:
    prefix, period = repetition(kinds)
    assert all(kinds[i] == kinds[i + period] for i in range(prefix, len(kinds) - period))
    shorter = [
        (p, q) for q in range(1, len(kinds)) for p in range(len(kinds) - q)
        if p + q < prefix + period and all(kinds[i] == kinds[i + q] for i in range(p, len(kinds) - q))
    ]  # fmt: skip
    assert not shorter
