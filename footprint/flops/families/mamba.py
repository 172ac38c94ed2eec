"""Mamba, Falcon Mamba, Mamba-2: every layer is a norm and a state-space mixer."""

from __future__ import annotations

from footprint.flops.blocks.decoder import Kind, decoder, decoder_model
from footprint.flops.blocks.statespace import Mamba1, Mamba2, Sequences, mamba1, mamba2
from footprint.flops.blocks.transformer import Mixer
from footprint.flops.config.fields import Fields
from footprint.flops.config.shapes import required_length
from footprint.flops.operations import Model
from footprint.schema import StepShape

MODEL_TYPES = ("mamba", "falcon_mamba", "mamba2")


def build(fields: Fields, shape: StepShape, objective: str) -> Model:
    """The operation list of a Mamba decoder."""
    second = fields.text("model_type") == "mamba2"
    width = fields.size("hidden_size", "d_model")
    layers = fields.layers("num_hidden_layers", "n_layer")
    mixer = (_mamba2 if second else _mamba1)(
        fields, width, Sequences(shape.sequences, required_length(shape))
    )
    spec = decoder(
        width=width,
        layers=layers,
        heads=1,
        kv_heads=1,
        head_dim=1,
        vocabulary=fields.size("vocab_size"),
        tied=fields.flag("tie_word_embeddings", default=not second),
        kinds=(Kind(positions=range(layers), mixer=mixer, feeds=False),),
        lora_targets=("in_proj", "out_proj"),
        family="state-space",
    )
    return decoder_model(spec, fields, shape, objective)


def _mamba1(fields: Fields, width: int, data: Sequences) -> Mixer:
    inner = fields.size("intermediate_size", default=fields.size("expand", default=2) * width)
    rank = fields.raw("time_step_rank", default="auto")[1]
    sizes = Mamba1(
        width=width,
        inner=inner,
        state=fields.size("state_size", default=16),
        rank=-(-width // 16) if rank == "auto" else fields.size("time_step_rank"),
        kernel=fields.size("conv_kernel", default=4, maximum=1000),
        conv_bias=fields.flag("use_conv_bias", default=True),
        bias=fields.flag("use_bias", default=False),
    )
    return mamba1(sizes, data)


def _mamba2(fields: Fields, width: int, data: Sequences) -> Mixer:
    heads, head_dim = fields.size("num_heads"), fields.size("head_dim", default=64)
    if heads * head_dim != fields.size("expand", default=2) * width:
        raise fields.error("num_heads", f"x head_dim = {heads * head_dim} is not expand x hidden_size")
    sizes = Mamba2(
        width=width,
        heads=heads,
        head_dim=head_dim,
        groups=fields.size("n_groups", default=8),
        state=fields.size("state_size", default=128),
        kernel=fields.size("conv_kernel", default=4, maximum=1000),
        chunk=fields.size("chunk_size", default=256),
        conv_bias=fields.flag("use_conv_bias", default=True),
        bias=fields.flag("use_bias", default=False),
    )
    return mamba2(sizes, data)
