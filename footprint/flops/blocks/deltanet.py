"""Linear attention by the gated delta rule, in chunks (Yang et al. 2024, arXiv:2412.06464).

Inside a chunk: products of keys with keys and of queries with keys, and a triangular system for the
values and keys that the rule corrects; between chunks: reads of the state and its update. The
elementwise work is not counted, as for softmax; the triangular system is counted as the product with
its inverse, which is what the fused kernels run.
"""

from __future__ import annotations

from footprint.flops.blocks.statespace import Sequences
from footprint.flops.operations import RECURRENCE, Matmul, Number, Operation

CHUNK = 64
SYSTEM = "delta_system"
"""What torch's counter leaves out: it does not know triangular systems."""
STATE = "delta_state"
"""Products with the state, which needs no gradient before the first chunk and after the last."""


def delta_rule(
    data: Sequences, heads: int, key: int, value: int, tensor: str, output: str
) -> tuple[Operation, ...]:
    """The products of ``heads`` states of key x value over the batch; eager code pads the last chunk."""
    whole, rest = divmod(data.length, CHUNK)
    chunks = whole + (1 if rest else 0)
    streams = data.batch * heads
    pairs = whole * CHUNK * CHUNK + rest * rest
    triangle = whole * (CHUNK * (CHUNK + 1) // 2) + rest * (rest + 1) // 2

    def product(
        name: str, inputs: tuple[str, str], result: str, m: int, k: int, n: int, width: int
    ) -> Matmul:
        return Matmul(
            name=name, component=RECURRENCE, inputs=inputs, output=result, m=m, k=k, n=n,
            count=streams * chunks,
            full_flop=2 * streams * pairs * width, causal_flop=2 * streams * triangle * width,
        )  # fmt: skip

    def through(name: str, inputs: tuple[str, str], result: str, m: int, k: int, n: int) -> Matmul:
        flop = 2 * streams * data.length * key * value
        return Matmul(
            name=name, component=RECURRENCE, inputs=inputs, output=result, m=m, k=k, n=n,
            count=streams * chunks, full_flop=flop, causal_flop=flop,
        )  # fmt: skip

    return (
        product("delta_keys", (tensor, tensor), "kk", CHUNK, key, CHUNK, key),
        product("delta_scores", (tensor, tensor), "qk", CHUNK, key, CHUNK, key),
        product(f"{SYSTEM}_values", ("kk", tensor), "nv", CHUNK, CHUNK, value, value),
        product(f"{SYSTEM}_keys", ("kk", tensor), "nk", CHUNK, CHUNK, key, key),
        through(f"{STATE}_corrections", ("nk", "nv"), "cv", CHUNK, key, value),
        through(f"{STATE}_reads", (tensor, "nv"), output, CHUNK, key, value),
        product("delta_outputs", ("qk", "cv"), output, CHUNK, CHUNK, value, value),
        through(f"{STATE}_updates", (tensor, "cv"), "nv", key, CHUNK, value),
    )  # fmt: skip


def unneeded_gradients(operation: Matmul, length: int) -> Number:
    """FLOP of the gradients with respect to the states at the ends, which eager code leaves out [FLOP]."""
    ends = {f"{STATE}_corrections": 1, f"{STATE}_reads": 1, f"{STATE}_updates": 2}.get(operation.name, 0)
    return ends * operation.dense_flop // -(-length // CHUNK)
