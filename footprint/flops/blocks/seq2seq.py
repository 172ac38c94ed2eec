"""Encoder-decoders: an encoder on the source, a decoder with cross-attention on the target."""

from __future__ import annotations

from footprint.flops.blocks.pieces import embedding, embedding_layer, head_layer, vocabulary_head
from footprint.flops.blocks.transformer import Stack, blocks, stack_norm
from footprint.flops.config.shapes import required_length, required_target, unknown_objective
from footprint.flops.operations import NORM, Layer, Model, Number, Operation, Pointwise, Stage
from footprint.records import record
from footprint.schema import StepShape


@record
class Seq2Seq:
    """Two stacks with their embeddings and the vocabulary head."""

    encoder: Stack
    """The encoder works on the stream ``x``; its last norm makes ``memory`` of it."""
    decoder: Stack
    """The decoder works on the stream ``y``."""
    vocabulary: int
    tied: bool = True
    """The vocabulary head is tied to the embedding."""
    encoder_positions: int = 0
    decoder_positions: int = 0
    fixed_positions: bool = False
    """Position tables are sinusoidal: stored but not trained."""
    bias_tables: int = 0
    """Parameters of the relative-position tables of one stack."""
    own_decoder_table: bool = False
    """Only the decoder has a token table (speech to text)."""
    embedding_norm: bool = False
    final_norm: bool = False


def seq2seq_model(spec: Seq2Seq, shape: StepShape, objective: str) -> Model:
    """The operation list of one step of a text-to-text model."""
    source = required_length(shape)
    rows = shape.sequences * source
    encoder = spec.encoder
    tables: list[Operation] = [embedding("shared", spec.vocabulary, encoder.width)]
    if spec.encoder_positions:
        tables.append(
            embedding("embed_positions", spec.encoder_positions, encoder.width, fixed=spec.fixed_positions)
        )
    if spec.bias_tables:
        tables.append(embedding("relative_attention_bias", spec.bias_tables, 1))
    if spec.embedding_norm:
        tables.append(stack_norm(encoder, "layernorm_embedding", "x", "x", rows))
    stages = (
        (embedding_layer(*tables),),
        blocks(encoder, shape.sequences, source, shape.document_length),
    )
    return with_decoder(spec, stages, shape, rows, source, objective)


def with_decoder(
    spec: Seq2Seq,
    stages: tuple[Stage, ...],
    shape: StepShape,
    source_rows: Number,
    memory_length: int,
    objective: str,
) -> Model:
    """The model with the given encoder stages, plus its decoder and vocabulary head."""
    if objective not in ("", "seq2seq"):
        raise unknown_objective(objective, ("seq2seq",))
    target = required_target(shape)
    batch = shape.sequences
    rows = batch * target
    decoder = spec.decoder
    memory = stack_norm(spec.encoder, "encoder_norm", "x", "memory", source_rows)
    if not spec.final_norm:
        memory = Pointwise(name="memory", component=NORM, inputs=("x",), output="memory")
    tables: list[Operation] = [
        embedding("decoder_shared", spec.vocabulary, decoder.width, "y", tied=not spec.own_decoder_table)
    ]
    if spec.decoder_positions:
        tables.append(
            embedding(
                "decoder_embed_positions",
                spec.decoder_positions,
                decoder.width,
                "y",
                fixed=spec.fixed_positions,
            )
        )
    if spec.bias_tables:
        tables.append(embedding("decoder_relative_attention_bias", spec.bias_tables, 1, "y"))
    if spec.embedding_norm:
        tables.append(stack_norm(decoder, "decoder_layernorm_embedding", "y", "y", rows))
    predicted = batch * (shape.predicted_positions or target)
    head: list[Operation] = [stack_norm(decoder, "decoder_norm", "y", "h", rows)] if spec.final_norm else []
    head.append(
        vocabulary_head(
            predicted, decoder.width, spec.vocabulary, source="h" if spec.final_norm else "y", tied=spec.tied
        )
    )
    return Model(
        family="encoder-decoder",
        stages=(
            *stages,
            (Layer(part="encoder", operations=(memory,), carries=("memory",), checkpointed=False),),
            (Layer(part="embeddings", operations=tuple(tables), carries=("y",), checkpointed=False),),
            blocks(decoder, batch, target, None, memory_length),
            (head_layer(*head),),
        ),
        samples=batch,
        tokens=source_rows + rows,
        source_tokens=source_rows,
        target_tokens=rows,
        lora_targets=decoder.lora_targets,
    )
