"""Diffusion transformers (DiT, Peebles & Xie 2023, arXiv:2212.09748) over latent patches.

Keys: ``hidden_size`` (or ``num_attention_heads`` x ``attention_head_dim``), ``num_hidden_layers``
(or ``num_layers``), ``patch_size``, ``in_channels``, ``sample_size`` (side of the latent),
``num_classes``, ``mlp_ratio``, ``learn_sigma``. One sample is one noised latent at one time step. The
autoencoder and the text encoder are not part of the training step. Configs of the diffusers library are
also accepted. That library embeds the time step in every block (0.04 % more FLOPs); here it is counted
once, as in the paper.
"""

from __future__ import annotations

from footprint.flops.blocks.attention import all_pairs, self_attention
from footprint.flops.blocks.pieces import (
    activation,
    convolution,
    embedding,
    embedding_layer,
    head_layer,
    mlp,
    parameters_only,
)
from footprint.flops.blocks.vision import grid
from footprint.flops.config.fields import Fields
from footprint.flops.config.shapes import unknown_objective
from footprint.flops.operations import EMBEDDING, HEAD, NORM, Layer, Model, Operation, Pointwise, linear
from footprint.schema import StepShape

MODEL_TYPES = ("dit",)
_FREQUENCIES = 256
_LATENT_REDUCTION = 8
"""Image side over latent side of the usual autoencoder [1]."""


def build(fields: Fields, shape: StepShape, objective: str) -> Model:
    """The operation list of a training step: one denoising step of every sample."""
    if objective not in ("", "diffusion"):
        raise unknown_objective(objective, ("diffusion",))
    if fields.text("norm_type", default="ada_norm_zero") != "ada_norm_zero":
        raise fields.error("norm_type", "must be ada_norm_zero: other diffusion transformers are not counted")
    if "cross_attention_dim" in fields:
        raise fields.error("cross_attention_dim", "must be null: text-conditioned blocks are not counted")
    heads = fields.size("num_attention_heads")
    if "attention_head_dim" in fields:
        head_dim = fields.size("attention_head_dim")
        width = heads * head_dim
    else:
        width = fields.size("hidden_size")
        head_dim = fields.divide(width, heads, "hidden_size", "num_attention_heads")
    side = fields.size("sample_size", "input_size")
    if shape.image_size is not None:
        side = fields.divide(shape.image_size, _LATENT_REDUCTION, "image_size", "the latent's reduction")
    patch = fields.size("patch_size", default=2)
    channels = fields.size("in_channels", default=4)
    outputs = fields.size(
        "out_channels", default=channels * (2 if fields.flag("learn_sigma", default=True) else 1)
    )
    across, down = grid(fields, (side, side), patch)
    samples, tokens = shape.sequences, across * down
    rows = samples * tokens
    inner = int(width * fields.number("mlp_ratio", default=4.0, minimum=0.01, maximum=100.0))
    embed = embedding_layer(
        convolution("patch_embedding", "latent", "x", rows, channels, width, patch**2, bias=True),
        parameters_only("positions", tokens * width, "fixed")._replace(fixed=True),
        linear("time.1", EMBEDDING, "time", "t", samples, _FREQUENCIES, width, bias=True),
        activation("t", "t1", samples * width),
        linear("time.2", EMBEDDING, "t1", "c", samples, width, width, bias=True),
        embedding("labels", fields.size("num_classes", "num_embeds_ada_norm", default=1000) + 1, width, "c"),
    )._replace(carries=("x", "c"))
    block: tuple[Operation, ...] = (
        linear("modulation", EMBEDDING, "c", "m", samples, width, 6 * width, bias=True),
        _modulated("norm1", "h", rows, width),
        *self_attention(
            all_pairs(tokens, tokens), rows, width, batch=samples, heads=heads, head_dim=head_dim,
            names=("qkv", "proj"), bias=True, out_bias=True,
        ),
        _modulated("norm2", "h2", rows, width),
        *mlp(rows, width, inner, names=("fc1", "fc2"), bias=True),
    )  # fmt: skip
    head = head_layer(
        linear("final_modulation", EMBEDDING, "c", "m", samples, width, 2 * width, bias=True),
        _modulated("final_norm", "h", rows, width),
        linear("unpatch", HEAD, "h", "noise", rows, width, patch**2 * outputs, bias=True),
    )
    blocks = Layer(
        part="decoder",
        operations=block,
        positions=range(fields.layers("num_hidden_layers", "num_layers", "depth")),
    )
    return Model(
        family="diffusion-transformer",
        stages=((embed,), (blocks,), (head,)),
        samples=samples,
        tokens=None,
        lora_targets=("qkv",),
    )


def _modulated(name: str, output: str, rows: int | float, width: int) -> Pointwise:
    """A norm without parameters; its scale and shift depend on the time step and the label."""
    return Pointwise(name=name, component=NORM, inputs=("x", "m"), output=output, saved=2 * rows * width)
