"""The decoder that most language models share; each family sets its differences."""

from __future__ import annotations

from typing import Any

from footprint.flops.blocks.pieces import embedding, embedding_layer, head_layer, vocabulary_head
from footprint.flops.blocks.transformer import (
    HEADS,
    KV,
    Kind,
    Stack,
    assemble,
    blocks,
    heads_of,
    stack_norm,
    windowed,
)
from footprint.flops.config.fields import Fields
from footprint.flops.config.shapes import labels, required_length, unknown_objective
from footprint.flops.operations import EMBEDDING, HEAD, Model, Operation, linear
from footprint.named_tuples import NamedTuple
from footprint.schema import StepShape

__all__ = ["HEADS", "KV", "Decoder", "Kind", "decoder", "decoder_model", "llama_like", "windowed"]


class Decoder(NamedTuple):
    """A causal transformer: a stack with its embeddings and its head."""

    stack: Stack
    vocabulary: int
    tied: bool = False
    head_bias: bool = False
    final_norm: bool = True
    positions: int = 0
    """Number of rows of a learned position table."""
    embedding_width: int = 0
    """Width of the embeddings if it differs from that of the blocks; projections then connect the two."""
    embedding_norm: bool = False
    family: str = "decoder"


def llama_like(fields: Fields, *, explicit: tuple[str, ...] = (), **differences: Any) -> Decoder:
    """A decoder with Llama's config keys; ``differences`` replace its fields.

    The config must contain the ``explicit`` keys, because the defaults of transformers for them fit only
    one model size.
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
    return decoder(**settings)


def decoder(**settings: Any) -> Decoder:
    """A decoder from the fields of `Decoder` and `Stack` in one list of keywords."""
    spec: Decoder = assemble(Decoder, settings)
    return spec


def decoder_model(spec: Decoder, fields: Fields, shape: StepShape, objective: str) -> Model:
    """The operation list of one step of a causal transformer."""
    stack = spec.stack
    length = required_length(shape)
    batch = shape.sequences
    rows = batch * length
    narrow = spec.embedding_width or stack.width
    tables: list[Operation] = [embedding("embed_tokens", spec.vocabulary, narrow)]
    if narrow != stack.width:
        tables.append(linear("project_in", EMBEDDING, "x", "x", rows, narrow, stack.width))
    if spec.positions:
        tables.append(embedding("embed_positions", spec.positions, stack.width))
    if spec.embedding_norm:
        tables.append(stack_norm(stack, "embedding_norm", "x", "x", rows))
    return Model(
        family=spec.family,
        stages=(
            (embedding_layer(*tables),),
            blocks(stack, batch, length, shape.document_length),
            (head_layer(*decoder_head(spec, fields, shape, objective)),),
        ),
        samples=batch,
        tokens=rows,
        lora_targets=stack.lora_targets,
    )


def decoder_head(spec: Decoder, fields: Fields, shape: StepShape, objective: str) -> tuple[Operation, ...]:
    """The final norm and the head: vocabulary scores or classes."""
    stack = spec.stack
    rows = shape.sequences * required_length(shape)
    operations: list[Operation] = []
    source = "x"
    if spec.final_norm:
        operations.append(stack_norm(stack, "final_norm", "x", "h", rows))
        source = "h"
    width = spec.embedding_width or stack.width
    if width != stack.width:
        operations.append(linear("project_out", EMBEDDING, source, "narrow", rows, stack.width, width))
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
