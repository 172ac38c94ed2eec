"""ELMo: a character CNN, two LSTM stacks in opposite directions, a sampled softmax.

Keys are those of the options file of bilm-tf (Peters et al. 2018, arXiv:1802.05365): ``lstm``
(``dim``, ``projection_dim``, ``n_layers``), ``char_cnn`` (``embedding.dim``, ``filters``,
``max_characters_per_token``, ``n_highway``, ``n_characters``), ``n_tokens_vocab``,
``n_negative_samples_batch``, ``bidirectional``. In training each direction reads its own copy of the
text, so the character CNN runs twice per token. The softmax table is not counted among the parameters:
training keeps it on the host, and the published weights do not include it.
"""

from __future__ import annotations

from footprint.flops.blocks.pieces import convolution, embedding, embedding_layer, head_layer
from footprint.flops.blocks.recurrent import pass_on, recurrent_layer
from footprint.flops.config.fields import Fields
from footprint.flops.config.shapes import required_length, unknown_objective
from footprint.flops.operations import EMBEDDING, HEAD, Layer, Model, Number, Operation, linear
from footprint.schema import StepShape

MODEL_TYPES = ("elmo",)


def build(fields: Fields, shape: StepShape, objective: str) -> Model:
    """The operation list of an ELMo step."""
    if objective not in ("", "bilm"):
        raise unknown_objective(objective, ("bilm",))
    lstm = fields.part("lstm")
    hidden = lstm.size("dim")
    width = lstm.size("projection_dim", default=hidden)
    depth = lstm.layers("n_layers", default=1)
    length = required_length(shape)
    batch = shape.sequences
    rows = batch * length
    directions = ("forward.", "backward.") if fields.flag("bidirectional", default=False) else ("forward.",)
    streams = tuple(prefix + "x" for prefix in directions)
    vocabulary = fields.size("n_tokens_vocab")
    sampled = vocabulary
    if fields.flag("sample_softmax", default=True):
        sampled = fields.size("n_negative_samples_batch")
    layers: list[Operation] = []
    for prefix, stream in zip(directions, streams, strict=True):
        # The original program (bilm-tf) multiplies inputs and state in one cell at every time step.
        layers += recurrent_layer(
            batch, length, width, hidden, projection=width if width < hidden else 0, biases=1, at_once=False,
            source=stream, output=prefix + "y", prefix=prefix,
        )  # fmt: skip
        layers.append(pass_on(prefix + "y", stream))
    return Model(
        family="recurrent",
        stages=(
            (embedding_layer(*_tokens(fields, rows, width, directions))._replace(carries=streams),),
            (Layer(part="encoder", operations=tuple(layers), positions=range(depth), carries=streams),),
            (
                head_layer(
                    *(
                        linear("softmax", HEAD, stream, prefix + "logits", rows, width, sampled, tied=True)
                        for prefix, stream in zip(directions, streams, strict=True)
                    )
                ),
            ),
        ),
        samples=batch,
        tokens=rows,
        lora_targets=("forward.input", "backward.input"),
    )


def _tokens(fields: Fields, rows: Number, width: int, directions: tuple[str, ...]) -> list[Operation]:
    """Token vectors for each direction, from characters or from a table."""
    if "char_cnn" not in fields:
        table: list[Operation] = [embedding("embedding", fields.size("n_tokens_vocab"), width, "table")]
        return table + [pass_on("table", prefix + "x") for prefix in directions]
    cnn = fields.part("char_cnn")
    characters = cnn.part("embedding").size("dim")
    longest = cnn.size("max_characters_per_token")
    filters = _filters(cnn, longest)
    joined = sum(number for _, number in filters)
    highways = cnn.size("n_highway", default=0, minimum=0, maximum=100)
    operations: list[Operation] = [embedding("characters", cnn.size("n_characters"), characters, "chars")]
    for direction, prefix in enumerate(directions):
        tied = direction > 0  # the second direction uses the weights of the first
        operations += [
            convolution(
                f"char_cnn.{taps}",
                "chars",
                prefix + "c",
                rows * (longest - taps + 1),
                characters,
                number,
                taps,
                bias=not tied,
                tied=tied,
            )
            for taps, number in filters
        ]
        for index in range(highways):
            operations += [
                linear(
                    f"highway.{index}.{gate}", EMBEDDING, prefix + "c", prefix + "c", rows, joined, joined,
                    bias=not tied, tied=tied,
                )
                for gate in ("carry", "transform")
            ]  # fmt: skip
        if joined != width:
            operations.append(
                linear(
                    "projection",
                    EMBEDDING,
                    prefix + "c",
                    prefix + "x",
                    rows,
                    joined,
                    width,
                    bias=not tied,
                    tied=tied,
                )
            )
        else:
            operations.append(pass_on(prefix + "c", prefix + "x"))
    return operations


def _filters(cnn: Fields, longest: int) -> tuple[tuple[int, int], ...]:
    """(taps, number of filters) of each convolution."""
    _, given = cnn.raw("filters")
    try:
        filters = tuple((taps, number) for taps, number in given)
    except (TypeError, ValueError):
        filters = ()
    for pair in filters:
        if (
            not all(type(value) is int and value > 0 for value in pair)
            or pair[0] > longest
            or pair[1] > 10**6
        ):
            filters = ()
            break
    if not filters or len(filters) > 100:
        raise cnn.error("filters", f"must be pairs [taps, number], taps up to {longest} characters")
    return filters
