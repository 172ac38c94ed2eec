"""A step that needs clearly more memory than its accelerators have is an error, and marked where forced."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import footprint
from footprint.decisions import sweep
from footprint.errors import FootprintError
from tests.cli.run import footprint as command

GIB = 2**30
# 70 B parameters of 18 bytes each: weights 2, gradients 4, master weights and the moments of Adam 12.
LLAMA = {"model": "llama2-70b", "tokens": 1e9, "batch_size": 512, "seq_len": 4096}
STATE_GIB = 68.98e9 * 18 / GIB


def refusal(**fields: Any) -> str:
    with pytest.raises(FootprintError) as caught:
        footprint.estimate(**fields)
    return str(caught.value)


def test_the_message_names_what_is_needed_and_a_count_that_fits() -> None:
    message = refusal(**LLAMA, hw="h100:2")
    needed = re.search(r"at least ([\d,]+) GiB of each of 2 accelerators", message)
    assert needed is not None
    assert STATE_GIB / 2 < float(needed[1].replace(",", "")) < 1.2 * STATE_GIB / 2
    assert "into the 80 GiB of NVIDIA H100" in message
    for way in ("`method='lora'`", "`method='qlora'`", "`optimizer='adam8bit'`", "offload", "`force=True`"):
        assert way in message
    (hw,) = re.findall(r"`hw=(\S+)` fits", message)
    count = int(hw.partition(":")[2])
    assert STATE_GIB / 80 < count <= 64
    assert not footprint.estimate(**LLAMA, hw=hw).misfit
    half = footprint.estimate(**LLAMA, hw=f"h100:{count // 2}", force=True)
    assert any("does not fit" in warning for warning in half.warnings)


@pytest.mark.parametrize(
    "known", [{"mfu": 0.4}, {"hours": 1000.0}, {"step_time_s": 30.0}, {"tokens_per_second": 1e4}]
)
def test_a_known_time_makes_no_room(known: dict[str, float]) -> None:
    message = refusal(**LLAMA, **known, hw="h100:2")
    needed = re.search(r"at least ([\d,]+) GiB", message)
    assert needed is not None
    assert float(needed[1].replace(",", "")) == pytest.approx(STATE_GIB / 2, rel=0.01)
    assert re.search(r"`hw=\S+` fits", message)
    assert footprint.estimate(**LLAMA, **known, hw="h100:2", force=True).misfit
    # All states shared by sixteen: 72 GiB each.
    assert not footprint.estimate(**LLAMA, **known, hw="h100:16", force=True).misfit


def test_frozen_weights_of_four_bits_are_counted_as_such() -> None:
    """70 B weights are 128 GiB at full width, and 35 on four bits: the latter have room in 48 GiB."""
    tuned = {**LLAMA, "batch_size": 8, "seq_len": 512, "hw": "l40s:1", "hours": 2000.0}
    assert not footprint.estimate(**tuned, method="qlora").misfit
    assert "84 GiB" not in refusal(**tuned, method="lora")


def test_a_given_layout_is_no_way_round_and_keeps_its_advice() -> None:
    message = refusal(**LLAMA, hw="h100:64", tp=1, pp=2, micro_batch=1)
    assert re.search(r"it fits with `\w+=\S+`", message)
    assert "times what is there" in message


def test_a_near_miss_is_a_warning_still() -> None:
    """7 B on one accelerator: 6.74e9 x 18 bytes are 113 GiB in 80, 1.41 times."""
    answer = footprint.estimate(model="llama2-7b", tokens=1e9, batch_size=64, seq_len=512, hw="h100:1")
    assert answer.misfit is None
    assert any("does not fit" in warning for warning in answer.warnings)


def test_forced_answers_are_marked_first_and_their_numbers_stay() -> None:
    forced = footprint.estimate(**LLAMA, hw="h100:2", force=True)
    assert forced.misfit is not None
    assert forced.misfit in forced.warnings
    assert "and forced: " in forced.misfit
    assert any(warning.startswith("clearly") for warning in forced.to_json()["warnings"])


@pytest.mark.parametrize("more", [{}, {"mfu": 0.4}, {"recompute": "none"}])
def test_sweeps_call_the_same_scenarios_impossible(more: dict[str, Any]) -> None:
    counts = [1, 2, 4, 8, 16, 32, 64]
    for force in (False, True):
        fields = {**LLAMA, **more, "force": force}
        found = sweep({"hw": [f"a100-80gb:{count}" for count in counts]}, **fields)
        possible = []
        for count in counts:
            try:
                footprint.estimate(**fields, hw=f"a100-80gb:{count}")
                possible.append(True)
            except FootprintError:
                possible.append(False)
        assert np.array_equal(found.possible, possible)
        assert possible[-1]
        assert possible[0] == force


FORCED = ["--model", "llama3.1-8b", "--method", "finetune", "--tokens", "10M", "--force", "--quiet"]


@pytest.mark.parametrize(
    "words",
    [
        ["compare", "--hw", "rtx4090:1,h100:8", "--region", "FRA"],
        ["compare", "--hw", "rtx4090:1,h100:8", "--region", "FRA", "--hours", "9"],
        ["rank", "--hw", "a10g:1", "--keep-in", "EU"],
        ["rank", "--hw", "rtx4090:1", "--when", "monthly", "--region", "FRA"],
        ["estimate", "--hw", "rtx4090:1", "--region", "FRA", "--hours", "9"],
    ],
    ids=" ".join,
)
def test_no_gate_passes_what_was_forced_and_each_form_is_marked(words: list[str]) -> None:
    """135 GiB of weights, gradients and Adam's states are in no 24 GiB: 8.03e9 parameters of 18 bytes."""
    assert 8.03e9 * 18 > 24 * 2**30
    limit = ["--fail-over", "1000 tCO2e"]
    assert command(*words, *FORCED).code == 0
    refused = command(*words, *FORCED, *limit)
    assert refused.code == 3, refused.err
    assert "too little memory" in refused.err
    for form in ("table", "json", "markdown"):
        assert "too little memory" in command(*words, *FORCED, "--format", form).out


def test_how_many_times_too_small_is_a_plain_number() -> None:
    message = refusal(model="llama3.1-405b", tokens=1e9, hw="rtx4090:1")
    found = re.search(r"at least ([\d,]+) GiB are needed, ([\d,]+) times", message)
    assert found is not None
    needed, times = (float(number.replace(",", "")) for number in found.groups())
    assert times == pytest.approx(needed / 24, rel=0.05)
