"""Valid splits of attention heads, experts and layers over parallel ranks.

Tensor ranks divide the query heads (Shoeybi et al. 2019, arXiv:1909.08053); keys and values with fewer
heads than ranks are replicated. Expert ranks use the devices of a stage's replicas, context and tensor
ranks; they need no further devices.
"""

from __future__ import annotations

import math

from footprint.flops.operations import EXPERTS, Matmul, Model, Number


def attention_heads(model: Model) -> int:
    """The number of attention heads, which must be a multiple of the tensor ranks; 0 without attention.

    For several parts (images and text) it is that of the largest; a small tower is not split.
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
    """A message on tensor ranks that do not divide a model's heads, with the valid sizes; else None.

    With ``count`` the valid sizes also divide this number of accelerators.
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
    """A message on expert ranks that do not divide a model's experts, with the valid sizes; else None.

    With ``fitting`` the valid sizes also divide this number of ranks of a stage.
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
    """A message on expert ranks that do not divide the ranks of a stage, which hold them; else None."""
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


def too_many_stages(model: Model, stages: int, chunks: int = 1) -> str | None:
    """A message if there are more stages than repeated layers, or more chunks of a stage than its layers."""
    layers = max(
        1, sum(len(layer.positions) for stage in model.stages for layer in stage if layer.checkpointed)
    )
    of_stage = -(-layers // stages)
    if stages <= layers and chunks <= of_stage:
        return None
    if stages <= layers:
        return (
            f"`interleaving={chunks}` is more chunks than the {of_stage} layers of a stage: "
            f"`interleaving=` up to {of_stage} does"
        )
    sizes = "`pp=1` does" if layers == 1 else f"`pp=` 1 to {layers} do"
    return f"`pp={stages}` is more stages than the {layers} layers of the model: {sizes}"
