"""ModernBERT, Nomic BERT, EuroBERT, ESM: encoders with rotary positions."""

from __future__ import annotations

from footprint.flops.blocks.encoder import Encoder, bert_like, encoder, encoder_model
from footprint.flops.blocks.transformer import Kind, heads_of, windowed
from footprint.flops.config.fields import Fields
from footprint.flops.config.patterns import full_layers
from footprint.flops.operations import Model
from footprint.schema import StepShape

MODEL_TYPES = ("modernbert", "nomic_bert", "eurobert", "esm")


def build(fields: Fields, shape: StepShape, objective: str) -> Model:
    """The operation list of one of these encoders."""
    specs = {"modernbert": _modernbert, "nomic_bert": _nomic, "eurobert": _eurobert, "esm": _esm}
    return encoder_model(specs[fields.text("model_type")](fields), fields, shape, objective)


def _modernbert(fields: Fields) -> Encoder:
    layers = fields.layers("num_hidden_layers")
    every = fields.size("global_attn_every_n_layers", default=3)
    bias = fields.flag("attention_bias", default=False)
    full = full_layers(fields, layers, every=every, offset=0)
    kinds = windowed(layers, full, fields.size("local_attention", default=128))
    norm_parameters = 2 if fields.flag("norm_bias", default=False) else 1
    return bert_like(
        fields,
        gated=True,
        attention_names=("Wqkv", "attn.Wo"),
        mlp_names=("Wi", "mlp.Wo"),
        qkv_bias=bias,
        out_bias=bias,
        mlp_bias=fields.flag("mlp_bias", default=False),
        norm_parameters=norm_parameters,
        norms="pre",
        final_norm=True,
        tables=(),
        transform_bias=fields.flag("classifier_bias", default=False),
        head_bias=fields.flag("decoder_bias", default=True),
        dropout=fields.number("attention_dropout", default=0.0) > 0,
        kinds=_first_without_norm(kinds),
        lora_targets=("Wqkv",),
    )


def _first_without_norm(kinds: tuple[Kind, ...]) -> tuple[Kind, ...]:
    """The kinds with layer 0 separate, which has no input norm because the embeddings are normalised."""
    split: list[Kind] = []
    for kind in kinds:
        if kind.positions[0] == 0:
            split.append(kind._replace(positions=range(1), input_norm=False))
            kind = kind._replace(positions=kind.positions[1:])
        if len(kind.positions):
            split.append(kind)
    return tuple(split)


def _nomic(fields: Fields) -> Encoder:
    bias = fields.flag("mlp_bias", default=False)
    return bert_like(
        fields,
        gated=True,
        attention_names=("q_proj", "k_proj", "v_proj", "o_proj"),
        mlp_names=("gate_proj", "up_proj", "down_proj"),
        qkv_bias=False,
        out_bias=False,
        mlp_bias=bias,
        tables=(("token_type_embeddings", fields.size("type_vocab_size", default=2, minimum=0)),),
        lora_targets=("q_proj", "v_proj"),
    )


def _eurobert(fields: Fields) -> Encoder:
    width = fields.size("hidden_size")
    heads, kv_heads, head_dim = heads_of(fields, width)
    bias = fields.flag("attention_bias", default=False)
    return encoder(
        width=width,
        layers=fields.layers("num_hidden_layers"),
        heads=heads,
        kv_heads=kv_heads,
        head_dim=head_dim,
        inner=fields.size("intermediate_size"),
        vocabulary=fields.size("vocab_size"),
        tied=fields.flag("tie_word_embeddings", default=False),
        qkv_bias=bias,
        out_bias=bias,
        mlp_bias=fields.flag("mlp_bias", default=False),
        embedding_norm=False,
        final_norm=True,
        head_transform=False,
        transform_bias=False,
        classify_tokens=True,
        head_bias=False,
        lora_targets=("q_proj", "v_proj"),
    )


def _esm(fields: Fields) -> Encoder:
    absolute = fields.text("position_embedding_type", default="absolute") == "absolute"
    contacts = fields.layers("num_hidden_layers") * fields.size("num_attention_heads") + 1
    return bert_like(
        fields,
        norms="pre",
        other_parameters=contacts,  # the contact head; pre-training does not use it
        embedding_norm=fields.flag("emb_layer_norm_before", default=False),
        final_norm=True,
        tables=(("position_embeddings", fields.size("max_position_embeddings", default=1026)),)
        if absolute
        else (),
    )
