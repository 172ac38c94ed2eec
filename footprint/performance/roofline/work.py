"""An operation list summed for the time and memory models.

Identical layers are summed into one line, so that a layout is evaluated in microseconds and thousands
of layouts can be compared.
"""

from __future__ import annotations

from footprint.arithmetic import Number, minimum, summed, whole_ratio
from footprint.flops.operations import CORE, EXPERTS, HEAD, MLP, Layer, Matmul, Model, Operation, Pointwise
from footprint.flops.passes.gradients import Pass, Trained, passes
from footprint.flops.passes.splits import attention_heads
from footprint.performance.roofline.stored import seconds, stored
from footprint.records import record


@record
class Line:
    """A matrix product, summed over the layers that repeat it and over the global batch."""

    component: str
    times: float
    """Number of layers that execute it."""
    m: float
    """Rows of one layer's product for the whole batch, over all experts."""
    k: float
    n: float
    count: float
    weights: float
    """Number of distinct weight matrices in one layer; 0 where both operands are activations."""
    gradients: int
    """Number of backward products: input gradients that are needed plus the weight gradient."""
    owned: bool
    """Whether its weight is trained."""
    full_flop: float
    """Forward FLOPs of all layers, with attention limited to its windows."""
    causal_flop: float
    dense_flop: float
    scores: bool = False
    taps: float = 1.0
    """Number of kernel positions of a convolution, which reads its inputs once for all of them."""
    traffic: float | None = None
    """Elements of all layers that a fused kernel moves in one pass; None means operands and result."""
    last: bool = False
    """Whether nothing after it in its block is kept, so that the backward pass does not need its result."""


@record
class Work:
    """One training step of the global batch, as sums that the performance model needs."""

    family: str
    blocks: tuple[Line, ...]
    """Products of the repeated layers. Pipelines split these; recomputation repeats them."""
    others: tuple[Line, ...]
    """Embeddings and heads."""
    samples: Number
    rows: Number
    """Rows of the residual stream over the whole batch: tokens, or pixels and patches."""
    width: float
    """Width of the residual stream; 0 where there is none."""
    layers: int
    reductions: float
    """Number of all-reduces of tensor parallelism in one forward pass, over all layers."""
    stored_block: float
    """Elements that the blocks keep for the backward pass."""
    stored_other: float
    unkept_block: float
    """Those elements of the blocks that are written, not kept: inputs of products with frozen weights."""
    projected: float
    """Those of them that selective recomputation computes again: up-projections of latent attention."""
    boundary: float
    """Elements of the layers' inputs, the only activations that full recomputation keeps."""
    scores: float
    """Elements of all attention score matrices."""
    logits: float
    keys_values: float
    """Elements of keys and values over the whole batch and all layers; queries share grouped ones."""
    block_parameters: float
    expert_parameters: float
    other_parameters: float
    trained_share: float
    """Trained parameters over all parameters."""
    experts: float = 0.0
    chosen: float = 1.0
    """Number of experts that one token is sent to."""
    routed: float = 0.0
    """Elements of the residual stream sent to experts, over all layers."""
    padded: bool = False
    """Whether each expert takes a fixed number of rows, so that tokens beyond it are dropped."""
    biased: float = 0.0
    """Elements of the results of experts with biases, over all layers."""
    launches: float = 0.0
    """Number of operations per micro-batch, forward and backward."""
    expert_launches: float = 0.0
    """Number of these operations that are products over all experts."""
    masked: bool = False
    """Whether fused attention reads a mask, so that it skips no pairs."""
    seconds_kept: float = 0.0
    """Elements that the blocks keep where every second product is computed again (`stored.seconds`)."""
    seconds_share: float = 0.0
    """Share of the blocks' products that is then computed twice."""
    heads: int = 0
    """Number of attention heads, which must be a multiple of the tensor ranks; 0 without attention."""

    @property
    def parameters(self) -> float:
        """All parameters."""
        return self.block_parameters + self.expert_parameters + self.other_parameters

    @property
    def is_adapters(self) -> bool:
        """Whether the model is frozen but for small additions."""
        return self.trained_share < 0.5

    def uneven(self, stages: Number, *, head: bool = False) -> Number:
        """Layers of the fullest pipeline stage over the mean number of layers per stage [1].

        ``head`` is whether the head counts as so many layers as have its parameters, as in stacks that
        balance the stages: the last stage then has fewer layers, and the others more.
        """
        shared_out = self.layers + (self._head_layers if head else 0.0)
        return stages * minimum(self.layers, -whole_ratio(-shared_out, stages)) / self.layers

    @property
    def _head_layers(self) -> float:
        """Parameters of the head over those of a layer [1]."""
        heads = sum(line.k * line.n for line in self.others if line.component == HEAD)
        return heads * self.layers / (self.block_parameters + self.expert_parameters)


