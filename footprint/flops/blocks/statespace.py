"""State-space mixers: Mamba's selective scan and Mamba-2's chunked scan.

The matrix products of the scans are counted; their elementwise work is not, as for softmax. The
projections of a mixer are in the same component (docs/decisions/components.md). Mamba-1 multiplies the
state of each step by C. Mamba-2 (Dao & Gu 2024, arXiv:2405.21060) works in chunks: scores and outputs
inside a chunk, one state per chunk, a recurrence over chunks, outputs from states.
"""

from __future__ import annotations

from footprint.flops.blocks.pieces import parameters_only
from footprint.flops.blocks.transformer import Mixer
from footprint.flops.operations import (
    CONVOLUTION,
    NORM,
    POINTWISE,
    RECURRENCE,
    Matmul,
    Number,
    Operation,
    Pointwise,
    linear,
)
from footprint.named_tuples import NamedTuple


class Sequences(NamedTuple):
    """The batch that a mixer processes."""

    batch: Number
    length: int

    @property
    def rows(self) -> Number:
        """Number of tokens in the batch."""
        return self.batch * self.length


def causal_convolution(
    name: str, source: str, output: str, data: Sequences, channels: int, kernel: int, *, bias: bool
) -> Matmul:
    """A depthwise convolution over time; eager code pads both ends and discards the end of the result."""
    per_row = 2 * data.batch * channels * kernel
    return Matmul(
        name=name, component=CONVOLUTION, inputs=(source,), output=output,
        m=data.batch * (data.length + kernel - 1), k=kernel, n=1, count=channels, weights=channels,
        bias=channels if bias else 0, taps=kernel,
        full_flop=per_row * data.length, causal_flop=per_row * data.length,
    )  # fmt: skip


class Mamba1(NamedTuple):
    """Sizes of a selective-scan mixer."""

    width: int
    inner: int
    state: int
    rank: int
    kernel: int
    conv_bias: bool = True
    bias: bool = False
    inner_norms: bool = False
    """Norms with parameters on the time step, B and C (Jamba)."""


def mamba1(sizes: Mamba1, data: Sequences) -> Mixer:
    """The mixer of Mamba (Gu & Dao 2023, arXiv:2312.00752)."""
    width, inner, state, rank = sizes.width, sizes.inner, sizes.state, sizes.rank
    rows = data.rows

    def mixer(source: str, output: str) -> tuple[Operation, ...]:
        operations: list[Operation] = [
            linear("in_proj", RECURRENCE, source, "xz", rows, width, 2 * inner, bias=sizes.bias),
            causal_convolution("conv1d", "xz", "c", data, inner, sizes.kernel, bias=sizes.conv_bias),
            Pointwise(name="conv_act", component=POINTWISE, inputs=("c",), output="u", saved=rows * inner),
            linear("x_proj", RECURRENCE, "u", "dbc", rows, inner, rank + 2 * state),
        ]
        if sizes.inner_norms:
            operations.append(
                Pointwise(
                    name="dt_b_c_norms",
                    component=NORM,
                    inputs=("dbc",),
                    output="dbc",
                    parameters=rank + 2 * state,
                    saved=rows * (rank + 2 * state),
                )
            )
        operations += [
            linear("dt_proj", RECURRENCE, "dbc", "dt", rows, rank, inner, bias=True),
            Pointwise(
                name="scan",
                component=RECURRENCE,
                inputs=("u", "dbc", "dt"),
                output="states",
                parameters=inner * state + inner,
                saved=3 * rows * inner,
            ),
            Matmul(
                name="read_state",
                component=RECURRENCE,
                inputs=("states", "dbc"),
                output="ys",
                m=inner,
                k=state,
                n=1,
                count=rows,
                traffic=rows * (3 * inner + 2 * state),  # inputs, time steps, B and C, results; no states
            ),
            Pointwise(
                name="gate", component=POINTWISE, inputs=("ys", "xz"), output="y", saved=2 * rows * inner
            ),
            linear("out_proj", RECURRENCE, "y", output, rows, inner, width, bias=sizes.bias),
        ]
        return tuple(operations)

    return mixer


