"""Encoders of sound like wav2vec 2.0: convolutions over the wave, a convolution for positions, a stack."""

from __future__ import annotations

from footprint.flops.blocks.pieces import (
    activation,
    convolution,
    embedding_layer,
    head_layer,
    mlp,
    parameters_only,
)
from footprint.flops.blocks.transformer import Stack, blocks, stack_norm, stack_sizes
from footprint.flops.config.fields import Fields
from footprint.flops.config.shapes import labels, required_length, unknown_objective
from footprint.flops.operations import HEAD, NORM, Layer, Model, Number, Operation, Pointwise, linear, norm
from footprint.schema import StepShape

MODEL_TYPES = ("wav2vec2", "hubert", "unispeech", "unispeech-sat")
OBJECTIVES = ("ctc", "classification", "contrastive", "encode")
_WIDTHS, _STRIDES, _KERNELS = (512,) * 7, (5, 2, 2, 2, 2, 2, 2), (10, 3, 3, 3, 3, 2, 2)


def build(fields: Fields, shape: StepShape, objective: str) -> Model:
    """The operation list of a speech encoder; ``sequence_length`` counts samples of sound (16,000 a second).

    Letters by CTC are predicted unless an objective is given; ``contrastive`` is the pre-training of
    wav2vec 2.0, which quantises what the convolutions give.
    """
    objective = objective or "ctc"
    batch, length = shape.sequences, required_length(shape)
    stem, frames = _convolutions(fields, batch, length)
    stack = _stack(fields)
    pre = stack.norms == "pre"
    rows = batch * frames
    widths = fields.sizes("conv_dim", default=_WIDTHS)
    stem += _projection(fields, rows, widths[-1], stack)
    stem += _positions(fields, batch, frames, stack.width)
    if not pre:
        stem.append(stack_norm(stack, "encoder_norm", "x", "x", rows))
    layers = blocks(stack, batch, frames)
    if pre and (narrow := fields.optional_size("adapter_attn_dim")):
        layers = tuple(_adapted(layer, rows, stack.width, narrow) for layer in layers)
    head: list[Operation] = [stack_norm(stack, "encoder_norm", "x", "x", rows)] if pre else []
    head += _head(fields, stack, batch, frames, widths[-1], objective)
    return Model(
        family="audio-encoder",
        stages=((embedding_layer(*stem)._replace(carries=("x", "f")),), layers, (head_layer(*head),)),
        samples=batch,
        tokens=batch * length,
        lora_targets=stack.lora_targets,
    )


def _convolutions(fields: Fields, batch: Number, length: int) -> tuple[list[Operation], int]:
    """The convolutions over the wave, and the number of frames that they leave."""
    widths = fields.sizes("conv_dim", default=_WIDTHS)
    strides = fields.sizes("conv_stride", default=_STRIDES, length=len(widths))
    kernels = fields.sizes("conv_kernel", default=_KERNELS, length=len(widths))
    everywhere = fields.text("feat_extract_norm", default="group") == "layer"
    bias = fields.flag("conv_bias", default=False)
    operations: list[Operation] = []
    source, inputs = "wave", 1
    for index, (width, stride, kernel) in enumerate(zip(widths, strides, kernels, strict=True)):
        length = (length - kernel) // stride + 1
        if length < 1:
            raise fields.error("conv_kernel", "needs more samples of sound than there are")
        rows = batch * length
        operations.append(convolution(f"conv{index}", source, "f", rows, inputs, width, kernel, bias=bias))
        if everywhere or index == 0:
            operations.append(norm(f"conv{index}_norm", "f", "f", rows, width, bias=True))
        operations.append(activation("f", "f", rows * width, f"conv{index}_activation"))
        source, inputs = "f", width
    return operations, length


def _projection(fields: Fields, rows: Number, inputs: int, stack: Stack) -> list[Operation]:
    """The frames at the width of the stack, and the vector that stands for a masked frame."""
    operations: list[Operation] = []
    if fields.flag("feat_proj_layer_norm", default=True):
        operations.append(norm("feature_norm", "f", "f", rows, inputs, bias=True))
    operations.append(linear("feature_projection", HEAD, "f", "x", rows, inputs, stack.width, bias=True))
    masked = (
        fields.number("mask_time_prob", default=0.05) > 0 or fields.number("mask_feature_prob", default=0) > 0
    )
    if masked:
        operations.append(parameters_only("masked_spec_embed", stack.width))
    return operations


