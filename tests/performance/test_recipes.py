"""What recipes of a software do by default, beside the published rows of that software and torch itself."""

from __future__ import annotations

import json
import statistics
from collections import Counter

import pytest
import torch

from footprint.catalog.stacks import find_stack
from footprint.estimator import estimate
from footprint.performance.layouts.finder import find_layout
from footprint.performance.layouts.habits import NO_HABITS
from footprint.performance.roofline.constants import load_constants
from footprint.performance.roofline.layout import Layout
from footprint.performance.roofline.machine import Machine
from footprint.performance.roofline.memory import in_sixteen_bits, memory_byte, parameter_bytes, usable_byte
from footprint.validation.cases import Case, of_its_software
from footprint.validation.published.throughput import Counted, countable_cases
from tests.conftest import Footprint

FINE_TUNED = {"model": "llama2-7b", "method": "finetune", "tokens": 1e7, "seq_len": 256, "precision": "bf16"}


def machine_of(case: Case, **more: float) -> Machine:
    constants = of_its_software(case, load_constants()).but(**more)
    return Machine(case.cluster, case.precision, case.year, constants, case.native)


def found_for(one: Counted, **more: float) -> Layout:
    case = one.case
    length = float(case.shape.sequence_length or 0)
    flash = case.training.attention == "flash"
    return find_layout(one.work, machine_of(case, **more), flash=flash, sequence_length=length)[0]


@pytest.fixture(scope="module")
def known() -> list[Counted]:
    """Published steps of transformers whose micro-batch and layout are known."""
    return [
        one for one in countable_cases()
        if one.case.scope == "step" and "micro_batch" in one.case.given and one.case.dataset == "throughput"
    ]  # fmt: skip


def published_parts(one: Counted) -> float:
    """Micro-batches that a published step took of each replica."""
    given = one.case.given
    ranks = int(given.get("tp", 1)) * int(given.get("pp", 1)) * int(given.get("cp", 1))
    return one.work.samples / (one.case.cluster.count // ranks) / float(given["micro_batch"])


@pytest.mark.slow
def test_software_that_takes_one_micro_batch_a_step_did_so_where_it_fits(known: list[Counted]) -> None:
    taken: Counter[tuple[bool, bool]] = Counter()
    families: dict[bool, set[str]] = {True: set(), False: set()}
    for one in known:
        case = one.case
        if int(case.given.get("pp", 1)) > 1:
            continue  # a pipeline needs several
        replicas = case.cluster.count // (int(case.given.get("tp", 1)) * int(case.given.get("cp", 1)))
        share = one.work.samples / replicas
        whole = Layout(
            tp=int(case.given.get("tp", 1)), dp=replicas, cp=int(case.given.get("cp", 1)),
            zero=3 if replicas > 1 else 1, micro_batch=max(1.0, share), recompute="full",
        )  # fmt: skip
        machine = machine_of(case)
        if share <= 1.0 or memory_byte(one.work, whole, machine) > usable_byte(machine):
            continue
        accumulates = find_stack(case.software).accumulates
        taken[accumulates, published_parts(one) <= 1.0] += 1
        families[accumulates].add(case.family)
    assert min(len(members) for members in families.values()) >= 5
    one_each = taken[False, True] / (taken[False, True] + taken[False, False])
    others = taken[True, True] / (taken[True, True] + taken[True, False])
    assert one_each > 0.7 > 0.5 > others


def test_software_that_shards_first_splits_little_where_a_sharded_layout_fits(known: list[Counted]) -> None:
    split: dict[bool, dict[str, list[bool]]] = {False: {}, True: {}}
    for one in known:
        case, count = one.case, one.case.cluster.count
        software = find_stack(case.software)
        if case.year < 2023 or count == 1 or one.work.samples < count or "tp" not in case.given:
            continue
        if not software.splits or (software.native and not software.splits_last):
            continue
        machine = machine_of(case)
        sharded = Layout(dp=count, zero=3, recompute="full")
        if memory_byte(one.work, sharded, machine) > usable_byte(machine):
            continue
        ranks = [int(case.given.get(name, 1)) for name in ("tp", "pp", "cp")]
        split[software.splits_last].setdefault(case.family, []).append(max(ranks) > 1)
    assert min(len(families) for families in split.values()) >= 10
    first, others = (
        statistics.fmean(statistics.fmean(rows) for rows in split[kind].values()) for kind in (True, False)
    )
    assert first < 0.25 < 0.45 < others


def test_a_user_can_split_what_the_software_would_only_shard() -> None:
    job = {"model": "llama2-7b", "hw": "tpu-v5p:64", "tokens": 1e9, "batch_size": 256, "stack": "maxtext"}
    assert estimate(**job).parallelism.tp == 1
    assert estimate(**job, tp=4).parallelism.tp == 4
    # A batch of fewer sequences than chips cannot be shared out otherwise.
    small = estimate(**{**job, "batch_size": 16}).parallelism
    assert small.tp * small.cp >= 4


@pytest.mark.slow
def test_micro_batches_are_found_as_published(known: list[Counted]) -> None:
    # Four recipes of Hugging Face and of JAX: with the habit of their software, the found micro-batch is the
    # published one; without it the search prefers to recompute less.
    families = ("hf-granite", "fms-acceleration", "vectorlm", "dgxc-maxtext")
    rows = [one for one in known if one.case.family in families]
    assert len(rows) > 25
    right = {
        habit: sum(
            found_for(one, **{} if habit else NO_HABITS).micro_batch == one.case.given["micro_batch"]
            for one in rows
        )
        for habit in (True, False)
    }
    assert right[True] > 0.75 * len(rows)
    assert right[True] > 1.5 * right[False]


def test_all_blocks_are_recomputed_or_none_where_the_software_cannot_choose() -> None:
    shares = {
        stack: {
            estimate(
                model="llama2-7b", hw="a100:8", tokens=1e9, seq_len=4096, batch_size=batch, stack=stack
            ).parallelism.recompute
            for batch in (8, 16, 24, 40, 64)
        }
        for stack in ("hf", "native")
    }
    assert shares["hf"] <= {"none", "full"}
    assert len(shares["native"]) >= 1


@pytest.mark.parametrize(("stack", "staged"), [("maxtext", False), ("nemo", True)])
def test_jax_shards_where_megatron_has_stages(stack: str, staged: bool) -> None:
    # MaxText's Llama 2 70B on H100s is fully sharded at every published size; NeMo's has stages.
    found = estimate(model="llama2-70b", hw="h100:512", tokens=1e9, batch_size=1024, stack=stack, year=2024)
    assert (found.parallelism.pp > 1) == staged


def test_weights_are_not_sharded_before_the_software_could() -> None:
    rows = [
        one for one in countable_cases()
        if one.case.scope == "step" and "tp" in one.case.given
        and 2022 <= one.case.year < (find_stack(one.case.software).shards_since_year or 0)
    ]  # fmt: skip
    assert {one.case.software for one in rows} >= {"megatron", "neuron", "internevo"}
    for one in rows:
        assert one.case.given.get("zero", 1) != 3  # none was published
        assert found_for(one).zero != 3


def test_the_states_of_a_model_loaded_in_bf16_are_those_of_torch() -> None:
    model = torch.nn.Linear(256, 512, bias=False).bfloat16()
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.ones(4, 256, dtype=torch.bfloat16)).sum().backward()
    optimizer.step()
    parameter = next(model.parameters())
    moments = [value for value in optimizer.state[parameter].values() if value.shape == parameter.shape]
    held = sum(t.numel() * t.element_size() for t in (parameter, parameter.grad, *moments) if t is not None)
    constants = load_constants()
    byte = in_sixteen_bits(parameter_bytes("bf16", constants), constants)
    assert byte.weight + byte.gradient + byte.optimiser + byte.copy == held / parameter.numel()


