"""GPT-1, GPT-2, GPT-3, GPT-Neo and StarCoder: learned positions, plain MLP, tied head."""

from __future__ import annotations

from footprint.flops.blocks.decoder import Decoder, Kind, decoder, decoder_model, windowed
from footprint.flops.blocks.transformer import stack_sizes
from footprint.flops.config.fields import Fields
from footprint.flops.config.patterns import compact
from footprint.flops.operations import Model
from footprint.schema import StepShape

MODEL_TYPES = ("gpt2", "openai-gpt", "gpt_bigcode", "gpt_neo", "ctrl")


def build(fields: Fields, shape: StepShape, objective: str) -> Model:
    """The operation list of one of the GPTs."""
    model_type = fields.text("model_type")
    spec = {"gpt_neo": _neo, "ctrl": _ctrl}.get(model_type, _gpt)(fields)
    return decoder_model(spec, fields, shape, objective)


def _gpt(fields: Fields) -> Decoder:
    model_type = fields.text("model_type")
    width = fields.size("n_embd", "hidden_size")
    heads = fields.size("n_head", "num_attention_heads")
    first = model_type == "openai-gpt"
    one_query = model_type == "gpt_bigcode" and fields.flag("multi_query", default=True)
    return decoder(
        width=width,
        layers=fields.layers("n_layer", "num_hidden_layers"),
        heads=heads,
        kv_heads=1 if one_query else heads,
        head_dim=fields.divide(width, heads, "n_embd", "n_head"),
        inner=4 * width if first else fields.size("n_inner", default=4 * width),
        vocabulary=fields.size("vocab_size"),
        tied=fields.flag("tie_word_embeddings", default=True),
        gated=False,
        attention_names=("c_attn", "attn.c_proj"),
        mlp_names=("c_fc", "mlp.c_proj"),
        qkv_bias=True,
        out_bias=True,
        mlp_bias=True,
        norm_parameters=2,
        norms="post" if first else "pre",
        final_norm=not first,
        positions=fields.size("n_positions", "max_position_embeddings", default=512 if first else 1024),
        dropout=fields.number("attn_pdrop", default=0.1) > 0,
        residual_dropout=fields.number("resid_pdrop", default=0.1) > 0,
        lora_targets=("c_attn",),
    )


def _neo(fields: Fields) -> Decoder:
    width = fields.size("hidden_size")
    heads = fields.size("num_heads", "num_attention_heads")
    layers = fields.layers("num_layers", "num_hidden_layers")
    return decoder(
        width=width,
        layers=layers,
        heads=heads,
        kv_heads=heads,
        head_dim=fields.divide(width, heads, "hidden_size", "num_heads"),
        inner=fields.size("intermediate_size", default=4 * width),
        vocabulary=fields.size("vocab_size"),
        tied=fields.flag("tie_word_embeddings", default=True),
        gated=False,
        attention_names=("q_proj", "k_proj", "v_proj", "out_proj"),
        mlp_names=("c_fc", "c_proj"),
        out_bias=True,
        mlp_bias=True,
        norm_parameters=2,
        positions=fields.size("max_position_embeddings", default=2048),
        dropout=fields.number("attention_dropout", default=0.0) > 0,
        kinds=_neo_kinds(fields, layers),
    )


def _neo_kinds(fields: Fields, layers: int) -> tuple[Kind, ...]:
    """``attention_types`` is [[[kinds], repeats], ...]; global and local layers alternate by default."""
    _, groups = fields.raw("attention_types", default=[[["global", "local"], (layers + 1) // 2]])
    words: list[str] = []
    try:
        for kinds, repeats in groups:
            if len(words) > layers:
                break
            words += list(kinds) * min(int(repeats), layers)
    except (TypeError, ValueError):
        raise fields.error("attention_types", "must look like [[['global', 'local'], 12]]") from None
    if len(words) < layers or set(words) - {"global", "local"}:
        raise fields.error("attention_types", f"must name {layers} layers, each global or local")
    full = compact(index for index, word in enumerate(words[:layers]) if word == "global")
    return windowed(layers, full, fields.size("window_size", default=256))


def _ctrl(fields: Fields) -> Decoder:
    return decoder(
        **stack_sizes(
            fields,
            width=("n_embd", "hidden_size"),
            layers=("n_layer", "num_hidden_layers"),
            heads=("n_head", "num_attention_heads"),
        ),
        inner=fields.size("dff"),
        vocabulary=fields.size("vocab_size"),
        tied=fields.flag("tie_word_embeddings", default=True),
        gated=False,
        attention_names=("Wq", "Wk", "Wv", "dense"),
        mlp_names=("ffn.0", "ffn.2"),
        qkv_bias=True,
        out_bias=True,
        mlp_bias=True,
        head_bias=True,
        norm_parameters=2,
        lora_targets=("Wq", "Wv"),
    )
