"""Falcon-H1: attention and a Mamba-2 mixer side by side in every layer."""

from __future__ import annotations

from footprint.flops.blocks.attention import causal_pairs, self_attention
from footprint.flops.blocks.decoder import KV, Kind, decoder_model, llama_like
from footprint.flops.blocks.statespace import Mamba2, Sequences, mamba2
from footprint.flops.blocks.transformer import Mixer, heads_of
from footprint.flops.config.fields import Fields
from footprint.flops.config.shapes import required_length
from footprint.flops.operations import Model, Operation
from footprint.schema import StepShape

MODEL_TYPES = ("falcon_h1",)


def build(fields: Fields, shape: StepShape, objective: str) -> Model:
    """The operation list of a Falcon-H1 decoder."""
    layers = fields.layers("num_hidden_layers")
    spec = llama_like(
        fields,
        explicit=KV,
        mlp_bias=fields.flag("mlp_bias", default=False),
        kinds=(Kind(positions=range(layers), mixer=_both(fields, shape)),),
        family="state-space",
    )
    return decoder_model(spec, fields, shape, objective)


def _both(fields: Fields, shape: StepShape) -> Mixer:
    width = fields.size("hidden_size")
    heads, kv_heads, head_dim = heads_of(fields, width, KV)
    bias = fields.flag("attention_bias", default=False)
    data = Sequences(shape.sequences, required_length(shape))
    pairs = causal_pairs(data.length, None, shape.document_length)
    # None stands for the expanded width, an absent key for the library's default.
    inner = fields.size("mamba_d_ssm", default=1024)
    if "mamba_d_ssm" in fields.values and fields.values["mamba_d_ssm"] is None:
        inner = int(fields.number("mamba_expand", default=2) * width)
    ssm_heads = fields.size("mamba_n_heads", default=128)
    mixer = mamba2(
        Mamba2(
            width=width,
            heads=ssm_heads,
            head_dim=fields.divide(inner, ssm_heads, "mamba_d_ssm", "mamba_n_heads"),
            groups=fields.size("mamba_n_groups", default=1),
            state=fields.size("mamba_d_state", default=256),
            kernel=fields.size("mamba_d_conv", default=4, maximum=1000),
            chunk=fields.size("mamba_chunk_size", default=256),
            conv_bias=fields.flag("mamba_conv_bias", default=True),
            bias=fields.flag("mamba_proj_bias", default=False),
            out_bias=fields.flag("projectors_bias", default=False),
            norm=fields.flag("mamba_rms_norm", default=False),
        ),
        data,
    )

    def both(source: str, output: str) -> tuple[Operation, ...]:
        attention = self_attention(
            pairs, data.rows, width, batch=data.batch, heads=heads, head_dim=head_dim, kv_heads=kv_heads,
            bias=bias, out_bias=bias, source=source, output=output,
            dropout=fields.number("attention_dropout", default=0.0) > 0,
        )  # fmt: skip
        return (*mixer(source, output), *attention)

    return both
