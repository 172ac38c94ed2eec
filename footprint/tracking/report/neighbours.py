"""Which processes of other runs were on a node at the same time, without a look at all of them each time."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Generic, Protocol, TypeVar


class Ran(Protocol):
    """Anything that ran on a node for a while."""

    @property
    def boot_id(self) -> str:
        """On which start of which machine."""

    @property
    def started_s(self) -> float:
        """From when on [s, boot clock]."""

    @property
    def last_s(self) -> float:
        """Until when [s, boot clock]."""


_Ran = TypeVar("_Ran", bound=Ran)


class Neighbours(Generic[_Ran]):
    """The processes of some runs by node and time."""

    def __init__(self, runs: Mapping[str, Sequence[_Ran]]) -> None:
        by_node: dict[str, list[tuple[float, str, _Ran]]] = defaultdict(list)
        for run_id, group in runs.items():
            for process in group:
                by_node[process.boot_id].append((process.started_s, run_id, process))
        self._by_node = {node: sorted(found, key=lambda item: item[0]) for node, found in by_node.items()}
        self._latest: dict[str, list[float]] = {}
        """The latest end of all that began up to each place of the list."""
        for node, found in self._by_node.items():
            self._latest[node] = list(accumulate((process.last_s for *_, process in found), max))

    def of(self, run_id: str, processes: Sequence[_Ran]) -> list[_Ran]:
        """Those of other runs than this one."""
        found: dict[int, _Ran] = {}
        for node in {process.boot_id for process in processes}:
            here = [process for process in processes if process.boot_id == node]
            begin_s, end_s = min(p.started_s for p in here), max(p.last_s for p in here)
            listed, latest = self._by_node.get(node, []), self._latest.get(node, [])
            first = bisect_left(latest, begin_s)
            last = bisect_right(listed, end_s, key=lambda item: item[0])
            for _, other, process in listed[first:last]:
                if other != run_id and process.last_s >= begin_s:
                    found[id(process)] = process
        return list(found.values())