class Mamba2(NamedTuple):
    """Sizes of a chunked-scan mixer."""

    width: int
    heads: int
    head_dim: int
    groups: int
    state: int
    kernel: int
    chunk: int
    conv_bias: bool = True
    bias: bool = False
    norm: bool = True
    out_bias: bool | None = None
    """Whether the output projection has a bias; None: as the input projection."""


def mamba2(sizes: Mamba2, data: Sequences) -> Mixer:
    """The mixer of Mamba-2."""
    inner = sizes.heads * sizes.head_dim
    channels = inner + 2 * sizes.groups * sizes.state
    rows = data.rows

    def mixer(source: str, output: str) -> tuple[Operation, ...]:
        operations: list[Operation] = [
            linear(
                "in_proj",
                RECURRENCE,
                source,
                "zxbc",
                rows,
                sizes.width,
                inner + channels + sizes.heads,
                bias=sizes.bias,
            ),
            causal_convolution("conv1d", "zxbc", "c", data, channels, sizes.kernel, bias=sizes.conv_bias),
            Pointwise(name="conv_act", component=POINTWISE, inputs=("c",), output="u", saved=rows * channels),
            parameters_only("dt_bias, A_log, D", 3 * sizes.heads, "u"),
            *_chunks(sizes, data),
        ]
        if sizes.norm:
            operations.append(
                Pointwise(
                    name="norm",
                    component=NORM,
                    inputs=("y", "zxbc"),
                    output="yn",
                    parameters=inner,
                    saved=2 * rows * inner,
                )
            )
        else:
            operations.append(
                Pointwise(
                    name="gate",
                    component=POINTWISE,
                    inputs=("y", "zxbc"),
                    output="yn",
                    saved=2 * rows * inner,
                )
            )
        operations.append(
            linear(
                "out_proj",
                RECURRENCE,
                "yn",
                output,
                rows,
                inner,
                sizes.width,
                bias=sizes.bias if sizes.out_bias is None else sizes.out_bias,
            )
        )
        return tuple(operations)

    return mixer


def _chunks(sizes: Mamba2, data: Sequences) -> tuple[Operation, ...]:
    """The products of the chunked scan; eager code pads the last chunk, ``full`` excludes the padding."""
    chunk, state, width = sizes.chunk, sizes.state, sizes.head_dim
    whole, rest = divmod(data.length, chunk)
    chunks = whole + (1 if rest else 0)
    count = data.batch * chunks * sizes.heads
    streams = data.batch * sizes.heads
    pairs = whole * chunk * chunk + rest * rest
    triangle = whole * (chunk * (chunk + 1) // 2) + rest * (rest + 1) // 2
    tokens = data.length

    # What the kernels of the authors read and write; the scores inside a chunk stay in registers.
    of_inputs = data.rows * sizes.heads * width
    of_groups = data.rows * sizes.groups * state
    of_states = count * state * width

    def product(
        name: str, inputs: tuple[str, str], output: str, m: int, k: int, n: int, full: int, causal: int,
        traffic: Number,
    ) -> Matmul:  # fmt: skip
        return Matmul(
            name=name, component=RECURRENCE, inputs=inputs, output=output, m=m, k=k, n=n, count=count,
            full_flop=2 * streams * full, causal_flop=2 * streams * causal, traffic=traffic,
        )  # fmt: skip

    through = tokens * state * width
    return (
        product(
            "chunk_scores", ("u", "u"), "g", chunk, state, chunk, pairs * state, triangle * state,
            2 * of_groups,
        ),
        product(
            "chunk_outputs", ("g", "u"), "y", chunk, chunk, width, pairs * width, triangle * width,
            2 * of_inputs,
        ),
        product(
            "chunk_states", ("u", "u"), "st", state, chunk, width, through, through,
            of_inputs + of_groups + of_states,
        ),
        Matmul(
            name="chunk_recurrence", component=RECURRENCE, inputs=("u", "st"), output="ns",
            m=chunks + 1, k=chunks + 1, n=width * state, count=streams, traffic=2 * of_states,
        ),
        product("state_outputs", ("u", "ns"), "y", chunk, state, width, through, through, of_states),
    )  # fmt: skip
