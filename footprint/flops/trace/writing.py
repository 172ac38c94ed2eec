"""A chunk of the tape as a layer of operations, with the components that outputs name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from footprint.flops.operations import (
    CONVOLUTION,
    CORE,
    EMBEDDING,
    EXPERTS,
    HEAD,
    MLP,
    NORM,
    POINTWISE,
    PROJECTIONS,
    RECURRENCE,
    ROUTER,
    Layer,
    Matmul,
    Operation,
    Pointwise,
)
from footprint.flops.trace.chunks import Chunk
from footprint.flops.trace.events import PointwiseEvent, ProductEvent
from footprint.flops.trace.names import Names
from footprint.flops.trace.recorder import Recorder

if TYPE_CHECKING:
    import torch

MAX_NAME = 100
_LORA = (("q_proj", "v_proj"), ("query", "value"), ("q", "v"), ("to_q", "to_v"), ("query_key_value",),
         ("c_attn",), ("qkv",))  # fmt: skip
"""What LoRA usually adapts, by the names that libraries give it."""
_KINDS = {"norm": NORM, "embedding": EMBEDDING, "softmax": CORE}


class Writer:
    """Writes layers; notes what is frozen and what does not grow with the batch."""

    def __init__(self, recorder: Recorder, names: Names, module: torch.nn.Module) -> None:
        self.frozen: set[str] = set()
        self.once: set[str] = set()
        self._grows: set[str] = set()
        self._recorder, self._names = recorder, names
        self._lists = {
            name
            for name, part in module.named_modules()
            if type(part).__name__ in ("ModuleList", "Sequential")
        }
        self._written: set[str] = set()

    def layer(self, chunk: Chunk) -> Layer:
        """The layer of a chunk, at one position."""
        local: dict[int, str] = {}
        attention = self._attention(chunk)
        short = _short_names([e.name for e in chunk.events if not _plain(e)], chunk.block)
        operations: list[Operation] = []
        for event in chunk.events:
            name = event.name if _plain(event) else short[event.name]
            inputs = tuple(dict.fromkeys(self._names.of(node, local) for node in event.inputs))
            output = self._names.of(event.output, local, written=True)
            if isinstance(event, ProductEvent):
                operations.append(self._product(event, name, inputs, output, chunk, attention))
            elif (one := self._pointwise(event, name, inputs, output)) is not None:
                operations.append(one)
        carries = self._names.carried(chunk) or ("x",)
        return Layer(
            chunk.role, tuple(operations), range(1), carries, chunk.role not in ("embeddings", "head")
        )

    def _product(
        self, event: ProductEvent, name: str, inputs: tuple[str, ...], output: str, chunk: Chunk,
        attention: tuple[str, ...],
    ) -> Matmul:  # fmt: skip
        name = self._settled(name, event)
        if not event.weights and len(inputs) == 1 and len(event.inputs) == 2:
            inputs = inputs * 2
        if event.weights and (not inputs or event.parameter in self._recorder.idle):
            inputs = ("constant",)
        return Matmul(
            name=name, component=_component(event, chunk, attention), inputs=inputs, output=output,
            m=event.m, k=event.k, n=event.n, count=event.count, weights=event.weights, bias=event.bias,
            tied=event.tied, chosen=event.chosen, full_flop=event.full, causal_flop=event.causal,
            scores=event.scores, groups=event.groups, taps=event.taps, heads=event.heads,
        )  # fmt: skip

    def _pointwise(
        self, event: PointwiseEvent, name: str, inputs: tuple[str, ...], output: str
    ) -> Pointwise | None:
        parameters = sum(event.parameters.values())
        multiplied = self._recorder.multiplied
        saved = sum(elements for storage, elements in event.saved.items() if storage not in multiplied)
        if event.kind == "norm":
            saved = event.width
        elif event.kind == "activation":
            saved = min(saved, event.width)
        if not (
            parameters
            or saved
            or event.masks
            or event.kind == "embedding"
            or any(one != output for one in inputs)
        ):
            return None
        fixed = bool(parameters) and not event.trained
        return Pointwise(
            name=self._settled(name, event), component=_KINDS.get(event.kind, POINTWISE), inputs=inputs,
            output=output, parameters=parameters, saved=saved, masks=event.masks, tied=event.tied,
            fixed=fixed,
        )  # fmt: skip

    def _settled(self, name: str, event: ProductEvent | PointwiseEvent) -> str:
        """The name, marked where one of the same name is trained, or grows, and this does not."""
        name = name[-MAX_NAME:]
        used: set[str | None]
        if isinstance(event, ProductEvent):
            used, untrained = {event.parameter}, bool(event.weights) and not event.trained
        else:
            used, untrained = set(event.parameters), False
        idle = bool(used) and used <= self._recorder.idle
        name += ".frozen" if untrained else ".idle" if idle else ""
        if not event.live:
            name += ".once"
            self.once.add(name)
        if untrained or idle:
            self.frozen.add(name)
        return name

    def _attention(self, chunk: Chunk) -> tuple[str, ...]:
        """The modules of a chunk in which attention is computed, projections included."""
        found = []
        for event in chunk.events:
            if isinstance(event, ProductEvent) and event.scores:
                path = event.owner[-1].partition("#")[0] if event.owner else ""
                top = chunk.block or ""
                while (
                    path != top and (parent := path.rpartition(".")[0]) != top and parent not in self._lists
                ):
                    path = parent
                found.append(path)
        return tuple(dict.fromkeys(found))

    def lora_targets(self) -> tuple[str, ...]:
        """Projections that LoRA usually adapts."""
        known = {
            event.name.rpartition(".")[2]
            for event in self._recorder.events
            if isinstance(event, ProductEvent) and event.weights
        }
        return next((names for names in _LORA if known.issuperset(names)), ())


def _plain(event: ProductEvent | PointwiseEvent) -> bool:
    """Whether the name is no path."""
    if isinstance(event, ProductEvent):
        return not event.weights
    return event.kind != "embedding"


def _component(event: ProductEvent, chunk: Chunk, attention: tuple[str, ...]) -> str:
    if event.scores or event.values:
        return CORE
    if event.convolution:
        return CONVOLUTION
    if event.routes:
        return ROUTER
    if event.repeats or (not event.weights and chunk.block is not None):
        return RECURRENCE
    if event.weights > 1:
        return EXPERTS
    if any(
        event.name.startswith(f"{path}.") or event.name == path for path in attention if path != chunk.block
    ):
        return PROJECTIONS
    if chunk.role == "embeddings":
        return EMBEDDING
    return HEAD if chunk.role == "head" else MLP


def _short_names(paths: list[str], block: str | None) -> dict[str, str]:
    """The shortest ends of module paths that differ within a layer."""
    short = {}
    for path in paths:
        inner = path.removeprefix(f"{block}.") if block else path
        short[path] = inner.split(".")
    size = dict.fromkeys(short, 1)
    while True:
        taken: dict[str, list[str]] = {}
        for path, parts in short.items():
            taken.setdefault(".".join(parts[-size[path] :]), []).append(path)
        clashes = [p for group in taken.values() if len(group) > 1 for p in group if size[p] < len(short[p])]
        if not clashes:
            return {path: name for name, group in taken.items() for path in group}
        for path in clashes:
            size[path] += 1
