"""Whisper: two convolutions over mel frames, an encoder, and a text decoder."""

from __future__ import annotations

from footprint.errors import FootprintError
from footprint.flops.blocks.pieces import activation, convolution, embedding, embedding_layer
from footprint.flops.blocks.seq2seq import Seq2Seq, with_decoder
from footprint.flops.blocks.transformer import blocks
from footprint.flops.config.fields import Fields
from footprint.flops.families.bart import bart_stack
from footprint.flops.operations import Model
from footprint.schema import StepShape

MODEL_TYPES = ("whisper",)
_KERNEL = 3


def own_length(fields: Fields) -> int:
    """Number of mel frames per sample: two for each position of the encoder."""
    return 2 * fields.size("max_source_positions", default=1500)


def build(fields: Fields, shape: StepShape, objective: str) -> Model:
    """The operation list of a Whisper model; ``sequence_length`` counts mel frames (3000 = 30 s)."""
    width = fields.size("d_model")
    frames = own_length(fields)
    positions = frames // 2
    if shape.sequence_length not in (None, frames):
        raise FootprintError(
            f"Whisper pads its audio to {frames} mel frames; sequence_length {shape.sequence_length} differs"
        )
    batch = shape.sequences
    rows = batch * positions
    stem = embedding_layer(
        convolution(
            "conv1", "mel", "c1", batch * frames, fields.size("num_mel_bins"), width, _KERNEL, bias=True
        ),
        activation("c1", "c2", batch * frames * width),
        convolution("conv2", "c2", "c3", rows, width, width, _KERNEL, bias=True),
        activation("c3", "x", rows * width),
        embedding("embed_positions", positions, width, "fixed", fixed=True),
    )
    encoder = bart_stack(fields, "encoder", pre=True, key_bias=False)
    spec = Seq2Seq(
        encoder=encoder,
        decoder=bart_stack(fields, "decoder", pre=True, key_bias=False),
        vocabulary=fields.size("vocab_size"),
        tied=fields.flag("tie_word_embeddings", default=True),
        decoder_positions=fields.size("max_target_positions", default=448),
        final_norm=True,
        own_decoder_table=True,
    )
    stages = ((stem,), blocks(encoder, batch, positions))
    return with_decoder(spec, stages, shape, rows, positions, objective)
