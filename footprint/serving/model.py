"""What serving needs to know of a model: weights, cached bytes, and FLOP of a prompt and of a new token.

All is read off the operation list of the model's family. A new token at a context of L tokens does what
a sequence of L tokens does and one of L - 1 does not: so its FLOP and the keys that it sees are the
difference of two lists. This counts grouped heads, windows, indexers and cross-attention as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from footprint.errors import FootprintError
from footprint.flops import operation_list
from footprint.flops.config.fields import Fields
from footprint.flops.operations import (
    CORE,
    EMBEDDING,
    EXPERTS,
    HEAD,
    NORM,
    ROUTER,
    Layer,
    Matmul,
    Model,
    Number,
)
from footprint.flops.registry import family
from footprint.named_tuples import NamedTuple
from footprint.records import record, replace
from footprint.schema import StepShape

DECODES = ("decoder", "mixture-of-experts", "encoder-decoder", "state-space", "hybrid", "multimodal")
"""Kinds of networks that write one token after another."""
_LATENT = "kv_a_proj_with_mqa"
"""The projection whose output latent attention caches instead of keys and values."""
_INDEX = "indexer.scores"
"""The product with which an indexer scores every cached token."""
_WIDE = (EMBEDDING, HEAD, NORM, ROUTER)
"""Components that stay in 16 bits when weights are stored in fewer."""


class Experts(NamedTuple):
    """Expert weights of all layers that have as many experts."""

    elements: float
    experts: float
    chosen: float

    def touched_share(self, tokens: float) -> float:
        """Share of the experts that a step with so many tokens reads, by even routing [1]."""
        return float(1.0 - (1.0 - self.chosen / self.experts) ** max(tokens, 1.0))


@record
class Served:
    """A model as serving sees it; elements are numbers of parameters or of cached values."""

    family: str
    parameters: float
    active_parameters: float
    narrow_parameters: float
    """Parameters of the blocks' matrix products, which low-precision weights store in fewer bits."""
    expert_parameters: float
    """Of these, those of routed experts."""
    read_wide: float
    """Elements that every decoding step reads in 16 bits: the head and the routers."""
    read_narrow: float
    """Elements of the blocks that every decoding step reads, experts apart."""
    experts: tuple[Experts, ...]
    layers: int
    expert_layers: int
    """Of these, those that have experts."""
    width: float
    """Width of the residual stream."""
    words: float
    """Of the vocabulary whose probabilities the head gives; 0 without a head."""
    heads: int
    kv_heads: int
    """Heads of keys and values of the layer that caches most; 0 without attention."""
    kv_elements: float
    """Cached values that one token adds, over all layers."""
    state_elements: float
    """Values of recurrent states, which every step reads and writes; they do not grow."""
    token_flop: float
    """FLOP of one new token without its attention to earlier ones [FLOP]."""
    decodes: bool


class Context(NamedTuple):
    """What one new token of one sequence does at a length of the sequence."""

    flop: float
    """FLOP of the token with its attention [FLOP]."""
    cached: float
    """Cached values that it reads, windows and the choice of indexers respected."""
    held: float
    """Cached values that the sequence keeps: all from which an indexer chooses."""


