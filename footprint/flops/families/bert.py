"""BERT and the encoders with the same matrix products."""

from __future__ import annotations

from footprint.flops.blocks.encoder import Encoder, bert_like, encoder, encoder_model
from footprint.flops.config.fields import Fields
from footprint.flops.operations import Model
from footprint.schema import StepShape

MODEL_TYPES = (
    "bert",
    "roberta",
    "camembert",
    "xlm-roberta",
    "xlm-roberta-xl",
    "roberta-prelayernorm",
    "data2vec-text",
    "ernie",
    "megatron-bert",
    "electra",
    "distilbert",
    "mpnet",
    "rembert",
)
_PRE_NORM = ("xlm-roberta-xl", "roberta-prelayernorm", "megatron-bert")


def build(fields: Fields, shape: StepShape, objective: str) -> Model:
    """The operation list of a BERT-like encoder; masked-language modelling unless an objective is given."""
    model_type = fields.text("model_type")
    if model_type == "electra":
        return encoder_model(_electra(fields), fields, shape, objective or "rtd")
    specs = {"distilbert": _distilbert, "mpnet": _mpnet, "rembert": _rembert}
    return encoder_model(specs.get(model_type, _bert)(fields), fields, shape, objective)


def _bert(fields: Fields) -> Encoder:
    model_type = fields.text("model_type")
    if model_type not in _PRE_NORM:
        return bert_like(fields)
    return bert_like(
        fields, norms="pre", final_norm=True, embedding_norm=model_type == "roberta-prelayernorm"
    )


def _electra(fields: Fields) -> Encoder:
    return bert_like(fields, embedding_width=fields.size("embedding_size", default=128))


def _rembert(fields: Fields) -> Encoder:
    return bert_like(
        fields,
        embedding_width=fields.size("input_embedding_size", default=256),
        always_projected=True,
        head_width=fields.size("output_embedding_size", default=1664),
        tied=False,
    )


def _mpnet(fields: Fields) -> Encoder:
    return bert_like(
        fields,
        attention_names=("q", "k", "v", "o"),
        tables=(("position_embeddings", fields.size("max_position_embeddings", default=512)),),
        other_tables=fields.size("relative_attention_num_buckets", default=32)
        * fields.size("num_attention_heads"),
        lora_targets=("q", "v"),
    )


def _distilbert(fields: Fields) -> Encoder:
    width = fields.size("dim", "hidden_size")
    heads = fields.size("n_heads", "num_attention_heads")
    return encoder(
        width=width,
        layers=fields.layers("n_layers", "num_hidden_layers"),
        heads=heads,
        kv_heads=heads,
        head_dim=fields.divide(width, heads, "dim", "n_heads"),
        inner=fields.size("hidden_dim", "intermediate_size"),
        vocabulary=fields.size("vocab_size"),
        tied=fields.flag("tie_word_embeddings", default=True),
        gated=False,
        attention_names=("q_lin", "k_lin", "v_lin", "out_lin"),
        mlp_names=("lin1", "lin2"),
        qkv_bias=True,
        out_bias=True,
        mlp_bias=True,
        norm_parameters=2,
        norms="post",
        dropout=fields.number("attention_dropout", default=0.1) > 0,
        tables=(("position_embeddings", fields.size("max_position_embeddings", default=512)),),
        lora_targets=("q_lin", "v_lin"),
    )
