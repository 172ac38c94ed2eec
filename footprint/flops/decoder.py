"""The decoder that most language models share; a family says how its own differs."""

from __future__ import annotations

from typing import Any

from footprint.flops.blocks import embedding, embedding_layer, head_layer, vocabulary_head
from footprint.flops.fields import Fields
from footprint.flops.operations import EMBEDDING, HEAD, Model, Operation, linear
from footprint.flops.shapes import labels, required_length, unknown_objective
from footprint.flops.transformer import HEADS, KV, Kind, Stack, blocks, heads_of, stack_norm, windowed
from footprint.records import record
from footprint.schema import StepShape

__all__ = ["HEADS", "KV", "Decoder", "Kind", "decoder_model", "llama_like", "windowed"]


@record
class Decoder(Stack):
    """A causal transformer: a stack, and what leads into and out of it."""

    vocabulary: int
    tied: bool = False
    head_bias: bool = False
    final_norm: bool = True
    positions: int = 0
    """Rows of a learned position table."""
    embedding_width: int = 0
    """Width of the embeddings where it is not that of the blocks: projections lead in and out."""
    embedding_norm: bool = False
    family: str = "decoder"


def llama_like(fields: Fields, *, explicit: tuple[str, ...] = (), **differences: Any) -> Decoder:
    """A decoder with Llama's config keys; ``differences`` replace what a family does otherwise.

    ``explicit`` keys must be given: for them transformers has a default of its own that fits one
    size only.
    """
    width = fields.size("hidden_size")
    heads, kv_heads, head_dim = heads_of(fields, width, explicit)
    settings: dict[str, Any] = {
        "width": width,
        "heads": heads,
        "kv_heads": kv_heads,
        "head_dim": head_dim,
        "vocabulary": fields.size("vocab_size"),
        "dropout": fields.number("attention_dropout", default=0.0) > 0,
    }
    if "layers" not in differences:
        settings["layers"] = fields.layers("num_hidden_layers")
    if "inner" not in differences:
        settings["inner"] = fields.size("intermediate_size")
    if "tied" not in differences:
        settings["tied"] = fields.flag("tie_word_embeddings", default=False)
    if "qkv_bias" not in differences:
        bias = fields.flag("attention_bias", default=False)
        settings["qkv_bias"] = settings["out_bias"] = bias
    settings.update(differences)
    return Decoder(**settings)


def decoder_model(spec: Decoder, fields: Fields, shape: StepShape, objective: str) -> Model:
    """The operation list of one step of a causal transformer."""
    length = required_length(shape)
    batch = shape.sequences
    rows = batch * length
    narrow = spec.embedding_width or spec.width
    tables: list[Operation] = [embedding("embed_tokens", spec.vocabulary, narrow)]
    if narrow != spec.width:
        tables.append(linear("project_in", EMBEDDING, "x", "x", rows, narrow, spec.width))
    if spec.positions:
        tables.append(embedding("embed_positions", spec.positions, spec.width))
    if spec.embedding_norm:
        tables.append(stack_norm(spec, "embedding_norm", "x", "x", rows))
    return Model(
        family=spec.family,
        stages=(
            (embedding_layer(*tables),),
            blocks(spec, batch, length, shape.document_length),
            (head_layer(*decoder_head(spec, fields, shape, objective)),),
        ),
        samples=batch,
        tokens=rows,
        lora_targets=spec.lora_targets,
    )


def decoder_head(spec: Decoder, fields: Fields, shape: StepShape, objective: str) -> tuple[Operation, ...]:
    """Final norm and what predicts: vocabulary scores, or classes."""
    rows = shape.sequences * required_length(shape)
    operations: list[Operation] = []
    source = "x"
    if spec.final_norm:
        operations.append(stack_norm(spec, "final_norm", "x", "h", rows))
        source = "h"
    width = spec.embedding_width or spec.width
    if width != spec.width:
        operations.append(linear("project_out", EMBEDDING, source, "narrow", rows, spec.width, width))
        source = "narrow"
    if objective in ("", "clm"):
        predicted = shape.sequences * (shape.predicted_positions or required_length(shape))
        operations.append(
            vocabulary_head(
                predicted, width, spec.vocabulary, source=source, tied=spec.tied, bias=spec.head_bias
            )
        )
    elif objective == "classification":
        operations.append(linear("score", HEAD, source, "logits", rows, width, labels(fields)))
    else:
        raise unknown_objective(objective, ("clm", "classification"))
    return tuple(operations)