class Lists:
    """The operation lists of one sequence of a model, by its length; each is made when first asked for."""

    def __init__(self, config: Mapping[str, Any], prompt: int) -> None:
        self.config, self.prompt = config, prompt
        self._made: dict[tuple[int, int | None], Model] = {}
        self.target = False
        self.target = self._writes_target()
        """Whether the model reads a source and writes a sequence of its own."""
        self.family = self.of(2).family

    def _writes_target(self) -> bool:
        try:
            self.of(2)
        except FootprintError as error:
            if "target" not in str(error):
                raise
            return True
        return False

    def of(self, length: int, predicted: int | None = None) -> Model:
        """The list at this length; for encoder-decoders, at this length of the target."""
        if (length, predicted) not in self._made:
            if self.target:
                shape = replace(own_source(self.config, self.prompt), target_sequence_length=length)
            else:
                shape = replace(own_source(self.config, length), predicted_positions=predicted)
            self._made[length, predicted] = operation_list(self.config, shape)
        return self._made[length, predicted]

    def served(self) -> Served:
        """The weights, cached values and FLOP of decoding."""
        return _Sums(self.of(2), self.of(1)).served()

    def context(self, length: int, token_flop: float) -> Context:
        """FLOP and cached values of the token that follows ``length`` - 1 others.

        Encoder-decoders count the target; their source is the prompt.
        """
        flop = cached = held = 0.0
        earlier = dict(_products(self.of(length - 1))) if length > 1 else {}
        indexed: dict[tuple[int, int], float] = {}
        for key, (layer, operation) in _products(self.of(length)):
            if operation.weights or operation.component != CORE:
                continue
            old = earlier.get(key)
            new_flop = _flop(operation) - (_flop(old[1]) if old else 0.0)
            flop += len(layer.positions) * new_flop
            keys = new_flop / (2.0 * operation.count * operation.k)
            index = operation.name == _INDEX
            if index:
                indexed[key[:2]] = keys
            if operation.scores or index:
                each = len(layer.positions) * _per_token(layer, operation)
                # layers that read the choice of an earlier layer have a latent and no indexer
                offered = indexed.get(key[:2]) or (
                    max(indexed.values(), default=0.0) if operation.latent else 0.0
                )
                cached += keys * each
                held += max(keys, offered) * each
        return Context(token_flop + flop, cached, held)

    def prompt_flop(self) -> float:
        """Forward FLOP of the prompt up to its first new token, masked pairs left out [FLOP]."""
        return flop_of(self.of(1) if self.target else self.of(self.prompt, 1))


def own_source(config: Mapping[str, Any], prompt: int) -> StepShape:
    """One sequence of this length, or of the length that the model itself fixes (audio)."""
    module = family(str(config.get("model_type")))
    own_length = getattr(module, "own_length", None)
    return StepShape(
        sequences=1, sequence_length=prompt if own_length is None else own_length(Fields(config))
    )


def flop_of(model: Model) -> float:
    """Forward FLOP of a list, masked pairs left out [FLOP]."""
    return sum(len(layer.positions) * _flop(operation) for _, (layer, operation) in _products(model))


def _products(model: Model) -> list[tuple[tuple[int, int, int], tuple[Layer, Matmul]]]:
    """Every matrix product with its layer, by its place in the list."""
    return [
        ((s, place, at), (layer, operation))
        for s, stage in enumerate(model.stages)
        for place, layer in enumerate(stage)
        for at, operation in enumerate(layer.operations)
        if isinstance(operation, Matmul)
    ]


def _flop(operation: Matmul) -> float:
    """Forward FLOP of the pairs that the mask keeps [FLOP]."""
    return float(operation.dense_flop if operation.causal_flop is None else operation.causal_flop)


def _per_token(layer: Layer, scores: Matmul) -> float:
    """Values that one earlier token has in the cache of this layer: grouped, or a shared latent."""
    named = {operation.name: operation for operation in layer.operations if isinstance(operation, Matmul)}
    if scores.latent and _LATENT in named:
        return float(named[_LATENT].n)
    if scores.name == _INDEX:
        return float(scores.k)  # one head of keys, and no values
    # A list holds one batch of one sequence, so the number of products is that of the query heads.
    values = named.get(scores.name.removesuffix("scores") + "values")
    heads = float(scores.count) / scores.groups
    query, key = scores.inputs
    if values is not None and values.inputs[1] == key != query:
        return heads * float(scores.k)  # the key is the value, too
    return heads * float(scores.k + (values.n if values is not None else scores.k))


def _state(operation: Matmul) -> float:
    """Values of the recurrent state that a product reads, in a list of one short sequence."""
    if operation.name == "read_state":
        return float(operation.m * operation.k)
    if operation.name == "chunk_recurrence":
        return float(operation.count * operation.n)
    if operation.name == "delta_state_updates":
        return float(operation.count * operation.m * operation.n)
    return 0.0


