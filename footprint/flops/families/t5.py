"""T5 in all sizes and versions, ByT5, mT5, UMT5: relative positions, head width set separately."""

from __future__ import annotations

from footprint.flops.blocks.seq2seq import Seq2Seq, seq2seq_model
from footprint.flops.blocks.transformer import Kind, Stack
from footprint.flops.config.fields import Fields
from footprint.flops.operations import Model
from footprint.schema import StepShape

MODEL_TYPES = ("t5", "mt5", "umt5")


def build(fields: Fields, shape: StepShape, objective: str) -> Model:
    """The operation list of a T5 model."""
    return seq2seq_model(t5(fields), shape, objective)


def t5(fields: Fields, encoder_kinds: tuple[Kind, ...] = (), decoder_kinds: tuple[Kind, ...] = ()) -> Seq2Seq:
    """The two stacks of a T5 config; the kinds replace the feed-forward of some layers."""
    model_type = fields.text("model_type")
    multilingual = model_type in ("mt5", "umt5")
    activation = fields.text("feed_forward_proj", default="gated-gelu" if multilingual else "relu")
    layers = fields.layers("num_layers")
    heads = fields.size("num_heads")
    umt5 = model_type == "umt5"

    def stack(part: str, depth: int, kinds: tuple[Kind, ...]) -> Stack:
        gated = activation.startswith("gated-")
        tables = fields.size("relative_attention_num_buckets", default=32) * heads if umt5 else 0
        return Stack(
            width=fields.size("d_model"),
            layers=depth,
            heads=heads,
            kv_heads=heads,
            head_dim=fields.size("d_kv", default=64),
            inner=fields.size("d_ff"),
            causal=part == "decoder",
            gated=gated,
            attention_names=("q", "k", "v", "o"),
            mlp_names=("wi_0", "wi_1", "wo") if gated else ("wi", "wo"),
            dropout=fields.number("dropout_rate", default=0.1) > 0,
            residual_dropout=fields.number("dropout_rate", default=0.1) > 0,
            kinds=kinds,
            part=part,
            stream="y" if part == "decoder" else "x",
            cross_names=("q", "k", "v", "o") if part == "decoder" else (),
            layer_tables=tables,
            lora_targets=("q", "v"),
        )

    return Seq2Seq(
        encoder=stack("encoder", layers, encoder_kinds),
        decoder=stack("decoder", decoder_depth(fields), decoder_kinds),
        vocabulary=fields.size("vocab_size"),
        tied=fields.flag("tie_word_embeddings", default=True),
        bias_tables=0 if umt5 else fields.size("relative_attention_num_buckets", default=32) * heads,
        final_norm=True,
    )


def decoder_depth(fields: Fields) -> int:
    """Number of decoder layers; that of the encoder by default."""
    return fields.layers("num_decoder_layers", default=fields.layers("num_layers"))
