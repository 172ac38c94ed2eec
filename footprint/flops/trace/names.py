"""The names of tensors on the tape: local within a layer, and few between layers.

What passes from layer to layer is named by the tower it flows through: ``x`` along the first,
``x2`` along the next that begins anew (the decoder beside the encoder, the text beside the image).
So equal layers are written equally, wherever they stand.
"""

from __future__ import annotations

from collections.abc import Iterable

from footprint.flops.trace.chunks import Chunk
from footprint.flops.trace.values import Values


class Names:
    """Names of the nodes that pass between chunks."""

    def __init__(self, values: Values, chunks: list[Chunk]) -> None:
        self._values = values
        self._passing: dict[int, str] = {}
        seen: dict[int, int] = {}
        passing: set[int] = set()
        for index, chunk in enumerate(chunks):
            for node in self.nodes(chunk):
                if seen.setdefault(node, index) != index:
                    passing.add(node)
        produced: dict[int, int] = {}
        towers = 0
        for index, chunk in enumerate(chunks):
            read = [(produced[n], n) for n in self._read(chunk) if n in passing and n in produced]
            if read:
                tower = self._passing[max(read)[1]]
            else:
                towers += 1
                tower = "x" if towers == 1 else f"x{towers}"
            for event in chunk.events:
                node = values.name(event.output)
                if node in passing:
                    self._passing.setdefault(node, tower)
                    produced[node] = index

    def nodes(self, chunk: Chunk) -> Iterable[int]:
        """Every node that a chunk reads or writes."""
        for event in chunk.events:
            yield from (self._values.name(node) for node in (*event.inputs, event.output))

    def _read(self, chunk: Chunk) -> Iterable[int]:
        return (self._values.name(node) for event in chunk.events for node in event.inputs)

    def of(self, node: int, local: dict[int, str], *, written: bool = False) -> str:
        """The name of a node in a layer whose own names are ``local``."""
        root = self._values.name(node)
        if root in self._passing:
            return self._passing[root]
        if root not in local:
            local[root] = f"t{len(local) + 1}" if written else f"input{len(local) + 1}"
        return local[root]

    def carried(self, chunk: Chunk) -> tuple[str, ...]:
        """What later layers may read of a chunk."""
        written = {self._values.name(event.output) for event in chunk.events}
        return tuple(sorted({self._passing[node] for node in written if node in self._passing}))