class _Sums:
    """Sums over the list of a second token, less what the first one alone does."""

    def __init__(self, two: Model, one: Model) -> None:
        self.two = two
        self.parameters = self.idle = self.narrow = self.expert = self.wide = self.blocks = 0.0
        self.kv = self.state = self.flop = self.width = self.words = 0.0
        self.heads = self.kv_heads = self.layers = self.expert_layers = 0
        self.most: Number = 0.0
        self.experts: dict[tuple[Number, Number], float] = {}
        self.counted: set[tuple[int, int]] = set()
        before = dict(_products(one))
        for stage in two.stages:
            for layer in stage:
                self._parameters(layer)
        for key, (layer, operation) in _products(two):
            times = len(layer.positions)
            old = before.get(key)
            new = _flop(operation) - (_flop(old[1]) if old else 0.0)
            if new > 0 and layer.checkpointed:
                self.layers += times if (key[0], key[1]) not in self.counted else 0
                self.counted.add((key[0], key[1]))
            if operation.weights:
                self._weights(layer, operation, times, new)
            elif operation.scores:
                self._cache(layer, operation, times, new)
            elif operation.component != CORE:
                self.state += times * _state(operation)
                self.flop += times * new

    def _parameters(self, layer: Layer) -> None:
        times = 1 if layer.shared else len(layer.positions)
        if any(isinstance(one, Matmul) and one.chosen is not None for one in layer.operations):
            self.expert_layers += len(layer.positions)
        for operation in layer.operations:
            self.parameters += times * float(operation.parameters)
            if isinstance(operation, Matmul) and operation.weights:
                self.idle += times * float(operation.idle_parameters)
                if operation.component not in _WIDE:
                    self.narrow += times * float(operation.weights * operation.k * operation.n)
                if operation.chosen is not None:
                    self.expert += times * float(operation.weights * operation.k * operation.n)

    def _weights(self, layer: Layer, operation: Matmul, times: int, new_flop: float) -> None:
        """A product with weights: read at every step that has new rows for it."""
        if new_flop <= 0:
            return
        self.flop += times * new_flop
        elements = times * float(operation.weights * operation.k * operation.n)
        if operation.chosen is not None and operation.component == EXPERTS:
            key = (operation.weights, operation.chosen)
            self.experts[key] = self.experts.get(key, 0.0) + elements
        elif operation.component in _WIDE:
            self.wide += elements
            self.words = max(self.words, float(operation.n) if operation.component == HEAD else 0.0)
        else:
            self.blocks += elements
        if layer.checkpointed:
            self.width = max(self.width, float(operation.k) if self.width == 0 else self.width)

    def _cache(self, layer: Layer, operation: Matmul, times: int, new_flop: float) -> None:
        """Scores: what one earlier token takes in this layer's cache."""
        if new_flop <= 0:
            return
        each = _per_token(layer, operation)
        self.kv += times * each
        if each > self.most:
            self.most = each
            self.heads = operation.heads
            self.kv_heads = max(1, operation.heads // operation.groups)
            if operation.latent:
                self.kv_heads = 1

    def served(self) -> Served:
        """The record of these sums."""
        return Served(
            family=self.two.family,
            parameters=self.parameters,
            active_parameters=self.parameters - self.idle,
            narrow_parameters=self.narrow,
            expert_parameters=self.expert,
            read_wide=self.wide,
            read_narrow=self.blocks,
            experts=tuple(Experts(size, float(n), float(k)) for (n, k), size in self.experts.items()),
            layers=max(self.layers, 1),
            expert_layers=self.expert_layers,
            width=self.width,
            words=self.words,
            heads=self.heads,
            kv_heads=self.kv_heads,
            kv_elements=self.kv,
            state_elements=self.state,
            token_flop=self.flop,
            decodes=self.two.family in DECODES,
        )
