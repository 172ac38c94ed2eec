"""Recurrent language models: LSTM, GRU or plain RNN, one or both directions, with or without projection.

Keys: ``vocab_size``, ``embedding_size``, ``hidden_size``, ``num_layers``, ``proj_size``,
``bidirectional``, ``tie_word_embeddings``, as torch's modules name them.
"""

from __future__ import annotations

from footprint.flops.blocks.pieces import embedding, embedding_layer, head_layer, vocabulary_head
from footprint.flops.blocks.recurrent import pass_on, recurrent_layer
from footprint.flops.config.fields import Fields
from footprint.flops.config.shapes import labels, required_length, unknown_objective
from footprint.flops.operations import HEAD, Layer, Model, linear
from footprint.schema import StepShape

MODEL_TYPES = ("lstm", "gru", "rnn")


def build(fields: Fields, shape: StepShape, objective: str) -> Model:
    """The operation list of a recurrent language model."""
    cell = fields.text("model_type")
    hidden = fields.size("hidden_size")
    width = fields.size("embedding_size", default=hidden)
    depth = fields.layers("num_layers", "num_hidden_layers")
    projection = fields.size("proj_size", default=0, minimum=0)
    if projection and (cell != "lstm" or projection >= hidden):
        raise fields.error("proj_size", "is for LSTM only and must be below hidden_size")
    directions = 2 if fields.flag("bidirectional", default=False) else 1
    biases = 2 if fields.flag("bias", default=True) else 0
    vocabulary = fields.size("vocab_size")
    length = required_length(shape)
    batch = shape.sequences
    rows = batch * length
    reach = directions * (projection or hidden)

    def layer(inputs: int, positions: range) -> Layer:
        operations = tuple(
            operation
            for prefix in ("forward.", "backward.")[:directions]
            for operation in recurrent_layer(
                batch, length, inputs, hidden, cell=cell, projection=projection, biases=biases,
                prefix=prefix, output="y",
            )
        )  # fmt: skip
        return Layer(part="encoder", operations=(*operations, pass_on("y", "x")), positions=positions)

    stack: tuple[Layer, ...] = (layer(width, range(1)),)
    if depth > 1:
        stack = (*stack, layer(reach, range(1, depth)))
    tied = fields.flag("tie_word_embeddings", default=False)
    if tied and reach != width:
        raise fields.error(
            "tie_word_embeddings", f"needs embedding_size = {reach}, the width of the last layer"
        )
    if objective in ("", "clm"):
        predicted = batch * (shape.predicted_positions or length)
        head = vocabulary_head(
            predicted, reach, vocabulary, source="x", tied=tied, bias=fields.flag("head_bias", default=True)
        )
    elif objective == "classification":
        head = linear("classifier", HEAD, "x", "class", batch, reach, labels(fields), bias=True)
    else:
        raise unknown_objective(objective, ("clm", "classification"))
    return Model(
        family="recurrent",
        stages=((embedding_layer(embedding("embedding", vocabulary, width)),), stack, (head_layer(head),)),
        samples=batch,
        tokens=rows,
        lora_targets=("forward.input",),
    )
