"""The operation list: the matrix products and pointwise operations of one training step.

A model is a sequence of *stages*; a stage is a sequence of *layers*, where identical layers are one
record with many positions; a layer is a short list of operations that read and write named tensors.
Forward, input-gradient and weight-gradient FLOPs, LoRA, recomputation, causal and full attention, bytes
moved and stored activations are all derived from this list. So a model family only defines its
operations.

1 multiply-add = 2 FLOP. Whole inputs give whole numbers, so that sums are exact.
"""

from __future__ import annotations

from footprint.named_tuples import NamedTuple
from footprint.records import record

Number = int | float
Positions = range | tuple[int, ...]

# Names of the components in outputs.
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

    With ``weights`` > 0 the right-hand side is a parameter: ``weights`` distinct matrices of ``k x n``
    (for experts, a total of m rows is divided among them). With ``weights`` = 0 both sides are
    activations, as in attention, and ``inputs`` names both.
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
    """Number of parameters that are added, not multiplied."""
    tied: bool = False
    """The weight belongs to another operation and is counted there (a head tied to the embedding)."""
    chosen: Number | None = None
    """Experts: number of weights used for one token; None means all."""
    full_flop: Number | None = None
    """Forward FLOP of the (query, key) pairs within the window; None means all."""
    causal_flop: Number | None = None
    """Forward FLOP of the pairs within the causal mask and the window; None means all."""
    scores: bool = False
    """Whether this is Q K^T, which fused attention computes again in its backward pass."""
    groups: int = 1
    """Attention: number of query heads that share a key and value head."""
    taps: int = 1
    """Convolutions: number of kernel positions; ``k`` counts every input once per position."""
    heads: int = 0
    """Attention scores: number of query heads, which tensor ranks divide among them."""
    latent: bool = False
    """Attention: its queries, keys and values are cheap to compute again from latents."""
    padded: bool = False
    """Experts: whether each takes a fixed number of rows, so that tokens beyond it are dropped."""
    traffic: Number | None = None
    """Elements that a fused kernel reads and writes for it; None means its operands and its result."""

    @property
    def dense_flop(self) -> Number:
        """Forward FLOP including masked pairs [FLOP]."""
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
        """Parameters that are not used for one token: the experts to which it is not routed."""
        if self.chosen is None or self.chosen >= self.weights:
            return 0
        idle = (self.weights - self.chosen) * (self.k * self.n * self.weights + self.bias)
        return (
            idle // self.weights
            if isinstance(idle, int) and idle % self.weights == 0
            else idle / self.weights
        )


class Pointwise(NamedTuple):
    """Work without matrix products, whose FLOPs are not counted: look-ups, norms, activations, dropout."""

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
    """A second use of the embedding's table, whose parameters are counted there."""
    fixed: bool = False
    """The parameters are never trained (sinusoidal tables)."""

    @property
    def learns(self) -> bool:
        """Whether it has parameters that can be trained."""
        return self.tied or (self.parameters > 0 and not self.fixed)


Operation = Matmul | Pointwise


class Layer(NamedTuple):
    """Identical layers of a stage: one list of operations, executed at each of ``positions``."""

    part: str
    """The name of the part for ``frozen``: embeddings, encoder, decoder, vision, head, ..."""
    operations: tuple[Operation, ...]
    positions: Positions = range(1)
    carries: tuple[str, ...] = ("x",)
    """Tensors that later layers read."""
    checkpointed: bool = True
    """Full recomputation includes the layer (blocks: yes; embeddings and heads: no)."""
    shared: bool = False
    """All positions share one set of parameters (ALBERT)."""


Stage = tuple[Layer, ...]


@record
class Model:
    """The operation list of one training step."""

    family: str
    """The kind of network: encoder, decoder, encoder-decoder, mixture-of-experts, ..."""
    stages: tuple[Stage, ...]
    samples: Number
    tokens: Number | None
    source_tokens: Number | None = None
    target_tokens: Number | None = None
    lora_targets: tuple[str, ...] = ()
    """Projections that LoRA adapts by default."""
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
    """A dense layer, which maps ``rows`` vectors of width k to width n."""
    # arguments by position, for speed: most operations are made here
    return Matmul._make(
        (name, component, (source,), output, rows, k, n, 1, 1, n if bias else 0, tied)
    )  # fmt: skip


def norm(
    name: str, source: str, output: str, rows: Number, width: Number, *, bias: bool = False
) -> Pointwise:
    """A layer norm or RMS norm, which keeps its input for the backward pass."""
    return Pointwise._make((name, NORM, (source,), output, 2 * width if bias else width, rows * width))
