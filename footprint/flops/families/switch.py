"""Switch Transformers: T5 with one expert per token in some layers."""

from __future__ import annotations

from footprint.flops.blocks.experts import capacity_factor, mixture
from footprint.flops.blocks.seq2seq import seq2seq_model
from footprint.flops.blocks.transformer import Kind
from footprint.flops.config.fields import Fields
from footprint.flops.config.patterns import split
from footprint.flops.families.t5 import decoder_depth, t5
from footprint.flops.operations import Model, Positions
from footprint.schema import StepShape

MODEL_TYPES = ("switch_transformers",)


def build(fields: Fields, shape: StepShape, objective: str) -> Model:
    """The operation list of a Switch Transformer; no token is dropped."""
    feed = mixture(
        fields.size("d_model"), fields.size("d_ff"), fields.size("num_experts"), 1, gated=False,
        router_bias=fields.flag("router_bias", default=False), capacity=capacity_factor(fields),
    )  # fmt: skip

    def kinds(part: str, depth: int) -> tuple[Kind, ...]:
        chosen, rest = split(depth, _sparse(fields, part, depth))
        found = (Kind(positions=chosen, feed_forward=feed), Kind(positions=rest))
        return tuple(kind for kind in found if len(kind.positions))

    layers = fields.layers("num_layers")
    spec = t5(fields, kinds("encoder", layers), kinds("decoder", decoder_depth(fields)))
    return seq2seq_model(spec, shape, objective)


def _sparse(fields: Fields, part: str, depth: int) -> Positions:
    """Positions of the sparse layers, evenly spaced from the second layer on."""
    number = fields.size(f"num_sparse_{part}_layers", default=3, minimum=0, maximum=depth)
    if not number:
        return ()
    step = depth // number
    return range(depth) if step == 1 else range(1, depth, step)