def summarise(model: Model, trained: Trained, *, masked: bool = False) -> Work:
    """The work of one step, from its operation list and the parts that are trained."""
    sums = _Sums()
    for group in passes(model, trained):
        sums.add(group)
    every = sums.block_parameters + sums.expert_parameters + sums.other_parameters
    return Work(
        family=model.family,
        blocks=tuple(sums.blocks),
        others=tuple(sums.others),
        samples=float(model.samples),
        rows=sums.rows or float(model.tokens or model.samples),
        width=sums.width,
        layers=max(sums.layers, 1),
        reductions=sums.reductions,
        stored_block=sums.stored_block,
        stored_other=sums.stored_other,
        unkept_block=sums.unkept_block,
        projected=sums.projected,
        boundary=sums.boundary,
        scores=sums.scores,
        logits=sums.logits,
        keys_values=sums.keys_values,
        block_parameters=sums.block_parameters,
        expert_parameters=sums.expert_parameters,
        other_parameters=sums.other_parameters,
        trained_share=sums.trained / every if every else 1.0,
        experts=sums.experts,
        chosen=sums.chosen,
        routed=sums.routed,
        padded=sums.padded,
        biased=sums.biased,
        seconds_kept=sums.boundary + sums.seconds_kept,
        seconds_share=sums.seconds_flop / sums.product_flop if sums.product_flop else 0.0,
        launches=sums.launches,
        expert_launches=sums.expert_launches,
        masked=masked,
        heads=attention_heads(model),
    )


class _Sums:
    """The running sums over groups of identical layers."""

    def __init__(self) -> None:
        self.blocks: list[Line] = []
        self.others: list[Line] = []
        self.layers, self.chosen, self.padded = 0, 1.0, False
        self.rows = self.width = self.reductions = self.boundary = self.scores = self.logits = 0.0
        self.stored_block = self.stored_other = self.projected = self.experts = self.routed = 0.0
        self.unkept_block = self.keys_values = self.biased = self.launches = self.expert_launches = 0.0
        self.seconds_kept = self.seconds_flop = self.product_flop = 0.0
        self.block_parameters = self.expert_parameters = self.other_parameters = self.trained = 0.0
        self.shared: set[int] = set()

    def add(self, group: Pass) -> None:
        """Add one group of identical layers."""
        layer, times = group.layer, group.times
        lines: list[Line] = []
        last = _last(group)
        for operation, inputs, own in group.steps:
            self._parameters(operation, layer, times, own)
            executed = times * (2 + inputs + own)
            self.launches += executed
            self.expert_launches += executed if operation.component == EXPERTS else 0.0
            if isinstance(operation, Pointwise):
                continue
            lines.append(_line(operation, times, inputs, own, operation is last))
            if operation.component == EXPERTS and operation.bias:
                self.biased += times * float(operation.m * operation.n)
            if operation.component == CORE:
                shared = operation.count * operation.k * operation.n
                self.keys_values += times * float(shared) / operation.groups
        kept = stored(group)
        if layer.checkpointed:
            self.blocks += lines
            self.stored_block += times * kept.every
            self.unkept_block += times * kept.unkept
            self.projected += times * kept.projected
            again = seconds(group)
            self.seconds_kept += times * again.kept
            self.seconds_flop += times * again.flop
            self.product_flop += times * again.every_flop
            self._block(lines, times)
        else:
            self.others += lines
            self.stored_other += times * kept.every
            self.logits = max([self.logits, *(line.m * line.n for line in lines if line.component == HEAD)])

    def _parameters(self, operation: Operation, layer: Layer, times: int, own: bool) -> None:
        parameters = float(operation.parameters)
        if not parameters or (layer.shared and id(operation) in self.shared):
            return
        self.shared.add(id(operation))
        if isinstance(operation, Matmul) and operation.chosen is not None:
            self.chosen = max(self.chosen, float(operation.chosen))
            self.padded = self.padded or operation.padded
        parameters *= 1 if layer.shared else times
        self.trained += parameters if own else 0.0
        if operation.component == EXPERTS:
            self.expert_parameters += parameters
        elif layer.checkpointed:
            self.block_parameters += parameters
        else:
            self.other_parameters += parameters

    def _block(self, lines: list[Line], times: int) -> None:
        """Add what splitting needs of a repeated layer: its width, its all-reduces, its experts."""
        self.layers += times
        scores = [line for line in lines if line.scores]
        experts = [line for line in lines if line.component == EXPERTS]
        feeds = bool(experts) or any(line.component == MLP for line in lines)
        self.reductions += times * (len(scores) + feeds)
        self.scores += summed(times * line.count * line.m * line.n for line in scores)
        if experts:
            self.experts = max(self.experts, *(line.weights for line in experts))
            self.routed += times * experts[0].m * experts[0].k
        first = next((line for line in lines if line.weights), None)
        if first is not None:
            rows = first.m * first.count
            self.boundary += times * rows * first.k
            if scores or feeds:
                self.rows, self.width = max(self.rows, rows), max(self.width, first.k)


def _last(group: Pass) -> Matmul | None:
    """The product with trained weights whose inputs are the last thing that a layer keeps, if there is one.

    The weights of experts depend on their results, which are kept.
    """
    for operation, _, own in reversed(group.steps):
        if isinstance(operation, Matmul):
            return operation if own and operation.component != EXPERTS else None
        if operation.saved or operation.masks:
            return None
    return None


def _line(operation: Matmul, times: int, inputs: int, own: bool, last: bool) -> Line:
    dense = float(times * operation.dense_flop)
    full = dense if operation.full_flop is None else float(times * operation.full_flop)
    causal = dense if operation.causal_flop is None else float(times * operation.causal_flop)
    return Line(
        component=operation.component,
        times=times,
        m=float(operation.m),
        k=float(operation.k),
        n=float(operation.n),
        count=float(operation.count),
        weights=float(operation.weights),
        gradients=(min(inputs, 1) if operation.weights else inputs) + own,
        owned=own,
        full_flop=full,
        causal_flop=causal,
        dense_flop=dense,
        scores=operation.scores,
        taps=float(operation.taps),
        traffic=None if operation.traffic is None else float(times * operation.traffic),
        last=last,
    )
