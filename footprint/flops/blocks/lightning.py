"""Lightning attention: linear attention with a decay, block by block (Qin et al. 2024, arXiv:2405.17381).

Inside a block, queries meet keys as in attention; a state of keys x values carries the earlier blocks.
The last block may be shorter, and has products of its own.
"""

from __future__ import annotations

from footprint.flops.blocks.statespace import Sequences
from footprint.flops.operations import RECURRENCE, Matmul, Number, Operation

READS, UPDATES = "lightning_reads", "lightning_updates"


def lightning(
    data: Sequences, heads: int, head_dim: int, block: int, source: str, output: str
) -> tuple[Operation, ...]:
    """The products of ``heads`` heads over the batch, in blocks of ``block`` tokens."""
    whole, rest = divmod(data.length, block)
    streams = data.batch * heads
    operations: list[Operation] = []
    if whole:
        operations += _block(streams * whole, block, head_dim, source, output, "")
    if rest:
        operations += _block(streams, rest, head_dim, source, output, "_rest")
    # The state comes from earlier tokens: its updates stand first, so that its reads need their gradients.
    return tuple(sorted(operations, key=lambda one: not one.name.startswith(UPDATES)))


def _block(
    count: Number, size: int, head_dim: int, source: str, output: str, tail: str
) -> tuple[Operation, ...]:
    """The products of ``count`` blocks of ``size`` tokens."""
    triangle = count * size * (size + 1) * head_dim

    def product(name: str, inputs: tuple[str, str], result: str, m: int, k: int, n: int) -> Matmul:
        pairs = name in ("lightning_scores", "lightning_outputs")
        return Matmul(
            name=name + tail, component=RECURRENCE, inputs=inputs, output=result, m=m, k=k, n=n, count=count,
            full_flop=2 * count * m * k * n if pairs else None, causal_flop=triangle if pairs else None,
            # One kernel reads queries, keys and values and writes results; the rest stays on the chip.
            traffic=2 * count * size * head_dim if pairs else 0,
        )  # fmt: skip

    return (
        product("lightning_scores", (source, source), "qk", size, head_dim, size),
        product("lightning_outputs", ("qk", source), output, size, size, head_dim),
        product(READS, (source, "state"), output, size, head_dim, head_dim),
        product(UPDATES, (source, source), "state", head_dim, size, head_dim),
    )


def unneeded_gradients(operation: Matmul, length: int) -> Number:
    """FLOP of the gradients of the state before the first block and after the last [FLOP].

    Eager code leaves them out: one of the first block's read, both of the last block's update.
    """
    name = operation.name
    if name in (READS, UPDATES):
        whole, rest = divmod(length, operation.m if name == READS else operation.k)
        if name == UPDATES and rest:
            return 0  # the last block is the shorter one
        return (1 if name == READS else 2) * operation.dense_flop // whole
    if name == f"{READS}_rest":
        return operation.dense_flop if operation.m == length else 0
    return 2 * operation.dense_flop if name == f"{UPDATES}_rest" else 0
