"""The text encoder of BERT and related models: tables, a stack, and a head for each objective."""

from __future__ import annotations

from typing import Any

from footprint.flops.blocks.pieces import (
    activation,
    embedding,
    embedding_layer,
    head_layer,
    parameters_only,
    vocabulary_head,
)
from footprint.flops.blocks.transformer import Stack, assemble, blocks, stack_norm
from footprint.flops.config.fields import Fields
from footprint.flops.config.shapes import labels, required_length, unknown_objective
from footprint.flops.operations import EMBEDDING, HEAD, NORM, Model, Operation, Pointwise, linear
from footprint.named_tuples import NamedTuple
from footprint.schema import StepShape

OBJECTIVES = ("mlm", "mlm+nsp", "rtd", "classification", "token_classification", "encode")


class Encoder(NamedTuple):
    """A bidirectional transformer: a stack with its embeddings and its head."""

    stack: Stack
    vocabulary: int
    tables: tuple[tuple[str, int], ...] = ()
    """Further look-up tables with the width of the embeddings: (name, rows)."""
    other_tables: int = 0
    """Parameters of tables with other widths (relative positions)."""
    embedding_width: int = 0
    """Width of the embeddings if it differs from that of the blocks."""
    embedding_norm: bool = True
    always_projected: bool = False
    """The embeddings are projected even if their width is that of the blocks."""
    other_parameters: int = 0
    """Further parameters, which the step does not use."""
    classify_tokens: bool = False
    """The classification head is applied to every token, and the results are averaged."""
    final_norm: bool = False
    tied: bool = True
    head_width: int = 0
    """Width of the masked-language head's dense layer; 0 means the width of the embeddings."""
    head_transform: bool = True
    """The masked-language head has a dense layer and a norm before the vocabulary."""
    transform_bias: bool = True
    head_bias: bool = True


def bert_like(fields: Fields, **differences: Any) -> Encoder:
    """An encoder with BERT's config keys; ``differences`` replace its fields."""
    width = fields.size("hidden_size")
    heads = fields.size("num_attention_heads")
    settings: dict[str, Any] = {
        "width": width,
        "layers": fields.layers("num_hidden_layers"),
        "heads": heads,
        "kv_heads": heads,
        "head_dim": fields.divide(width, heads, "hidden_size", "num_attention_heads"),
        "inner": fields.size("intermediate_size"),
        "vocabulary": fields.size("vocab_size"),
        "tied": fields.flag("tie_word_embeddings", default=True),
        "gated": False,
        "attention_names": ("query", "key", "value", "attention.output.dense"),
        "mlp_names": ("intermediate.dense", "output.dense"),
        "qkv_bias": True,
        "out_bias": True,
        "mlp_bias": True,
        "norm_parameters": 2,
        "norms": "post",
        "lora_targets": ("query", "value"),
        "dropout": fields.number("attention_probs_dropout_prob", default=0.1) > 0,
        "residual_dropout": fields.number("hidden_dropout_prob", default=0.1) > 0,
        "tables": (
            ("position_embeddings", fields.size("max_position_embeddings", default=512)),
            ("token_type_embeddings", fields.size("type_vocab_size", default=2, minimum=0)),
        ),
    }
    settings.update(differences)
    return encoder(**settings)


def encoder(**settings: Any) -> Encoder:
    """An encoder from the fields of `Encoder` and `Stack` in one list of keywords."""
    spec: Encoder = assemble(Encoder, {"causal": False, "part": "encoder", **settings})
    return spec


def encoder_model(spec: Encoder, fields: Fields, shape: StepShape, objective: str) -> Model:
    """The operation list of one step of a text encoder."""
    length = required_length(shape)
    batch = shape.sequences
    rows = batch * length
    narrow = spec.embedding_width or spec.stack.width
    tables: list[Operation] = [embedding("word_embeddings", spec.vocabulary, narrow)]
    tables += [embedding(name, entries, narrow) for name, entries in spec.tables if entries]
    if spec.other_tables:
        tables.append(embedding("relative_positions", spec.other_tables, 1))
    if spec.embedding_norm:
        tables.append(
            Pointwise(
                name="embedding_norm",
                component=NORM,
                inputs=("x",),
                output="x",
                parameters=spec.stack.norm_parameters * narrow,
                saved=rows * narrow,
            )
        )
    if narrow != spec.stack.width or spec.always_projected:
        tables.append(linear("project_in", EMBEDDING, "x", "x", rows, narrow, spec.stack.width, bias=True))
    return Model(
        family="encoder",
        stages=(
            (embedding_layer(*tables),),
            blocks(spec.stack, batch, length, shape.document_length),
            (head_layer(*encoder_head(spec, fields, shape, objective)),),
        ),
        samples=batch,
        tokens=rows,
        lora_targets=spec.stack.lora_targets,
    )


def encoder_head(spec: Encoder, fields: Fields, shape: StepShape, objective: str) -> tuple[Operation, ...]:
    """The head: masked tokens, the next sentence, replaced tokens, or classes."""
    batch = shape.sequences
    rows = batch * required_length(shape)
    wanted = (objective or "mlm").split("+")
    known = {name for words in OBJECTIVES for name in words.split("+")}
    if set(wanted) - known or len(set(wanted)) < len(wanted):
        raise unknown_objective(objective, OBJECTIVES)
    width = spec.stack.width
    operations: list[Operation] = []
    if spec.other_parameters:
        operations.append(parameters_only("unused", spec.other_parameters, "unused"))
    if spec.final_norm:
        operations.append(stack_norm(spec.stack, "final_norm", "x", "x", rows))
    if "mlm" in wanted:
        operations += _mlm(spec, batch * (shape.predicted_positions or required_length(shape)))
    if "rtd" in wanted:
        operations += [
            linear("discriminator", HEAD, "x", "t", rows, width, width, bias=True),
            activation("t", "h", rows * width),
            linear("discriminator_out", HEAD, "h", "class", rows, width, 1, bias=True),
        ]
    if "token_classification" in wanted:
        operations.append(linear("classifier", HEAD, "x", "class", rows, width, labels(fields), bias=True))
    if "nsp" in wanted or "classification" in wanted:
        classes = 2 if "nsp" in wanted else labels(fields)
        pooled = rows if spec.classify_tokens else batch
        operations += [
            linear("pooler", HEAD, "x", "pooled", pooled, width, width, bias=True),
            linear("classifier", HEAD, "pooled", "class", pooled, width, classes, bias=True),
        ]
    return tuple(operations)


def _mlm(spec: Encoder, rows: int | float) -> list[Operation]:
    """The vocabulary head over the masked positions."""
    width = spec.head_width or spec.embedding_width or spec.stack.width
    operations: list[Operation] = []
    source = "x"
    if spec.head_transform:
        operations += [
            linear("transform", HEAD, "x", "t", rows, spec.stack.width, width, bias=spec.transform_bias),
            activation("t", "t1", rows * width),
            Pointwise(
                name="transform_norm", component=NORM, inputs=("t1",), output="h",
                parameters=spec.stack.norm_parameters * width, saved=rows * width,
            ),
        ]  # fmt: skip
        source = "h"
    operations.append(
        vocabulary_head(
            rows, width, spec.vocabulary, name="decoder", source=source, tied=spec.tied, bias=spec.head_bias
        )
    )
    return operations
