"""BERT and the encoders built like it, with the vocabulary head on the masked positions."""

from __future__ import annotations

from footprint.flops.attention import all_pairs, self_attention
from footprint.flops.blocks import activation, embedding, embedding_layer, head_layer, mlp, vocabulary_head
from footprint.flops.fields import Fields
from footprint.flops.operations import HEAD, Layer, Model, Operation, linear, norm
from footprint.flops.shapes import labels, required_length, unknown_objective
from footprint.schema import StepShape

MODEL_TYPES = ("bert",)
OBJECTIVES = ("mlm", "mlm+nsp", "classification")


def build(fields: Fields, shape: StepShape, objective: str) -> Model:
    """The operation list of a BERT model; ``mlm`` unless an objective is given."""
    width = fields.size("hidden_size")
    heads = fields.size("num_attention_heads")
    inner = fields.size("intermediate_size")
    vocabulary = fields.size("vocab_size")
    length = required_length(shape)
    batch = shape.sequences
    rows = batch * length
    dropout = fields.number("attention_probs_dropout_prob", default=0.1) > 0
    tables: tuple[Operation, ...] = (
        embedding("word_embeddings", vocabulary, width),
        embedding("position_embeddings", fields.size("max_position_embeddings", default=512), width),
        embedding("token_type_embeddings", fields.size("type_vocab_size", default=2), width),
        norm("embedding_norm", "x", "x", rows, width, bias=True),
    )
    layer = Layer(
        part="encoder",
        positions=range(fields.layers("num_hidden_layers")),
        operations=(
            *self_attention(
                all_pairs(length, length), rows, width, batch=batch, heads=heads,
                head_dim=fields.divide(width, heads, "hidden_size", "num_attention_heads"),
                names=("query", "key", "value", "attention.output.dense"), bias=True, out_bias=True,
                source="x", dropout=dropout,
            ),
            norm("attention_norm", "x", "x1", rows, width, bias=True),
            *mlp(rows, width, inner, names=("intermediate.dense", "output.dense"), source="x1", bias=True),
            norm("output_norm", "x", "x", rows, width, bias=True),
        ),
    )  # fmt: skip
    return Model(
        family="encoder",
        stages=(
            (embedding_layer(*tables),),
            (layer,),
            (head_layer(*_head(fields, shape, objective, width)),),
        ),
        samples=batch,
        tokens=rows,
        lora_targets=("query", "value"),
    )


def _head(fields: Fields, shape: StepShape, objective: str, width: int) -> tuple[Operation, ...]:
    batch = shape.sequences
    wanted = (objective or "mlm").split("+")
    if set(wanted) - {"mlm", "nsp", "classification"}:
        raise unknown_objective(objective, OBJECTIVES)
    operations: list[Operation] = []
    if "mlm" in wanted:
        rows = batch * (shape.predicted_positions or required_length(shape))
        vocabulary = fields.size("vocab_size")
        operations += [
            linear("transform", HEAD, "x", "t", rows, width, width, bias=True),
            activation("t", "t1", rows * width),
            norm("transform_norm", "t1", "h", rows, width, bias=True),
            vocabulary_head(
                rows, width, vocabulary, name="decoder", bias=True,
                tied=fields.flag("tie_word_embeddings", default=True),
            ),
        ]  # fmt: skip
    if "nsp" in wanted or "classification" in wanted:
        classes = 2 if "nsp" in wanted else labels(fields)
        operations += [
            linear("pooler", HEAD, "x", "pooled", batch, width, width, bias=True),
            linear("classifier", HEAD, "pooled", "class", batch, width, classes, bias=True),
        ]
    return tuple(operations)
