"""Building blocks that many families share: MLPs, experts, embeddings, vocabulary heads."""

from __future__ import annotations

from footprint.flops.operations import (
    CONVOLUTION,
    EMBEDDING,
    HEAD,
    MLP,
    POINTWISE,
    Layer,
    Matmul,
    Number,
    Operation,
    Pointwise,
    linear,
)


def embedding(
    name: str,
    vocabulary: Number,
    width: Number,
    output: str = "x",
    *,
    tied: bool = False,
    fixed: bool = False,
) -> Pointwise:
    """A look-up table, without FLOPs; ``tied`` means that its parameters are counted elsewhere."""
    return Pointwise._make(
        (name, EMBEDDING, (), output, 0 if tied else vocabulary * width, 0, 0, tied, fixed)
    )


def convolution(
    name: str,
    source: str,
    output: str,
    positions: Number,
    inputs: int,
    outputs: int,
    kernel: int,
    *,
    groups: int = 1,
    bias: bool = False,
    tied: bool = False,
    component: str = CONVOLUTION,
) -> Matmul:
    """A convolution as a matrix product with one row per output position of the batch.

    ``kernel`` is the number of kernel positions over all dimensions.
    """
    return Matmul(
        name=name,
        component=component,
        inputs=(source,),
        output=output,
        m=positions,
        k=inputs // groups * kernel,
        n=outputs // groups,
        count=groups,
        weights=groups,
        bias=outputs if bias else 0,
        tied=tied,
        taps=kernel,
    )


def activation(source: str, output: str, elements: Number, name: str = "activation") -> Pointwise:
    """A pointwise non-linearity, which keeps its input for the backward pass."""
    return Pointwise._make((name, POINTWISE, (source,), output, 0, elements))


def mlp(
    rows: Number,
    width: int,
    inner: int,
    *,
    names: tuple[str, ...] = ("up_proj", "down_proj"),
    source: str = "h2",
    output: str = "x",
    bias: bool = False,
    component: str = MLP,
) -> tuple[Operation, ...]:
    """Two dense layers with an activation between them."""
    up, down = names
    return (
        linear(up, component, source, "u", rows, width, inner, bias=bias),
        activation("u", "g", rows * inner),
        linear(down, component, "g", output, rows, inner, width, bias=bias),
    )


def gated_mlp(
    rows: Number,
    width: int,
    inner: int,
    *,
    names: tuple[str, ...] = ("gate_proj", "up_proj", "down_proj"),
    source: str = "h2",
    output: str = "x",
    bias: bool = False,
    component: str = MLP,
    prefix: str = "",
) -> tuple[Operation, ...]:
    """SwiGLU or GeGLU: down(act(gate(x)) * up(x)); eager code keeps gate, act(gate) and up.

    Two entries in ``names`` mean that gate and up are one fused projection.
    """
    g, u, y = prefix + "g", prefix + "u", prefix + "gu"
    if len(names) == 2:
        fused, down = names
        return (
            linear(prefix + fused, component, source, g, rows, width, 2 * inner, bias=bias),
            Pointwise._make((prefix + "gate", POINTWISE, (g,), y, 0, 3 * rows * inner)),
            linear(prefix + down, component, y, output, rows, inner, width, bias=bias),
        )
    gate, up, down = names
    return (
        linear(prefix + gate, component, source, g, rows, width, inner, bias=bias),
        linear(prefix + up, component, source, u, rows, width, inner, bias=bias),
        Pointwise._make((prefix + "gate", POINTWISE, (g, u), y, 0, 3 * rows * inner)),
        linear(prefix + down, component, y, output, rows, inner, width, bias=bias),
    )  # fmt: skip


def head_layer(*operations: Operation) -> Layer:
    """The layers after the last block, which recomputation does not include."""
    return Layer(part="head", operations=operations, checkpointed=False)


def embedding_layer(*operations: Operation, part: str = "embeddings") -> Layer:
    """The layers before the first block."""
    return Layer(part=part, operations=operations, checkpointed=False)


def vocabulary_head(
    rows: Number,
    width: int,
    vocabulary: int,
    *,
    name: str = "lm_head",
    source: str = "h",
    tied: bool,
    bias: bool = False,
) -> Matmul:
    """The product of hidden states to vocabulary scores; a tied head has the same FLOPs."""
    return linear(name, HEAD, source, "logits", rows, width, vocabulary, bias=bias, tied=tied)


def parameters_only(name: str, parameters: Number, output: str = "x") -> Pointwise:
    """Parameters that are added or scale: they have no FLOPs and keep no activations."""
    return Pointwise(name=name, component=POINTWISE, inputs=(), output=output, parameters=parameters)
