"""What `flops` takes, `estimate` takes as well, and it changes what it names."""

from __future__ import annotations

import pytest

import footprint
from footprint.catalog.models import find_model
from footprint.errors import FootprintError
from footprint.flops import count_step
from footprint.schema import StepShape

LLAMA = {"model": "llama2-7b", "hw": "h100:64", "tokens": 1e9, "batch_size": 512, "region": "FRA"}


def terms(**given) -> dict[str, float]:
    return {term.name: term.time_s for term in footprint.estimate(**{**LLAMA, **given}).step_terms}


@pytest.mark.parametrize("objective", ["mlm", "mlm+nsp", "classification"])
def test_the_objective_is_the_one_that_is_counted(objective: str) -> None:
    given = {"model": "bert-base", "hw": "v100:8", "batch_size": 32, "seq_len": 128, "steps": 1}
    answer = footprint.estimate(**given, objective=objective)
    shape = StepShape(
        sequences=32, sequence_length=128,
        predicted_positions=answer_positions(answer),
    )  # fmt: skip
    counted = count_step(find_model("bert-base").config, shape, objective=objective)
    assert answer.flop.model_flop == pytest.approx(counted.training_flop, rel=1e-12)
    assert answer.workload.objective == objective


def answer_positions(answer: footprint.Estimate) -> int:
    """The recipe predicts 20 of 128 positions (Devlin et al. 2018, as released)."""
    assert answer.workload.sequence_length == 128
    return 20


def test_an_unknown_objective_is_an_error() -> None:
    with pytest.raises(FootprintError, match="objective"):
        footprint.estimate(**LLAMA, objective="nonsense")


def test_full_sharding_gathers_the_weights() -> None:
    """Rajbhandari et al. 2020 (arXiv:1910.02054): stage 3 moves 3 P where stages 1 and 2 move 2 P."""
    layout = {"tp": 1, "pp": 1, "dp": 64, "micro_batch": 1, "recompute": "full"}
    times = [terms(**layout, zero=stage)["data_parallel"] for stage in (1, 2, 3)]
    assert times[0] <= times[1] < times[2]


def test_interleaving_divides_the_bubble() -> None:
    """Narayanan et al. 2021 (arXiv:2104.04473): v chunks a stage make the bubble v times smaller."""
    given = {"tp": 1, "pp": 8, "dp": 8, "micro_batch": 1, "recompute": "full"}
    one, four = terms(**given, interleaving=1), terms(**given, interleaving=4)
    (bubble,) = [name for name in one if "bubble" in name]
    work = [sum(t.values()) - t[bubble] for t in (one, four)]
    assert one[bubble] / work[0] == pytest.approx(4 * four[bubble] / work[1], rel=0.25)


def test_one_micro_batch_is_on_one_stage_at_a_time() -> None:
    """Whatever the number of chunks, the other stages wait."""
    for chunks in (1, 4):
        found = terms(tp=1, pp=2, dp=32, micro_batch=16, recompute="full", interleaving=chunks)
        apart = {"pipeline_bubble", "data_parallel", "optimiser", "launch", "waiting", "software"}
        busy = sum(seconds for name, seconds in found.items() if name not in apart)
        assert found["pipeline_bubble"] == pytest.approx(busy)


def test_interleaving_needs_stages() -> None:
    with pytest.raises(FootprintError, match="`pp=`"):
        footprint.estimate(**LLAMA, tp=8, pp=1, interleaving=2)


def test_fp4_multiplies_at_its_own_peak() -> None:
    answer = footprint.estimate(**{**LLAMA, "hw": "b200:64"}, precision="fp4")
    assert answer.peak_flop_per_s == 9000e12  # NVIDIA's data sheet, dense
    with pytest.raises(FootprintError, match="fp4"):
        footprint.estimate(**LLAMA, precision="fp4")
