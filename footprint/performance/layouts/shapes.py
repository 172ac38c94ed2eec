"""The parallel layouts that are tried, by the size of the model, the chip and the year.

The step-time model sometimes prefers layouts that nobody uses, so common practice limits the search.
Models below a billion parameters use data parallelism alone wherever they fit (`finder`). Above that
size, tensor ranks stay inside a node, pipelines have any number of stages that divides the ranks, and
only long sequences are split over context ranks. If the batch is too small for these layouts, short
sequences are split, too, and tensors by any number that divides the heads (`every_size`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from math import ceil, inf, isqrt
from typing import Any

from footprint.named_tuples import NamedTuple
from footprint.performance.roofline.layout import Layout
from footprint.performance.roofline.machine import Machine
from footprint.performance.roofline.techniques import Techniques
from footprint.performance.roofline.work import Work

BIG = 10e9
"""Number of parameters above which runs before 2023 recomputed every block and split tensors."""
LONG = 4096
"""Sequence length above which context parallelism is tried."""
SHORTEST_CONTEXT = 2048
"""Minimum number of tokens of a sequence on one context rank."""
SHORTEST_CONTEXT_EVER = 128
"""The minimum for a batch that is too small for its replicas: a tile of the attention kernels."""
MOST_TENSOR_RANKS = {"gpu": 8, "npu": 16, "tpu": 16}
"""Largest number of tensor ranks by kind of chip; those of GPUs and NPUs also stay inside a node."""
MOST_STAGES = 64
"""Largest number of stages of a pipeline."""

Given = Mapping[str, int | float | str]


class Habits(NamedTuple):
    """What decides which layouts are tried, besides the number of accelerators and the given sizes.

    It is a key of every table of layouts, and a tuple is the key that is hashed fastest.
    """

    layers: int
    heads: int
    experts: float
    splittable: bool
    """Whether there is a residual stream to split over tensor ranks and stages."""
    big: bool
    contexts: tuple[int, ...]
    short_contexts: tuple[int, ...]
    """Context ranks where a batch is too small for its replicas."""
    is_gpu: bool
    node: int
    flash: bool
    techniques: Techniques
    pipelines: bool
    """Whether layers are split among stages, which no software of TPUs does."""
    sharding: bool
    """Whether weights may be sharded over the replicas."""
    anything: bool = False
    """Whether every split that is possible is tried, not only the usual ones."""


def habits_of(work: Work, machine: Machine, *, flash: bool, sequence_length: float) -> Habits:
    """The habits for a model on a chip in a year."""
    ranks = MOST_TENSOR_RANKS[machine.cluster.accelerator.kind]
    known = machine.constants.values
    splits = bool(known.get("splits", 1.0)) and not (machine.is_gpu and "whole_on_gpus" in known)
    return Habits(
        layers=work.layers,
        heads=work.heads,
        experts=work.experts,
        splittable=work.width > 0 and splits,
        big=work.parameters > BIG,
        contexts=_contexts(sequence_length) if splits else (1,),
        short_contexts=_short_contexts(sequence_length) if work.heads else (1,),
        is_gpu=machine.is_gpu,
        node=min(machine.node, ranks) if machine.is_gpu else ranks,
        flash=flash,
        techniques=machine.techniques,
        pipelines=machine.is_gpu and bool(machine.constants.values.get("pipelines", 1.0)),
        sharding=machine.techniques.full_sharding
        and machine.year >= machine.constants.values.get("shards_since_year", 0.0),
    )


Sizes = tuple[int, int, int, int, int, int, int]
"""Tensor, pipeline, data, context and expert ranks, sharding and interleaving of a layout."""


def shapes(habits: Habits, count: int, given: Given, *, crowded: bool = False) -> tuple[Layout, ...]:
    """The candidate layouts of ``count`` accelerators with the given sizes, with micro-batches of one.

    ``crowded`` adds the unusual layouts.
    """
    return _layouts(habits, count, tuple(given.items()), crowded)


@lru_cache(maxsize=4096)
def _layouts(
    habits: Habits, count: int, given: tuple[tuple[str, Any], ...], crowded: bool
) -> tuple[Layout, ...]:
    every = every_size(habits, count, given) if crowded else usual_sizes(habits, count, given)
    recomputed = float(dict(given).get("recomputed", 1.0))
    kinds = recompute_kinds(habits, dict(given))
    return tuple(
        Layout(
            tp=tp, pp=pp, dp=dp, cp=cp, ep=ep, zero=zero, interleaving=chunks, recompute=recompute,
            recomputed=recomputed, flash=habits.flash,
        )
        for tp, pp, dp, cp, ep, zero, chunks in every
        for recompute in kinds
    )  # fmt: skip


@lru_cache(maxsize=1024)
def divisors(number: int) -> tuple[int, ...]:
    """All divisors of a number, smallest first."""
    low = [d for d in range(1, isqrt(number) + 1) if number % d == 0]
    return tuple(sorted({*low, *(number // d for d in low)}))


@lru_cache(maxsize=1024)
def usual_sizes(habits: Habits, count: int, given: tuple[tuple[str, Any], ...]) -> tuple[Sizes, ...]:
    """The sizes of the usual layouts."""
    return tuple(tried(habits, count, dict(given)))


@lru_cache(maxsize=1024)
def every_size(habits: Habits, count: int, given: tuple[tuple[str, Any], ...]) -> tuple[Sizes, ...]:
    """The sizes of the usual layouts, and after them all others that are possible."""
    usual = usual_sizes(habits, count, given)
    every = tried(habits._replace(anything=True, contexts=habits.short_contexts), count, dict(given))
    return tuple(dict.fromkeys((*usual, *every)))


@lru_cache(maxsize=65536)
def fewest_replicas(habits: Habits, count: int, given: tuple[tuple[str, Any], ...], crowded: bool) -> float:
    """Replicas of the layout that has the fewest; infinity without layouts."""
    every = every_size(habits, count, given) if crowded else usual_sizes(habits, count, given)
    return min((sizes[2] for sizes in every), default=inf)


def tried(habits: Habits, count: int, given: Given) -> list[Sizes]:
    """The sizes of the candidate layouts."""
    contexts = _options(given, "cp", habits.contexts)
    # Expert ranks lie among those of one stage.
    of_stage = 1 if "pp" in given else int(given.get("ep", 1))
    found: list[Sizes] = []
    for tp in _options(given, "tp", _tensor_ranks(habits, given, count)):
        if count % tp:
            continue
        ranks = count // tp
        for pp in _options(given, "pp", _stages(habits, given, ranks)):
            if ranks % pp or pp > habits.layers or (count // pp) % of_stage:
                continue
            chunks = int(given.get("interleaving", interleaving(habits.layers, pp)))
            replicas = ranks // pp
            shared_out = [
                (ep, zero)
                for ep in _options(given, "ep", _expert_ranks(habits, ranks * tp // pp))
                for zero in _options(given, "zero", _sharding(habits, pp, ep))
            ]
            found += [
                (tp, pp, replicas // cp, cp, ep, zero, chunks)
                for cp in contexts
                if not replicas % cp
                for ep, zero in shared_out
            ]
    if "dp" in given:
        found = [sizes for sizes in found if sizes[2] == given["dp"]]
    return found


def _options(given: Given, name: str, otherwise: Sequence[int]) -> Sequence[int]:
    return [int(given[name])] if name in given else otherwise


def _splits(habits: Habits, given: Given) -> bool:
    """Whether tensors and layers are split by default; fully sharded jobs split them only on request."""
    return habits.splittable and given.get("zero") != 3


def _tensor_ranks(habits: Habits, given: Given, count: int) -> list[int]:
    """Numbers of tensor ranks that divide the heads and a node, or a job smaller than a node."""
    if not _splits(habits, given):
        return [1]
    ranks = [tp for tp in range(1, habits.node + 1) if habits.heads % tp == 0]
    if habits.anything:
        return ranks
    ranks = [tp for tp in ranks if min(count, habits.node) % tp == 0]
    least = min(4, ranks[-1]) if habits.techniques.split_big_models and habits.big else 1
    return [tp for tp in ranks if tp >= least]


def _stages(habits: Habits, given: Given, ranks: int) -> list[int]:
    """Pipeline depths that divide the ranks, up to one layer a stage; 1 on TPUs."""
    if not habits.pipelines or not _splits(habits, given):
        return [1]
    most = habits.layers if habits.anything else min(MOST_STAGES, habits.layers)
    return [depth for depth in range(1, most + 1) if ranks % depth == 0]


def _contexts(length: float) -> tuple[int, ...]:
    if length <= LONG:
        return (1,)
    return tuple(
        ranks for ranks in (1, 2, 4, 8, 16, 32, 64) if ranks == 1 or length / ranks >= SHORTEST_CONTEXT
    )


def _short_contexts(length: float) -> tuple[int, ...]:
    """Context ranks that share a sequence out in equal parts."""
    tokens = int(length)
    most = tokens // SHORTEST_CONTEXT_EVER
    return (1, *(ranks for ranks in range(2, most + 1) if tokens % ranks == 0))


def _expert_ranks(habits: Habits, of_stage: int) -> list[int]:
    """Expert ranks that divide the experts and the accelerators of a stage."""
    if not habits.experts:
        return [1]
    return [ranks for ranks in divisors(int(habits.experts)) if of_stage % ranks == 0]


def _sharding(habits: Habits, stages: int, expert_ranks: int) -> list[int]:
    """Kinds of sharding that are tried with so many stages and expert ranks."""
    if stages > 1:
        return [1]
    if not habits.is_gpu:
        return [3] if expert_ranks == 1 else [1, 3]
    return [1, 3] if habits.sharding else [1]


def recompute_kinds(habits: Habits, given: Given) -> list[str]:
    """What is recomputed in the candidate layouts, one after the other for each of their sizes."""
    if "recompute" in given:
        return [str(given["recompute"])]
    if habits.techniques.recompute_big_models and habits.big:
        return ["full"]
    return ["none", "full"] if habits.flash else ["none", "selective", "full"]


def interleaving(layers: int, stages: int) -> int:
    """Chunks of layers per stage: as many as the fullest stage has layers, which shortens the bubble most.

    Published recipes have chunks of one or two layers.
    """
    return 1 if stages == 1 else ceil(layers / stages)
