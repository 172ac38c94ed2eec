"""The layout people would choose: the fastest that fits, with the techniques of the year.

Habits narrow the search where the fastest by our terms is not what anybody runs: models below a
billion parameters are trained data-parallel and nothing else wherever they fit; above, tensor
ranks stay inside a node, pipelines within sixteen stages up to 400 B parameters, and contexts are
split for long sequences only. Micro-batches are whole and divide a replica's share of the batch.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from math import ceil, isqrt, prod

from footprint.errors import FootprintError
from footprint.performance.layout import Layout
from footprint.performance.machine import Machine
from footprint.performance.memory import activation_byte, memory_byte, state_byte, usable_byte
from footprint.performance.roofline import step_terms
from footprint.performance.work import Work
from footprint.records import replace

SMALL = 1e9
"""Parameters below which a model that fits one accelerator is not split over several."""
BIG = 10e9
"""Parameters above which runs before 2023 recomputed everything and split tensors."""
LONG = 16384
"""Sequence length above which context parallelism is tried."""


def find_layout(
    work: Work,
    machine: Machine,
    *,
    given: dict[str, int | float | str] | None = None,
    flash: bool = True,
    sequence_length: float = 0.0,
) -> tuple[Layout, bool]:
    """The fastest layout that fits and respects what is given, and whether any fits at all."""
    given = given or {}
    if work.parameters < SMALL and not {"tp", "pp"} <= given.keys():
        whole = _search(work, machine, {"tp": 1, "pp": 1, **given}, flash, sequence_length)
        if whole is not None and whole[1]:
            return whole
    found = _search(work, machine, given, flash, sequence_length)
    if found is None:
        if {"tp", "pp", "dp", "cp", "ep"} & given.keys():
            raise _impossible(work, machine.cluster.count, given)
        return Layout(dp=machine.cluster.count, flash=flash), False
    return found


def _search(
    work: Work, machine: Machine, given: dict[str, int | float | str], flash: bool, sequence_length: float
) -> tuple[Layout, bool] | None:
    """The fastest of the layouts that fit, else the one nearest to fitting; None if there are none."""
    best: Layout | None = None
    best_s = float("inf")
    least: Layout | None = None
    least_penalty = float("inf")
    for shape in _shapes(work, machine, given, flash, sequence_length):
        found = _micro_batch(work, machine, shape, given)
        if found is None:
            if "micro_batch" in given:
                shape = replace(shape, micro_batch=float(given["micro_batch"]))
            # What does not fit by our count is judged by its time and by how far it is from fitting.
            excess = max(1.0, memory_byte(work, shape, machine) / usable_byte(machine))
            penalty = sum(step_terms(work, shape, machine).values()) * excess**2
            if penalty < least_penalty:
                least, least_penalty = shape, penalty
            continue
        found = _partial(work, machine, found, given)
        seconds = sum(step_terms(work, found, machine).values())
        if seconds < best_s:
            best, best_s = found, seconds
    if best is not None:
        return best, True
    return None if least is None else (least, False)


def _impossible(work: Work, count: int, given: dict[str, int | float | str]) -> FootprintError:
    """The error for sizes that no layout has, with the replicas that would do where they are to blame."""
    if int(given.get("pp", 1)) > work.layers:
        return FootprintError(f"--pp {given['pp']} is more stages than the {work.layers} layers of the model")
    said = " ".join(f"--{name} {given[name]}" for name in ("tp", "pp", "cp", "dp", "ep") if name in given)
    split = prod(int(given.get(name, 1)) for name in ("tp", "pp", "cp"))
    fits = "dp" in given and count % split == 0
    way_out = f"--dp {count // split} fits" if fits else "leave one of them out"
    return FootprintError(f"no layout of {count} accelerators has {said}: {way_out}")


def _shapes(
    work: Work, machine: Machine, given: dict[str, int | float | str], flash: bool, length: float
) -> Iterator[Layout]:
    """Layouts worth trying, each with the smallest micro-batch."""
    count = machine.cluster.count
    parameters = work.parameters
    old = machine.year < 2023 and machine.is_gpu
    node = min(machine.node, 8) if machine.is_gpu else 16
    splittable = work.width > 0
    sharded = given.get("zero") == 3  # fully sharded jobs split tensors and layers only where they say so
    ranks = [t for t in (1, 2, 4, 8, 16) if t <= node and work.heads % t == 0]
    for tp in _options(given, "tp", ranks if splittable and not sharded else [1]):
        if count % tp or (old and parameters > BIG and "tp" not in given and tp < min(4, ranks[-1])):
            continue
        for pp in _options(
            given, "pp", _stages(work, machine, count // tp) if splittable and not sharded else [1]
        ):
            if (count // tp) % pp or pp > work.layers:
                continue
            if "pp" not in given and (count // pp) % int(given.get("ep", 1)):
                continue  # expert ranks lie among those of one stage
            for cp in _options(given, "cp", _contexts(length)):
                if (count // tp // pp) % cp:
                    continue
                dp = count // (tp * pp * cp)
                if dp != given.get("dp", dp) or (dp > work.samples and "dp" not in given):
                    continue
                for ep in _options(given, "ep", _expert_ranks(work, dp * cp)):
                    for zero in _options(given, "zero", _sharding(machine, pp, ep)):
                        for recompute in _options(given, "recompute", _recompute(machine, parameters, flash)):
                            layout = Layout(
                                tp=int(tp), pp=int(pp), dp=dp, cp=int(cp), ep=int(ep), zero=int(zero),
                                recompute=str(recompute), flash=flash,
                                recomputed=float(given.get("recomputed", 1.0)),
                                micro_batch=min(1.0, work.samples / dp),
                            )  # fmt: skip
                            yield _interleaved(work, layout, given)


def _options(given: dict[str, int | float | str], name: str, otherwise: list) -> list:  # type: ignore[type-arg]
    return [given[name]] if name in given else otherwise


def _stages(work: Work, machine: Machine, ranks: int) -> list[int]:
    """Pipeline depths: divisors of the layers, up to 16 below 400 B parameters; none on TPUs.

    Where only shallow ones of them divide the ranks as well (10,000 accelerators and 96 layers),
    uneven stages, as people run them then.
    """
    if not machine.is_gpu:
        return [1]
    top = 16 if work.block_parameters + work.expert_parameters < 400e9 else 64
    exact = [p for p in range(1, top + 1) if work.layers % p == 0]
    loose = [p for p in (2, 4, 8, 16, 32) if p <= min(top, work.layers)]
    depths = {p for p in (*exact, *loose) if ranks % p == 0}
    if max(depths) < 4:
        depths |= {p for p in range(2, min(top, work.layers) + 1) if ranks % p == 0}
    return sorted(depths)


def _contexts(length: float) -> list[int]:
    if length <= LONG:
        return [1]
    return [c for c in (1, 2, 4, 8, 16, 32, 64) if c == 1 or length / c >= 4096]


def _expert_ranks(work: Work, replicas: int) -> list[int]:
    if not work.experts:
        return [1]
    return [e for e in (1, 2, 4, 8, 16, 32, 64, 128) if work.experts % e == 0 and replicas % e == 0]


def _sharding(machine: Machine, pp: int, ep: int) -> list[int]:
    if pp > 1 or ep > 1:
        return [1]
    if not machine.is_gpu:
        return [3]
    return [1, 3] if machine.year >= 2022 else [1]


def _recompute(machine: Machine, parameters: float, flash: bool) -> list[str]:
    if machine.year < 2023 and parameters > BIG:
        return ["full"]
    return ["none", "full"] if flash else ["none", "selective", "full"]


def _partial(work: Work, machine: Machine, layout: Layout, given: dict[str, int | float | str]) -> Layout:
    """The layout with the smallest share of recomputed blocks that fits, where the year's stacks do that."""
    if layout.recompute != "full" or "recompute" in given or machine.year < 2023:
        return layout
    everything = memory_byte(work, layout, machine)
    nothing = memory_byte(work, replace(layout, recomputed=0.0), machine)
    room = usable_byte(machine)
    if nothing <= everything or room < everything:
        return layout
    share = (nothing - room) / (nothing - everything)
    return replace(layout, recomputed=min(1.0, max(0.0, share)))


