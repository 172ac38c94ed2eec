"""The finder against every layout of small clusters, counted out with the formulas of time and memory."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from footprint.errors import FootprintError
from footprint.performance.layouts.finder import find_layout
from footprint.performance.layouts.habits import NO_HABITS
from footprint.performance.roofline.constants import load_constants
from footprint.performance.roofline.layout import Layout
from footprint.performance.roofline.machine import Machine
from footprint.performance.roofline.memory import memory_byte, usable_byte
from footprint.performance.roofline.terms import step_terms
from footprint.performance.roofline.work import Work
from tests.performance.helpers import GPT_1B, LLAMA_8B, LLAMA_70B, QWEN3_30B, cluster, work

BISECTIONS = 25
CLOSE = 1.002
"""The share of recomputed blocks is bisected here, and the finder leaves out some micro-batches."""
COUNTS = (1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 24, 40, 48, 56, 72, 96)
"""Powers of two, and nodes of eight in odd numbers, parts of a node among them."""


def divisors(number: float) -> list[int]:
    return [one for one in range(1, int(number) + 1) if number % one == 0]


def ranks(job: Work, machine: Machine, count: int, length: int) -> Iterator[dict[str, Any]]:
    """Every combination of ranks: tensors in a node, sequences above 4,096 tokens in parts of 2,048."""
    contexts = [cp for cp in (1, 2, 4) if length > 4096 and length / cp >= 2048] or [1]
    experts = divisors(job.experts) or [1]
    tensors = [tp for tp in divisors(min(count, machine.node)) if job.heads % tp == 0 and count % tp == 0]
    for tp, cp, ep in product(tensors, contexts, experts):
        for pp in divisors(count // tp):
            if pp > job.layers or count // tp // pp % cp or count // pp % ep:
                continue
            for zero in [1] if pp > 1 else [1, 3]:
                chunks = -(-job.layers // pp) if pp > 1 else 1
                yield {"tp": tp, "pp": pp, "cp": cp, "ep": ep, "zero": zero, "interleaving": chunks}


def filled(sizes: dict[str, Any], job: Work, machine: Machine, count: int) -> Iterator[Layout]:
    """These ranks with each micro-batch that keeps a pipeline full, recomputing as little as they can."""
    replicas = count // (sizes["tp"] * sizes["pp"] * sizes["cp"])
    if job.samples % replicas:
        return
    share = job.samples / replicas
    for micro_batch in divisors(share):
        if sizes["pp"] > 1 and micro_batch > 1 and share / micro_batch < 2 * sizes["pp"]:
            continue
        low, high = 0.0, 1.0
        for step in range(BISECTIONS):
            recomputed = (0.0, 1.0)[step] if step < 2 else (low + high) / 2.0
            layout = Layout(
                **sizes, dp=replicas, micro_batch=float(micro_batch), recomputed=recomputed or 1.0,
                recompute="full" if recomputed else "none",
            )  # fmt: skip
            fits = memory_byte(job, layout, machine) <= usable_byte(machine)
            if fits:
                high, best = recomputed, layout
            else:
                low = recomputed
            if fits == (step == 0) and step < 2:
                break  # it fits without recomputation, or not even with all
        if fits or step > 1:
            yield best


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    config=st.sampled_from([GPT_1B, LLAMA_8B, LLAMA_70B, QWEN3_30B]),
    chip=st.sampled_from(["v100", "a100", "h100", "h200"]),
    count=st.sampled_from(COUNTS),
    length=st.sampled_from([2048, 8192]),
    share=st.sampled_from([1, 2, 3, 4, 6, 8, 12, 24]),
)
def test_no_layout_of_a_small_cluster_is_faster(
    config: dict[str, Any], chip: str, count: int, length: int, share: int
) -> None:
    job = work(config, share * count, length)
    precision = "fp16" if chip == "v100" else "bf16"
    machine = Machine(
        cluster(f"{chip}:{count}"), precision, 2025, load_constants().but(**NO_HABITS), native=False
    )
    try:
        found, fits = find_layout(job, machine, flash=True, sequence_length=float(length))
    except FootprintError:
        assume(False)
    every = [
        sum(step_terms(job, layout, machine).values())
        for sizes in ranks(job, machine, count, length)
        for layout in filled(sizes, job, machine, count)
    ]
    if not fits:
        assert not every
        return
    seconds = sum(step_terms(job, found, machine).values())
    assert memory_byte(job, found, machine) <= usable_byte(machine) * (1 + 1e-9)
    assert seconds <= CLOSE * min(every)
    assert seconds >= min(every) / CLOSE, "the finder knows a layout that is not counted out"
