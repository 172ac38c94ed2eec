"""A sweep block by block, so that any number of scenarios needs little memory; and a sample of a grid.

A part is one job on its counts, batches and places. The parts of a grid come in one order, which depends on
the axes alone; so a sweep that was interrupted goes on at the part where it stopped, and the workers of a
cluster give the same parts in the same order as this process.
"""

from __future__ import annotations

import functools
import hashlib
import json
import random
import threading
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from pathlib import Path
from typing import Any

from footprint.catalog.files import user_folder
from footprint.catalog.version import DATA_VERSION, footprint_version
from footprint.decisions.axes import Axes, AxisColumn, count_of
from footprint.decisions.grid import Block, Grid, Job
from footprint.decisions.sweeps import QUANTITIES, quantities_of
from footprint.errors import FootprintError
from footprint.estimator.chain import chain as run_chain
from footprint.estimator.predict import predict_run
from footprint.estimator.request import EstimateRequest
from footprint.estimator.resolve.shared import Shared
from footprint.estimator.rooms import facts_of
from footprint.records import record
from footprint.scheduler import checked_address, in_order
from footprint.vocabulary import ENDS

MOST_SCENARIOS = 100_000_000
"""Of a grid; they are counted before anything is computed."""
MOST_SAMPLED = 100_000
"""Scenarios of a sample, each of which goes through the chain alone."""
_ROWS_TOGETHER = 50
"""Scenarios of a sample that a worker gets at once."""
NUMBERS = tuple(f"{name}_{end}" for name in QUANTITIES for end in ENDS)


@record
class Part:
    """Some scenarios with their numbers: columns of equal length."""

    axes: Mapping[str, AxisColumn]
    numbers: Mapping[str, Any]
    """Arrays by name, ``energy_kwh_low`` and so on; NaN where a scenario has no number."""
    feasible: Any
    """Whether a scenario is possible and its step fits into memory."""

    def __len__(self) -> int:
        return len(self.feasible)