def _positions(fields: Fields, batch: Number, frames: int, width: int) -> list[Operation]:
    """The grouped convolution that stands for positions."""
    taps = fields.size("num_conv_pos_embeddings", default=128)
    groups = fields.size("num_conv_pos_embedding_groups", default=16)
    fields.divide(width, groups, "hidden_size", "num_conv_pos_embedding_groups")
    outputs = batch * (frames + 2 * (taps // 2) - taps + 1)
    operations: list[Operation] = []
    source = "x"
    if fields.flag("conv_pos_batch_norm", default=False):
        source = "p"
        operations.append(norm("pos_conv_norm", "x", source, batch * frames, width, bias=True))
    else:  # its weight is normalised: a length for each tap beside the directions
        operations.append(parameters_only("pos_conv_lengths", taps, "lengths"))
    operations += [
        convolution("pos_conv", source, "p", outputs, width, width, taps, groups=groups, bias=True),
        activation("p", "p", batch * frames * width, "pos_conv_activation"),
        Pointwise(name="add_positions", component=NORM, inputs=("x", "p"), output="x"),
    ]  # fmt: skip
    return operations


def _stack(fields: Fields) -> Stack:
    return Stack(
        **stack_sizes(fields),
        inner=fields.size("intermediate_size"),
        causal=False,
        gated=False,
        attention_names=("q_proj", "k_proj", "v_proj", "out_proj"),
        mlp_names=("intermediate_dense", "output_dense"),
        qkv_bias=True,
        out_bias=True,
        mlp_bias=True,
        norm_parameters=2,
        norms="pre" if fields.flag("do_stable_layer_norm", default=False) else "post",
        dropout=fields.number("attention_dropout", default=0.1) > 0,
        residual_dropout=fields.number("hidden_dropout", default=0.1) > 0,
        part="encoder",
    )


def _adapted(layer: Layer, rows: Number, width: int, narrow: int) -> Layer:
    """A block with the small adapter of languages after it."""
    added = (
        norm("adapter_norm", "x", "ad", rows, width, bias=True),
        *mlp(rows, width, narrow, names=("adapter_in", "adapter_out"), source="ad", bias=True),
    )
    return layer._replace(operations=(*layer.operations, *added))


def _shorter(fields: Fields, width: int, batch: Number, frames: int) -> tuple[list[Operation], int, int]:
    """The strided convolutions that some models put before the head; the width and frames after them."""
    if not fields.flag("add_adapter", default=False):
        return [], width, frames
    outputs = fields.size("output_hidden_size", default=width)
    kernel = fields.size("adapter_kernel_size", default=3)
    stride = fields.size("adapter_stride", default=2)
    operations: list[Operation] = []
    if outputs != width:
        operations += [
            linear("adapter_proj", HEAD, "x", "x", batch * frames, width, outputs, bias=True),
            norm("adapter_proj_norm", "x", "x", batch * frames, outputs, bias=True),
        ]
    for index in range(fields.layers("num_adapter_layers", default=3)):
        frames = (frames + 2 - kernel) // stride + 1
        if frames < 1:
            raise fields.error("num_adapter_layers", "leaves no frames")
        rows = batch * frames
        operations += [
            convolution(f"adapter{index}", "x", "x", rows, outputs, 2 * outputs, kernel, bias=True),
            activation("x", "x", 2 * rows * outputs, f"adapter{index}_glu"),
        ]
    return operations, outputs, frames


def _head(
    fields: Fields, stack: Stack, batch: Number, frames: int, features: int, objective: str
) -> list[Operation]:
    """Letters, classes, or the quantised targets of pre-training."""
    if objective == "contrastive" and fields.text("model_type") == "wav2vec2":
        return _contrastive(fields, stack, batch * frames, features)
    if objective == "contrastive" or objective not in OBJECTIVES:
        known = OBJECTIVES if fields.text("model_type") == "wav2vec2" else (*OBJECTIVES[:2], "encode")
        raise unknown_objective(objective, known)
    if objective == "classification":
        narrow = fields.size("classifier_proj_size", default=256)
        return [
            linear("projector", HEAD, "x", "p", batch * frames, stack.width, narrow, bias=True),
            linear("classifier", HEAD, "p", "class", batch, narrow, labels(fields), bias=True),
        ]
    operations, width, frames = _shorter(fields, stack.width, batch, frames)
    if objective == "ctc":
        letters = fields.size("vocab_size", default=32)
        operations.append(linear("lm_head", HEAD, "x", "logits", batch * frames, width, letters, bias=True))
    return operations


def _contrastive(fields: Fields, stack: Stack, rows: Number, features: int) -> list[Operation]:
    """Each frame names its own quantised features among those of others."""
    groups = fields.size("num_codevector_groups", default=2)
    entries = fields.size("num_codevectors_per_group", default=320)
    width = fields.size("codevector_dim", default=256)
    compared = fields.size("proj_codevector_dim", default=256)
    fields.divide(width, groups, "codevector_dim", "num_codevector_groups")
    return [
        linear("quantizer", HEAD, "f", "codes", rows, features, groups * entries, bias=True),
        Pointwise(
            name="codevectors", component=HEAD, inputs=("codes",), output="codes",
            parameters=entries * width, saved=2 * rows * groups * entries,
        ),
        linear("project_q", HEAD, "codes", "targets", rows, width, compared, bias=True),
        linear("project_hid", HEAD, "x", "hidden", rows, stack.width, compared, bias=True),
    ]  # fmt: skip
