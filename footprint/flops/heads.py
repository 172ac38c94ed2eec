"""Attention heads, which tensor parallelism shares out whole (Shoeybi et al. 2019, arXiv:1909.08053).

Keys and values of fewer heads than ranks are replicated, so only the query heads count.
"""

from __future__ import annotations

import math

from footprint.flops.operations import Matmul, Model, Number


def attention_heads(model: Model) -> int:
    """The number that tensor ranks must divide: the heads of all blocks; 0 without attention.

    Of several parts (images beside text) those of the largest: a small tower is not split.
    """
    heads: dict[str, int] = {}
    sizes: dict[str, Number] = {}
    for stage in model.stages:
        for layer in stage:
            for operation in layer.operations:
                if type(operation) is Matmul and operation.heads:
                    heads[layer.part] = math.gcd(heads.get(layer.part, 0), operation.heads)
                size = len(layer.positions) * operation.parameters
                sizes[layer.part] = sizes.get(layer.part, 0) + size
    return heads[max(heads, key=lambda part: sizes[part])] if heads else 0


def undivided(model: Model, ranks: int, count: int = 0) -> str | None:
    """What to say of tensor ranks that do not divide a model's heads, with the sizes that do.

    ``count`` leaves only those that divide so many accelerators, too.
    """
    heads = attention_heads(model)
    if heads % ranks == 0:
        return None
    sizes = [size for size in range(1, heads + 1) if heads % size == 0 and count % size == 0]
    return (
        f"`tp={ranks}` does not divide the {heads} attention heads of the model: "
        f"`tp=` {', '.join(map(str, sizes))} {'do' if len(sizes) > 1 else 'does'}"
    )
