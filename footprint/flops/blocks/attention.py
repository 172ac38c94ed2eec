"""Attention: the number of (query, key) pairs, and the two matrix products over them."""

from __future__ import annotations

from footprint.flops.operations import CORE, NORM, PROJECTIONS, Matmul, Number, Operation, Pointwise, linear
from footprint.named_tuples import NamedTuple


class Pairs(NamedTuple):
    """(query, key) pairs of one sequence and one head, counted three ways."""

    queries: Number
    keys: Number
    full: Number
    """Pairs within the window, without a causal mask."""
    causal: Number
    """Pairs within the window that the causal mask keeps."""


def all_pairs(queries: Number, keys: Number, document: Number | None = None) -> Pairs:
    """Every query attends to every key of its document, as in encoders and cross-attention."""
    seen = queries * (keys if document is None else min(document, keys))
    return Pairs(queries=queries, keys=keys, full=seen, causal=seen)


def causal_pairs(length: Number, window: Number | None = None, document: Number | None = None) -> Pairs:
    """Every token attends to itself and to earlier tokens within its window and its document.

    A window of w keys includes the query's own key. ``document`` is the mean length of packed documents
    (or of the chunks of chunked attention); attention does not cross their borders.
    """
    reach = length if document is None else min(document, length)
    seen = reach if window is None else min(window, reach)
    triangle = _half(seen * (seen + 1)) + (reach - seen) * seen
    causal = triangle if reach == length else triangle * length / reach
    return Pairs(queries=length, keys=length, full=length * seen, causal=_whole(causal))


def local_pairs(length: Number, radius: Number) -> Pairs:
    """Every token attends to itself and to up to ``radius`` tokens on either side."""
    near = min(radius, length - 1)
    seen = length * (2 * near + 1) - near * (near + 1)
    return Pairs(queries=length, keys=length, full=seen, causal=seen)


def _half(even: Number) -> Number:
    return even // 2 if isinstance(even, int) else even / 2


def _whole(value: Number) -> Number:
    return int(value) if isinstance(value, float) and value.is_integer() and value < 2**53 else value


def attend(
    pairs: Pairs,
    *,
    batch: Number,
    heads: int,
    qk_dim: int,
    v_dim: int | None = None,
    kv_heads: int | None = None,
    query: str = "q",
    key: str = "k",
    value: str = "v",
    output: str = "a",
    prefix: str = "",
    dropout: bool = False,
    latent: bool = False,
) -> tuple[Operation, ...]:
    """The attention core: scores = Q K^T, softmax, output = P V, for ``batch`` sequences.

    Grouped-query attention repeats K and V for every query head, so the FLOPs are those of ``heads`` heads.
    """
    v_dim = qk_dim if v_dim is None else v_dim
    queries, keys = pairs.queries, pairs.keys
    dense = queries * keys
    count = batch * heads
    groups = 1 if kv_heads is None else heads // kv_heads
    qk_full = qk_causal = v_full = v_causal = None
    if pairs.causal != dense or pairs.full != dense:
        full, causal = 2 * count * pairs.full, 2 * count * pairs.causal
        qk_full, qk_causal, v_full, v_causal = full * qk_dim, causal * qk_dim, full * v_dim, causal * v_dim
    s, p = prefix + "s", prefix + "p"
    kept = count * dense if dropout else 0
    return (  # by position, as in `linear`
        Matmul._make(
            (prefix + "scores", CORE, (query, key), s, queries, qk_dim, keys, count,
             0, 0, False, None, qk_full, qk_causal, True, groups, 1, heads, latent)
        ),
        Pointwise._make((prefix + "softmax", CORE, (s,), p, 0, kept, kept)),
        Matmul._make(
            (prefix + "values", CORE, (p, value), output, queries, keys, v_dim, count,
             0, 0, False, None, v_full, v_causal, False, groups, 1, 0, latent)
        ),
    )  # fmt: skip


def self_attention(
    pairs: Pairs,
    rows: Number,
    width: int,
    *,
    batch: Number,
    heads: int,
    head_dim: int,
    kv_heads: int | None = None,
    names: tuple[str, ...] = ("q_proj", "k_proj", "v_proj", "o_proj"),
    bias: bool = False,
    out_bias: bool = False,
    key_bias: bool = True,
    qk_norm: Number = 0,
    source: str = "h",
    output: str = "x",
    dropout: bool = False,
) -> tuple[Operation, ...]:
    """Projections, core and output projection of multi-, grouped- or one-query attention.

    Two entries in ``names`` mean one fused projection for queries, keys and values. ``qk_norm`` is the
    number of parameters of the norms on queries and keys.
    """
    kv_heads = heads if kv_heads is None else kv_heads
    queries, others = heads * head_dim, kv_heads * head_dim
    operations: list[Operation]
    if len(names) == 2:
        operations = [
            linear(names[0], PROJECTIONS, source, "qkv", rows, width, queries + 2 * others, bias=bias)
        ]
        q = k = v = "qkv"
    else:
        q, k, v = "q", "k", "v"
        operations = [
            linear(names[0], PROJECTIONS, source, q, rows, width, queries, bias=bias),
            linear(names[1], PROJECTIONS, source, k, rows, width, others, bias=bias and key_bias),
            linear(names[2], PROJECTIONS, source, v, rows, width, others, bias=bias),
        ]
    if qk_norm:
        operations.append(
            Pointwise(
                name="qk_norm",
                component=NORM,
                inputs=(q, k),
                output="qk",
                parameters=qk_norm,
                saved=rows * (queries + others),
            )
        )
        q = k = "qk"
    operations += attend(
        pairs, batch=batch, heads=heads, qk_dim=head_dim, kv_heads=kv_heads,
        query=q, key=k, value=v, dropout=dropout,
    )  # fmt: skip
    operations.append(linear(names[-1], PROJECTIONS, "a", output, rows, queries, width, bias=out_bias))
    return tuple(operations)


def cross_attention(
    pairs: Pairs,
    rows: Number,
    memory_rows: Number,
    width: int,
    memory_width: int,
    *,
    batch: Number,
    heads: int,
    head_dim: int,
    kv_heads: int | None = None,
    names: tuple[str, ...] = ("q_proj", "k_proj", "v_proj", "o_proj"),
    bias: bool = False,
    out_bias: bool = False,
    key_bias: bool = True,
    source: str = "hc",
    memory: str = "memory",
    output: str = "x",
    dropout: bool = False,
) -> tuple[Operation, ...]:
    """Attention of one sequence to another; each memory token is projected to a key and a value once."""
    kv_heads = heads if kv_heads is None else kv_heads
    queries, others = heads * head_dim, kv_heads * head_dim
    return (
        linear(names[0], PROJECTIONS, source, "cq", rows, width, queries, bias=bias),
        linear(
            names[1], PROJECTIONS, memory, "ck", memory_rows, memory_width, others, bias=bias and key_bias
        ),
        linear(names[2], PROJECTIONS, memory, "cv", memory_rows, memory_width, others, bias=bias),
        *attend(
            pairs,
            batch=batch,
            heads=heads,
            qk_dim=head_dim,
            kv_heads=kv_heads,
            query="cq",
            key="ck",
            value="cv",
            output="ca",
            prefix="cross_",
            dropout=dropout,
        ),
        linear(names[3], PROJECTIONS, "ca", output, rows, queries, width, bias=out_bias),
    )
