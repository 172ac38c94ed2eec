"""DeBERTa 2 and 3: each score adds the products of contents with relative positions."""

from __future__ import annotations

from footprint.flops.blocks.attention import all_pairs, attend
from footprint.flops.blocks.encoder import Encoder, bert_like, encoder_model
from footprint.flops.blocks.pieces import activation, convolution, embedding
from footprint.flops.blocks.transformer import Kind, Mixer
from footprint.flops.config.fields import Fields
from footprint.flops.config.shapes import required_length
from footprint.flops.operations import CORE, PROJECTIONS, Layer, Matmul, Model, Operation, linear, norm
from footprint.records import replace
from footprint.schema import StepShape

MODEL_TYPES = ("deberta-v2",)
_PROJECTIONS = ("query_proj", "key_proj", "value_proj", "attention.output.dense")


def build(fields: Fields, shape: StepShape, objective: str) -> Model:
    """The operation list of a DeBERTa encoder; masked-language modelling unless an objective is given."""
    spec = _encoder(fields)
    length = required_length(shape)
    layers = spec.stack.layers
    span = _span(fields)
    taps = fields.size("conv_kernel_size", default=0, minimum=0)
    mixer = _mixer(fields, spec, shape.sequences, length, shape.document_length, span)
    kinds = tuple(
        Kind(positions=positions, mixer=mixer)
        for positions in ((range(1), range(1, layers)) if taps else (range(layers),))
        if len(positions)
    )
    spec = spec._replace(stack=spec.stack._replace(kinds=kinds))
    model = encoder_model(spec, fields, shape, objective)
    tables, blocks, head = model.stages
    rows = shape.sequences * length
    width = spec.stack.width
    if span:
        tables = (_with_positions(fields, tables[0], span, width),)
    if taps:
        blocks = (_with_convolution(blocks[0], rows, length, width, taps), *blocks[1:])
    return replace(model, stages=(tables, blocks, head))


def _encoder(fields: Fields) -> Encoder:
    width = fields.size("hidden_size")
    narrow = fields.size("embedding_size", default=width)
    if narrow != width:
        raise fields.error("embedding_size", "must be hidden_size")
    positions = fields.size("max_position_embeddings", default=512)
    placed = fields.flag("position_biased_input", default=True)
    types = fields.size("type_vocab_size", default=0, minimum=0)
    return bert_like(
        fields,
        attention_names=_PROJECTIONS,
        lora_targets=("query_proj", "value_proj"),
        tables=(("position_embeddings", positions if placed else 0), ("token_type_embeddings", types)),
    )


def _span(fields: Fields) -> int:
    """Number of relative positions on either side; 0 without relative attention."""
    if not fields.flag("relative_attention", default=False):
        return 0
    if (buckets := fields.size("position_buckets", default=-1, minimum=-1)) > 0:
        return buckets
    farthest = fields.size("max_relative_positions", default=-1, minimum=-1)
    return farthest if farthest > 0 else fields.size("max_position_embeddings", default=512)


def _kinds(fields: Fields) -> tuple[str, ...]:
    """Which of the products with positions there are: c2p, p2c."""
    given = fields.raw("pos_att_type", default=())[1]
    found = tuple(
        word.strip()
        for word in (given.lower().split("|") if isinstance(given, str) else fields.words("pos_att_type"))
    ) if given else ()  # fmt: skip
    if set(found) - {"c2p", "p2c"}:
        raise fields.error("pos_att_type", "must be c2p, p2c or both")
    return found


def _mixer(
    fields: Fields, spec: Encoder, batch: int | float, length: int, document: float | None, span: int
) -> Mixer:
    """Attention whose scores are sums: contents with contents, and contents with positions both ways."""
    stack = spec.stack
    width, heads, head_dim = stack.width, stack.heads, stack.head_dim
    rows = batch * length
    shared = fields.flag("share_att_key", default=False)
    kinds = _kinds(fields) if span else ()
    if span and not kinds:
        raise fields.error("pos_att_type", "is missing, which relative_attention needs: c2p, p2c or both")

    def mixer(source: str, stream: str) -> tuple[Operation, ...]:
        operations: list[Operation] = [
            linear(name, PROJECTIONS, source, output, rows, width, width, bias=True)
            for name, output in zip(_PROJECTIONS[:3], "qkv", strict=True)
        ]
        # one projection of each relative position serves the whole batch
        for kind, content, position in (("c2p", "q", "key"), ("p2c", "k", "query")):
            if kind not in kinds:
                continue
            vectors = f"positions_{position}"
            operations.append(
                linear(
                    f"pos_{position}_proj", PROJECTIONS, "relative", vectors, 2 * span, width, width,
                    bias=not shared, tied=shared,
                )
            )  # fmt: skip
            operations.append(
                Matmul(
                    name=f"{kind}_scores", component=CORE, inputs=(content, vectors), output=kind,
                    m=length, k=head_dim, n=2 * span, count=batch * heads,
                )
            )  # fmt: skip
        operations += attend(
            all_pairs(length, length, document), batch=batch, heads=heads, qk_dim=head_dim,
            dropout=stack.dropout,
        )  # fmt: skip
        operations.append(linear(_PROJECTIONS[3], PROJECTIONS, "a", stream, rows, width, width, bias=True))
        return tuple(operations)

    return mixer


def _with_positions(fields: Fields, tables: Layer, span: int, width: int) -> Layer:
    """The embeddings with the table of relative positions, which every block reads."""
    added: list[Operation] = [embedding("rel_embeddings", 2 * span, width, "relative")]
    words = fields.text("norm_rel_ebd", default="none").lower().split("|")
    if "layer_norm" in [word.strip() for word in words]:
        added.append(norm("relative_norm", "relative", "relative", 2 * span, width, bias=True))
    return tables._replace(operations=(*tables.operations, *added), carries=("x", "relative"))


def _with_convolution(block: Layer, rows: int | float, length: int, width: int, taps: int) -> Layer:
    """The first block with the convolution over words beside it."""
    outputs = rows // length * (length + 2 * ((taps - 1) // 2) - taps + 1)
    convolved: tuple[Operation, ...] = (
        convolution("conv", "x", "convolved", outputs, width, width, taps, bias=True),
        activation("convolved", "convolved", outputs * width),
    )
    added = norm("conv_norm", "x", "x", rows, width, bias=True)._replace(inputs=("x", "convolved"))
    return block._replace(operations=(*convolved, *block.operations, added))
