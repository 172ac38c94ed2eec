"""The search for a layout: its time, and what it finds beside the layouts that were published.

    python -m benchmarks.finding

First the processor time of one estimate with its layout found, after import. Each job is estimated once, so
that its layouts are made, and then with other batches, as a user would. Then every published row with a
layout: by the model's own time, no layout that is found may be slower than the published one where this
fits. Exit code 1 above a limit, where numpy was loaded, or where a found layout is slower.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator
from math import inf

from footprint.estimator import estimate
from footprint.performance.layouts.finder import find_layout
from footprint.performance.layouts.habits import NO_HABITS
from footprint.performance.layouts.shapes import Given, habits_of, shapes
from footprint.performance.roofline.layout import Layout
from footprint.performance.roofline.machine import Machine
from footprint.performance.roofline.memory import memory_byte, usable_byte
from footprint.performance.roofline.terms import step_terms
from footprint.records import record
from footprint.validation.cases import Case, of_its_software
from footprint.validation.published.throughput import countable_cases

DENSE_MS, EXPERTS_MS = 10.0, 30.0
JOBS = {
    "dense": (
        DENSE_MS,
        ("llama2-7b h100:64", "llama3-70b h100:512", "gpt3-175b a100:1024", "bert-large v100:64"),
    ),
    "experts": (EXPERTS_MS, ("mixtral-8x7b h100:256", "deepseek-v3 h800:2048", "qwen3-235b-a22b h100:512")),
}
BATCHES = (1024, 2048, 3072, 4096, 6144)
ROUNDING = 1e-9


@record
class Beside:
    """The layout of a published row beside the one that is found for its job."""

    case: Case
    published: Layout
    found: Layout
    ratio: float
    """Time of the step on the found layout over that on the published one, by the model."""
    fits: bool
    """Whether the published layout fits by the predicted memory."""
    outside: str
    """What the search does not try of the published layout, its ranks or its sharding; else empty."""

    @property
    def is_slower(self) -> bool:
        """Whether the found layout is slower, though the published one fits."""
        return self.fits and self.ratio > 1.0 + ROUNDING


def published() -> Iterator[Beside]:
    """Every published step of the development set whose layout is known.

    The search is told that only attention scores are recomputed, or that gradients are sharded and weights
    are not (ZeRO-2), where the row says it, since these are choices of the software. Nothing is recomputed by
    habit.
    """
    for case, work, _ in countable_cases():
        if case.scope != "step" or case.sealed or "tp" not in case.given:
            continue
        constants = of_its_software(case, None).but(**NO_HABITS)
        machine = Machine(case.cluster, case.precision, case.year, constants, case.native)
        flash, length = case.training.fuses_attention, float(case.shape.sequence_length or 0)
        said: Given = {"recompute": "selective"} if case.given.get("recompute") == "selective" else {}
        if case.given.get("zero") == 2:
            said = {**said, "zero": 2}
        theirs, _ = find_layout(work, machine, given=case.given, flash=flash, sequence_length=length)
        ours, fits = find_layout(work, machine, given=said, flash=flash, sequence_length=length)
        allowed = memory_byte(work, theirs, machine) <= usable_byte(machine)
        if not fits and not allowed:
            continue  # no layout of this job fits by the predicted memory
        seconds = [sum(step_terms(work, one, machine).values()) for one in (ours, theirs)]
        habits = habits_of(work, machine, flash=flash, sequence_length=length)
        yield Beside(
            case=case,
            published=theirs,
            found=ours,
            ratio=seconds[0] / seconds[1] if fits else inf,
            fits=allowed,
            outside=_outside(theirs, shapes(habits, case.cluster.count, said)),
        )


def _outside(layout: Layout, tried: tuple[Layout, ...]) -> str:
    ranks = ("tp", "pp", "cp", "ep")
    same = [one for one in tried if all(getattr(one, name) == getattr(layout, name) for name in ranks)]
    if not same:
        return "ranks " + " ".join(f"{name} {getattr(layout, name)}" for name in ranks)
    if all(one.zero != layout.zero for one in same):
        return f"sharding {layout.zero}"
    return ""


def median_ms(model: str, hw: str) -> float:
    """Median CPU time of an estimate of this job [ms]."""
    spent = []
    for batch in BATCHES:
        before = time.process_time()
        estimate(model=model, hw=hw, tokens=1e9, batch_size=batch, seq_len=2048)
        spent.append(time.process_time() - before)
    return 1000.0 * statistics.median(spent[1:])


def main() -> int:
    """Print each job beside its limit, and the published layouts beside the found ones."""
    failed = False
    for kind, (limit_ms, jobs) in JOBS.items():
        for job in jobs:
            spent_ms = median_ms(*job.split())
            failed = failed or spent_ms > limit_ms
            print(f"{kind:8} {job:28} {spent_ms:6.1f} ms, {spent_ms / limit_ms:.2f} of {limit_ms:g} ms")
    if "numpy" in sys.modules:
        failed = True
        print("numpy is loaded")
    rows = list(published())
    fitting, slower = [row for row in rows if row.fits], [row for row in rows if row.is_slower]
    print(
        f"\n{len(rows)} published layouts, {len(fitting)} of which fit by the predicted memory: "
        f"the found one is slower in {len(slower)}, "
        f"and takes {statistics.median(row.ratio for row in fitting):.2f} of the time at the median"
    )
    for row in slower:
        print(f"  {row.case.id} {row.ratio:.3f}: {row.published.text} | {row.found.text}")
    print("not among the layouts that are tried:")
    for (family, outside), count in sorted(Counter((r.case.family, r.outside) for r in rows).items()):
        if outside:
            print(f"  {count:4} of {family}: {outside}")
    return int(failed or bool(slower))


if __name__ == "__main__":
    sys.exit(main())
