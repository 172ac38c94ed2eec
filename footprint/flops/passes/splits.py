"""What parallel ranks share out whole: attention heads, experts and layers.

Tensor ranks divide the query heads (Shoeybi et al. 2019, arXiv:1909.08053); keys and values of fewer
heads than ranks are replicated. Expert ranks lie among a stage's replicas, contexts and tensor ranks:
they hold no devices of their own.
"""

from __future__ import annotations

import math

from footprint.flops.operations import EXPERTS, Matmul, Model, Number


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


def wrong_experts(model: Model, ranks: int, fitting: int = 0) -> str | None:
    """What to say of expert ranks that do not divide a model's experts, with the sizes that do.

    ``fitting`` leaves only those that divide so many ranks of a stage, too.
    """
    experts = math.gcd(
        *(
            int(operation.weights)
            for stage in model.stages
            for layer in stage
            for operation in layer.operations
            if type(operation) is Matmul and operation.component == EXPERTS and operation.weights > 1
        )
    )
    if ranks == 1 or (experts and experts % ranks == 0):
        return None
    if not experts:
        return "the model has no experts: leave out `ep=`"
    sizes = [size for size in range(1, experts + 1) if experts % size == 0 and fitting % size == 0]
    return (
        f"`ep={ranks}` does not divide the {experts} experts of the model: "
        f"`ep=` {', '.join(map(str, sizes))} {'do' if len(sizes) > 1 else 'does'}"
    )


def no_room(ranks: int, places: int) -> str | None:
    """What to say of expert ranks that do not divide the ranks of a stage, over which they are laid."""
    if places % ranks == 0:
        return None
    if places == 1:
        return (
            f"`ep={ranks}` lies over the ranks that hold a layer (replicas x contexts x tensor ranks), and "
            f"there is one: `dp={ranks}` makes room"
        )
    return (
        f"`ep={ranks}` does not divide the {places} ranks that hold a layer "
        f"(replicas x contexts x tensor ranks): `ep={math.gcd(ranks, places)}` does"
    )


def too_many_stages(model: Model, stages: int) -> str | None:
    """What to say of more pipeline stages than repeated layers."""
    layers = max(1, sum(len(layer.positions) for s in model.stages for layer in s if layer.checkpointed))
    if stages <= layers:
        return None
    sizes = "`pp=1` does" if layers == 1 else f"`pp=` 1 to {layers} do"
    return f"`pp={stages}` is more stages than the {layers} layers of the model: {sizes}"