def _interleaved(work: Work, layout: Layout, given: dict[str, int | float | str]) -> Layout:
    if "interleaving" in given:
        return replace(layout, interleaving=int(given["interleaving"]))
    if layout.pp == 1:
        return layout
    per_stage = max(1, work.layers // layout.pp)
    chunks = next((v for v in (4, 5, 3, 7, 6, 2) if per_stage % v == 0), min(4, per_stage))
    return replace(layout, interleaving=chunks)


def _micro_batch(
    work: Work, machine: Machine, layout: Layout, given: dict[str, int | float | str]
) -> Layout | None:
    """The layout with the largest micro-batch that fits, up to what keeps the pipeline full."""
    local = work.samples / layout.dp
    if "micro_batch" in given:
        layout = replace(layout, micro_batch=float(given["micro_batch"]))
        return layout if _divides(layout.micro_batch, local) and memory_byte(work, layout, machine) <= usable_byte(machine) else None
    room = usable_byte(machine) - state_byte(work, layout, machine)
    single = layout if layout.micro_batch == 1.0 else replace(layout, micro_batch=1.0)
    one = activation_byte(work, single, machine)
    if room <= 0 or one * min(1.0, local) > room:
        return None
    most = min(local, room / one)
    if layout.pp > 1:
        most = max(1.0, min(most, local / (4 * layout.pp)))
    return replace(layout, micro_batch=_whole(local, most))


def _divides(micro_batch: float, local: float) -> bool:
    """Whether a replica's share of the batch is whole micro-batches, or uneven anyhow."""
    return micro_batch <= local and (local != int(local) or local % micro_batch == 0)


def _whole(local: float, most: float) -> float:
    """The largest whole micro-batch up to ``most`` that divides a replica's share of the batch.

    Where only far smaller ones divide it, or none because shares are uneven: equal parts, the last
    one a little smaller.
    """
    if local <= 1.0 or most < 2.0:
        return min(1.0, local)
    if local == int(local):
        largest = next(d for d in reversed(_divisors(int(local))) if d <= most)
        if 4 * largest >= most:
            return float(largest)
    return float(min(int(most), ceil(local / ceil(local / int(most)))))


@lru_cache(maxsize=1024)
def _divisors(number: int) -> tuple[int, ...]:
    low = [d for d in range(1, isqrt(number) + 1) if number % d == 0]
    return tuple(sorted({*low, *(number // d for d in low)}))
