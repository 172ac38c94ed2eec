"""Pairs of queries and keys against brute force."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from footprint.flops.blocks.attention import all_pairs, attend, causal_pairs, local_pairs
from footprint.flops.operations import Matmul

lengths = st.integers(1, 60)


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