def test_fine_tuning_falls_back_to_sixteen_bit_states() -> None:
    # Transformer Engine's tutorial fine-tunes all of Llama 2 7B with AdamW on one H100 of 80 GB, 8 sequences
    # of 256 tokens at once and nothing recomputed.
    one = estimate(**FINE_TUNED, hw="h100:1", batch_size=8, stack="hf")
    assert one.parallelism.micro_batch == 8
    assert one.parallelism.recompute == "none"
    rows = {row.name: row for row in one.assumptions}
    assert rows["bits of weights, gradients and optimiser states"].value == "16"
    assert any("cost accuracy" in warning for warning in one.warnings)
    assert one.memory.sixteen_bit_states


def test_the_answer_says_which_states_have_sixteen_bits(footprint: Footprint) -> None:
    """torchtune loads a model in bf16 (its recipes' ``dtype``); Megatron-LM keeps 32-bit master weights."""
    said = {}
    for stack in ("torchtune", "megatron"):
        arguments = "estimate --model bert-base --hw h100 --precision bf16 --format json --stack"
        done = footprint(*arguments.split(), stack)
        assert done.returncode == 0, done.stderr
        said[stack] = json.loads(done.stdout)["memory"]["sixteen_bit_states"]
    assert said == {"torchtune": True, "megatron": False}


@pytest.mark.parametrize(
    "more",
    [
        {"hw": "h100:8"},  # the usual states fit
        {"hw": "h100:1", "method": "pretrain", "force": True},  # nobody pre-trains so by default
        {"hw": "h100:1", "stack": "megatron", "force": True},  # which keeps master weights
        {"hw": "h100:1", "optimizer": "sgd"},  # no states of Adam
        {"hw": "v100-32gb:2", "precision": "fp16", "force": True},  # fp16 has no room for Adam's moments
    ],
)
def test_other_jobs_keep_their_states(more: dict) -> None:
    answer = estimate(**{**FINE_TUNED, "batch_size": 8, **more})
    assert not any(row.name.startswith("bits of weights") for row in answer.assumptions)
    assert not any("16 bits" in warning for warning in answer.warnings)
    assert not answer.memory.sixteen_bit_states
