"""The operation list: what one training step multiplies, from which everything else follows.

A model is a row of *stages*; a stage is a row of *layers*, where identical layers are one record
with many positions; a layer is a short tape of operations that read and write named tensors.
Forward, input-gradient and weight-gradient FLOPs, LoRA, recomputation, causal and full
attention, bytes moved and stored activations are all derived from this one list, so a model
family only has to say what it multiplies.

1 multiply-add = 2 FLOP. Numbers stay whole as long as the inputs are, so sums are exact.
"""

from __future__ import annotations

from footprint.records import NamedTuple, record

Number = int | float
Positions = range | tuple[int, ...]

# Components, as outputs name them.
PROJECTIONS = "attention_projections"
CORE = "attention_core"
MLP = "mlp"
EXPERTS = "experts"
ROUTER = "router"
HEAD = "head"
EMBEDDING = "embedding"
CONVOLUTION = "convolution"
RECURRENCE = "recurrence"
ADAPTERS = "adapters"
NORM = "norm"
POINTWISE = "pointwise"
COMPONENTS = (
    PROJECTIONS, CORE, MLP, EXPERTS, ROUTER, CONVOLUTION, RECURRENCE, EMBEDDING, HEAD, ADAPTERS,
)  # fmt: skip


class Matmul(NamedTuple):
    """``count`` products of an (m x k) with a (k x n) matrix.

    With ``weights`` > 0 the right-hand side is a parameter: ``weights`` distinct matrices, each
    ``k x n`` (experts: m rows in all are routed over them). With ``weights`` = 0 both sides are
    activations, as in attention, and ``inputs`` names the two.
    """

    name: str
    component: str
    inputs: tuple[str, ...]
    output: str
    m: Number
    k: Number
    n: Number
    count: Number = 1  # type: ignore[assignment]  # hides tuple.count, which nobody needs here
    weights: Number = 0
    bias: Number = 0
    """Parameters that are added, not multiplied."""
    tied: bool = False
    """The weight is another operation's and counted there; a head's is the embedding's, frozen with it."""
    chosen: Number | None = None
    """Experts: how many of the weights one token meets; None means all."""
    full_flop: Number | None = None
    """Forward FLOP of the (query, key) pairs within the window; None means all."""
    causal_flop: Number | None = None
    """Forward FLOP of the pairs that a causal mask (and the window) leaves; None means all."""
    scores: bool = False
    """Q K^T, which fused attention computes again in its backward pass."""
    groups: int = 1
    """Attention: query heads that share a key and value head."""
    taps: int = 1
    """Convolutions: positions of the kernel, among which ``k`` counts every input once each."""
    heads: int = 0
    """Attention scores: query heads, which tensor ranks share out whole."""

    @property
    def dense_flop(self) -> Number:
        """Forward FLOP of every multiply-add, masked or not [FLOP]."""
        return 2 * self.count * self.m * self.k * self.n

    @property
    def learns(self) -> bool:
        """Whether the right-hand side is a parameter."""
        return self.weights > 0

    @property
    def parameters(self) -> Number:
        """Parameters that belong to this operation."""
        return self.bias if self.tied else self.weights * self.k * self.n + self.bias

    @property
    def idle_parameters(self) -> Number:
        """Parameters that one token does not meet: the experts it is not routed to."""
        if self.chosen is None or self.chosen >= self.weights:
            return 0
        idle = (self.weights - self.chosen) * (self.k * self.n * self.weights + self.bias)
        return (
            idle // self.weights
            if isinstance(idle, int) and idle % self.weights == 0
            else idle / self.weights
        )


class Pointwise(NamedTuple):
    """Work without matrix products: look-ups, norms, activations, softmax, dropout. No FLOP counted."""

    name: str
    component: str
    inputs: tuple[str, ...]
    output: str
    parameters: Number = 0
    saved: Number = 0
    """Elements kept for the backward pass, at the precision of the activations."""
    masks: Number = 0
    """Elements kept at one byte each (dropout masks)."""
    tied: bool = False
    """A second use of the embedding's table, which is counted there."""
    fixed: bool = False
    """Parameters that are never trained (sinusoidal tables)."""

    @property
    def learns(self) -> bool:
        """Whether it has parameters that can be trained."""
        return self.tied or (self.parameters > 0 and not self.fixed)


Operation = Matmul | Pointwise


class Layer(NamedTuple):
    """Identical layers of a stage: one tape, executed at each of ``positions``."""

    part: str
    """What ``frozen`` calls it: embeddings, encoder, decoder, vision, head, ..."""
    operations: tuple[Operation, ...]
    positions: Positions = range(1)
    carries: tuple[str, ...] = ("x",)
    """Tensors that later layers read."""
    checkpointed: bool = True
    """Full activation recomputation covers it (blocks: yes; embeddings and heads: no)."""
    shared: bool = False
    """All positions use one set of parameters (ALBERT)."""


Stage = tuple[Layer, ...]


@record
class Model:
    """The operation list of one training step."""

    family: str
    """What kind of network: encoder, decoder, encoder-decoder, mixture-of-experts, ..."""
    stages: tuple[Stage, ...]
    samples: Number
    tokens: Number | None
    source_tokens: Number | None = None
    target_tokens: Number | None = None
    lora_targets: tuple[str, ...] = ()
    """Projections that LoRA adapts unless told otherwise."""
    frozen: frozenset[str] = frozenset()
    """Operations that are frozen whatever the training method says, as in a module that was traced."""


def linear(
    name: str,
    component: str,
    source: str,
    output: str,
    rows: Number,
    k: Number,
    n: Number,
    *,
    bias: bool = False,
    tied: bool = False,
) -> Matmul:
    """A dense layer: ``rows`` vectors of width k to width n."""
    # (by position: these few lines make most of a list)
    return Matmul._make(
        (name, component, (source,), output, rows, k, n, 1, 1, n if bias else 0, tied)
    )  # fmt: skip


def norm(
    name: str, source: str, output: str, rows: Number, width: Number, *, bias: bool = False
) -> Pointwise:
    """A layer or RMS norm; keeps its input for the backward pass."""
    return Pointwise._make((name, NORM, (source,), output, 2 * width if bias else width, rows * width))
