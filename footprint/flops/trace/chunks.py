"""The tape cut where blocks begin and end, and recurrences folded."""

from __future__ import annotations

from footprint.flops.trace.events import PointwiseEvent, ProductEvent
from footprint.flops.trace.recorder import Recorder
from footprint.records import replace, state

RECURS = 4
"""A product of one place that is executed so often in a block is a recurrence."""


@state
class Chunk:
    """Operations of one call of a block, or between blocks."""

    block: str | None
    """The name of the block; None between blocks."""
    role: str
    """What the layer is called: embeddings, head, blocks, encoder, decoder, vision."""
    events: list[ProductEvent | PointwiseEvent]

    @property
    def weights(self) -> tuple[str, ...]:
        """The parameters of its products."""
        return tuple(e.parameter for e in self.events if isinstance(e, ProductEvent) and e.parameter)


def chunks_of(recorder: Recorder, blocks: frozenset[str]) -> list[Chunk]:
    """The tape in chunks, in order."""
    found: list[tuple[str | None, Chunk]] = []
    for event in recorder.events:
        key = next((call for call in event.owner if call.partition("#")[0] in blocks), None)
        if not found or found[-1][0] != key:
            name = None if key is None else key.partition("#")[0]
            found.append((key, Chunk(name, "", [])))
        found[-1][1].events.append(event)
    chunks = [chunk for _, chunk in found]
    inside = [index for index, chunk in enumerate(chunks) if chunk.block is not None]
    for index, chunk in enumerate(chunks):
        chunk.role = _role(chunk, index, inside)
        chunk.events = _folded(chunk.events, recorder)
    return chunks


def _role(chunk: Chunk, index: int, inside: list[int]) -> str:
    if chunk.block is not None:
        path = chunk.block.lower()
        return next((role for role in ("decoder", "vision", "visual", "encoder") if role in path), "blocks")
    if not inside or index > inside[-1]:
        return "head"
    if index < inside[0] or any(
        isinstance(e, PointwiseEvent) and e.kind == "embedding" for e in chunk.events
    ):
        return "embeddings"
    return "between"


def _folded(
    events: list[ProductEvent | PointwiseEvent], recorder: Recorder
) -> list[ProductEvent | PointwiseEvent]:
    """The steps of a recurrence as one operation after the first, which reads no earlier state."""
    groups: dict[tuple[object, ...], list[ProductEvent | PointwiseEvent]] = {}
    for event in events:
        groups.setdefault(_place(event), []).append(event)
    if all(len(group) < RECURS for group in groups.values()):
        return events
    folded: list[ProductEvent | PointwiseEvent] = []
    for event in events:
        group = groups[_place(event)]
        if len(group) < RECURS or event is group[0]:
            if isinstance(event, ProductEvent) and len(group) >= RECURS:
                event.repeats = True
            folded.append(event)
        elif event is group[1]:
            folded.append(_rest(group[1:], recorder))
    return folded


def _place(event: ProductEvent | PointwiseEvent) -> tuple[object, ...]:
    owner = tuple(call.partition("#")[0] for call in event.owner)
    if isinstance(event, ProductEvent):
        sizes = (event.m, event.k, event.n, event.count, len(event.inputs))
        return (owner, event.name, *sizes, event.parameter, event.cut)
    return (owner, event.name, event.kind, *event.parameters)


def _rest(group: list[ProductEvent | PointwiseEvent], recorder: Recorder) -> ProductEvent | PointwiseEvent:
    """The steps after the first: one name for what they give each other."""
    first = group[0]
    recorder.values.join([event.output for event in group])
    if isinstance(first, ProductEvent):
        count = sum(event.count for event in group if isinstance(event, ProductEvent))
        return replace(first, count=count, repeats=True)
    saved: dict[int, int] = {}
    for event in group:
        assert isinstance(event, PointwiseEvent)  # noqa: S101 - all of one place
        saved |= event.saved
        first.masks += event.masks if event is not first else 0
    first.saved = saved
    return first
