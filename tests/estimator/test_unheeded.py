"""Options that change nothing say so; batches are shared evenly, or the answer says that they are not."""

from __future__ import annotations

import json
import shlex

import pytest

import footprint
from footprint.estimator.resolve.defaults import even_batch
from tests.cli.run import footprint as command

LORA = {"model": "llama3.1-8b", "method": "lora", "tokens": 1e7, "region": "FRA"}
NUMBERS = ("duration_h", "energy_kwh", "co2e_kg", "cost_usd", "embodied_co2e_kg", "memory", "flop", "mfu")


@pytest.mark.parametrize("count", range(1, 65))
@pytest.mark.parametrize("batch", [8, 32, 100, 1024])
def test_every_usual_split_shares_a_default_batch_evenly(count: int, batch: int) -> None:
    """Against every number of replicas that powers of two of tensor and pipeline ranks leave."""
    replicas = [count // 2**k for k in range(7) if count % 2**k == 0]
    fed = [number for number in replicas if number <= batch] or [
        max(number for number in range(1, batch + 1) if count % number == 0)
    ]
    shared = [size for size in range(1, 2 * batch + 1) if all(size % number == 0 for number in fed)]
    taken = even_batch(batch, count)
    assert taken in shared
    assert abs(taken - batch) == min(abs(size - batch) for size in shared)


@pytest.mark.parametrize("count", [3, 6, 8, 12])
def test_a_batch_that_nobody_gave_is_a_multiple_of_the_replicas(count: int) -> None:
    answer = footprint.estimate(hw=f"h100:{count}", **LORA)
    batch, layout = answer.workload.sequences_per_step, answer.parallelism
    share = batch / layout.dp
    assert share == int(share)
    said = [text for text in answer.warnings if text.startswith("the usual batch of 32")]
    assert len(said) == (batch != 32)
    assert not any("evenly: the time" in text for text in answer.warnings)
    # The same job with the batch given costs the same.
    again = footprint.estimate(hw=f"h100:{count}", batch_size=int(batch), **LORA)
    assert again.duration_h.mid == pytest.approx(answer.duration_h.mid, rel=1e-12)


def test_a_given_micro_batch_is_heeded_by_the_batch_that_nobody_gave() -> None:
    answer = footprint.estimate(hw="h100:6", micro_batch=4, **LORA)
    assert answer.parallelism.micro_batch == 4
    assert answer.workload.sequences_per_step % (4 * answer.parallelism.dp) == 0


def test_an_uneven_batch_that_was_given_is_said() -> None:
    """256 sequences on 6 replicas: four have 43 of them, two have 42."""
    uneven = footprint.estimate(model="bert-base", hw="v100:6", region="FRA")
    (said,) = [text for text in uneven.warnings if "evenly" in text]
    assert "43" in said
    assert "`batch_size=252`" in said
    assert "258" in said
    for batch in (252, 258):
        even = footprint.estimate(model="bert-base", hw="v100:6", region="FRA", batch_size=batch)
        assert not any("evenly" in text for text in even.warnings)


JOBS = {
    "one": "--model llama3.1-8b --hw rtx4090 --tokens 10M --method lora --region FRA",
    "node": "--model bert-base --hw v100:8 --region FRA",
    "images": "--model resnet-50 --hw v100:8 --region FRA",
    "processor": "--model baby-gpt --hw epyc-7763 --tokens 10M --region FRA",
    "hours": "--hw a100:16 --hours 10 --region FRA",
    "nodes": "--model llama2-7b --hw a100:16 --tokens 1B --region FRA",
}


def numbers_of(out: str) -> dict[str, object]:
    answer = json.loads(out)
    return {name: answer[name] for name in NUMBERS}


@pytest.mark.parametrize("job", JOBS)
@pytest.mark.parametrize(
    "option",
    [
        "--network 100Gb/s", "--overlap 0.5", "--stack megatron", "--document-length 50", "--seq-len 96",
        "--batch-size 48", "--recompute full", "--epochs 2", "--predicted-positions 40", "--input-gradients",
        "--document-length 9000", "--lora-dropout each",
    ],
)  # fmt: skip
def test_what_changes_no_number_is_said(job: str, option: str) -> None:
    """Each option either changes a number, or is refused, or is named in a warning."""
    base = command("estimate", *shlex.split(JOBS[job]), "--format", "json")
    done = command("estimate", *shlex.split(JOBS[job]), *shlex.split(option), "--format", "json")
    assert base.code == 0, base.err
    if done.code == 2:
        return
    assert done.code == 0, done.err
    named = any("without effect here" in line and option.split()[0] in line for line in done.err.splitlines())
    excused = job == "processor" and option in ("--document-length 50", "--batch-size 48")
    assert excused or named == (numbers_of(done.out) == numbers_of(base.out)), done.err