class Stream:
    """The parts of a sweep, in order; iterate over it.

    With ``scheduler`` the workers of that Dask cluster compute the parts.

    Raises FootprintError for an empty axis, an unknown field, an impossible value and a grid of more than
    `MOST_SCENARIOS`.
    """

    def __init__(
        self,
        axes: Axes,
        fixed: Mapping[str, Any],
        *,
        sample: int | None = None,
        seed: int = 0,
        scheduler: str | None = None,
    ) -> None:
        points = count_of(axes)
        if sample is None and points > MOST_SCENARIOS:
            raise FootprintError(
                f"the grid has {points:.4g} scenarios, more than {MOST_SCENARIOS:,}: "
                "leave values out, or take a sample with `sample=`"
            )
        if sample is not None and not 1 <= sample <= MOST_SAMPLED:
            raise FootprintError(f"`sample=` is from 1 to {MOST_SAMPLED:,}, not {sample}")
        self.axes, self.fixed = axes, dict(fixed)
        self._grid, self._sample, self._seed = Grid(axes, fixed), sample, seed
        self._scheduler = scheduler and checked_address(scheduler)
        self._shared = Shared()
        self.problems: dict[str, int] = {}
        """Messages of scenarios without numbers, with how many they are."""

    def __len__(self) -> int:
        """Number of scenarios."""
        points = len(self._grid)
        return points if self._sample is None else min(self._sample, points)

    @functools.cached_property
    def digest(self) -> str:
        """What distinguishes this sweep from others: axes, fields, sample, versions and files of the user."""
        versions = [footprint_version(), DATA_VERSION, *_own_files(self.axes, self.fixed)]
        whole = [self.axes, self.fixed, self._sample, self._seed, *versions]
        text = json.dumps(whole, sort_keys=False, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def parts(self, start: int = 0) -> Iterator[Part]:
        """The parts from the one of that number on; those before it are not predicted again."""
        tasks = islice(self._tasks(), start, None)
        if self._scheduler is None:
            return map(self._part, tasks)
        return self._sent(self._scheduler, tasks)

    def _tasks(self) -> Iterable[Job | int]:
        """What each part is made from: a job of the grid, or the row of one scenario of a sample."""
        if self._sample is None:
            return self._grid.jobs()
        return random.Random(self._seed).sample(range(len(self._grid)), len(self))  # noqa: S311

    def _part(self, task: Job | int) -> Part:
        return self._of_row(task) if isinstance(task, int) else self._joined(self._grid.blocks_of(task))

    def _sent(self, scheduler: str, tasks: Iterator[Job | int]) -> Iterator[Part]:
        sweep = (self.axes, self.fixed, self._sample, self._seed, self.digest)
        together = 1 if self._sample is None else _ROWS_TOGETHER
        found = in_order(scheduler, _parts_of, sweep, _batches(tasks, together))
        return chain.from_iterable(map(self._received, found))

    def _received(self, found: tuple[list[Part], dict[str, int]]) -> Iterator[Part]:
        parts, problems = found
        for text, rows in problems.items():
            self.problems[text] = self.problems.get(text, 0) + rows
        yield from parts

    def _joined(self, blocks: Iterator[Block]) -> Part:
        """The blocks of one job as one part, in the order of the grid."""
        import numpy as np

        found = [(block.rows.ravel(), *self._numbers_of(block)) for block in blocks]
        rows = np.concatenate([rows for rows, _, _ in found])
        order = np.argsort(rows)
        columns = {name: np.concatenate([n[name] for _, n, _ in found])[order] for name in NUMBERS}
        feasible = np.concatenate([feasible for _, _, feasible in found])[order]
        return Part(axes=self._grid.values(rows[order]), numbers=columns, feasible=feasible)

    def _numbers_of(self, block: Block) -> tuple[dict[str, Any], Any]:
        """The numbers of a block, flat, and which of its scenarios are feasible."""
        import numpy as np

        shape = block.rows.shape
        numbers = dict.fromkeys(NUMBERS, np.broadcast_to(np.nan, (block.rows.size,)))
        if block.columns is None:
            self.problems[block.problem] = self.problems.get(block.problem, 0) + block.rows.size
            return numbers, np.zeros(block.rows.size, bool)
        for name, quantity in quantities_of(block.columns):
            low, high = quantity.bounds
            for end, values in zip(ENDS, (low, quantity.mid, high), strict=True):
                numbers[f"{name}_{end}"] = np.broadcast_to(values, shape).ravel()
        return numbers, np.broadcast_to(block.columns.fits & block.columns.possible, shape).ravel()

    def _of_row(self, row: int) -> Part:
        import numpy as np

        numbers = {name: np.full(1, np.nan) for name in NUMBERS}
        feasible = False
        try:
            request = EstimateRequest.from_mapping(self._grid.scenario(row), "sweep")
            facts = facts_of(request, self._shared)
            prediction = predict_run(facts)
            outcome = run_chain(facts, prediction)
            feasible = all(prediction.fits)
            for name in QUANTITIES:
                parts = (outcome, outcome.consequences, prediction)
                found = next((q for p in parts if (q := getattr(p, name, None)) is not None), None)
                if found is not None:
                    for end, value in found.to_json().items():
                        numbers[f"{name}_{end}"] = np.array([value])
        except FootprintError as error:
            self.problems[str(error)] = self.problems.get(str(error), 0) + 1
        return Part(axes=self._grid.values(np.array([row])), numbers=numbers, feasible=np.array([feasible]))


def _batches(tasks: Iterator[Job | int], size: int) -> Iterator[list[Job | int]]:
    while batch := list(islice(tasks, size)):
        yield batch


def _parts_of(sweep: tuple[Any, ...], tasks: list[Job | int]) -> tuple[list[Part], dict[str, int]]:
    """On a worker: some parts of a sweep, and their problems."""
    stream = _opened(sweep, threading.get_ident())
    stream.problems = {}
    return [stream._part(task) for task in tasks], stream.problems


_streams: dict[tuple[str, int], Stream] = {}


def _opened(sweep: tuple[Any, ...], thread: int) -> Stream:
    """On a worker: the sweep, opened once for each thread."""
    axes, fixed, sample, seed, digest = sweep
    if (digest, thread) not in _streams:
        stream = Stream(axes, fixed, sample=sample, seed=seed)
        if stream.digest != digest:
            raise FootprintError(
                "a worker of the scheduler has another version of footprint, other data in FOOTPRINT_DATA, "
                "or not the files that the sweep names: give all the same, and paths that all can read"
            )
        for old in [key for key in _streams if key[1] == thread]:
            del _streams[old]
        _streams[digest, thread] = stream
    return _streams[digest, thread]


def _own_files(axes: Axes, fixed: Mapping[str, Any]) -> list[str]:
    """Checksums of the files that an estimate reads and that we do not ship."""
    values = [*fixed.values(), *(value for values in axes.values() for value in values)]
    named = {value for value in values if isinstance(value, str) and Path(value).suffix}
    folder = user_folder()
    paths = [*map(Path, sorted(named)), *sorted(folder.rglob("*.toml")), *sorted(folder.rglob("*.csv"))]
    return [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths if path.is_file()]
