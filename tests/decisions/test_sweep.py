"""A sweep gives what `footprint.estimate` gives, scenario by scenario."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

import footprint
from footprint.decisions import sweep
from footprint.errors import FootprintError
from footprint.results.estimate import Estimate

EQUAL = 1e-12
ANSWERS = ("duration_h", "accelerator_h", "step_time_s", "mfu", "it_power_w", "it_energy_kwh", "energy_kwh",
           "co2e_kg", "cost_usd")  # fmt: skip
GRIDS = {
    "jobs and places": (
        {
            "model": ["bert-base", "llama2-7b", "mixtral-8x7b"],
            "hw": ["v100:8", "h100:256", "tpu-v4:64", "rtx4090:1", "rtx4090:4", "a100:1000"],
            "batch_size": [64, 1024],
            "region": ["FRA", "aws:us-east-1", None],
            "purchase": ["on_demand", "spot"],
        },
        {"tokens": 1e10, "seq_len": 512},
    ),
    "sizes that nobody gave": (
        {
            "model": ["gemma-2b", "gemma3-1b"],
            "hw": ["h100:8", "h100:4096", "a100:64"],
            "region": ["FRA", "POL"],
        },
        {},
    ),
    "a fine-tuning of unknown sizes": (
        {"hw": ["h100:1", "h100:8"], "method": ["finetune", "lora"], "samples": [1e4]},
        {"model": "qwen3-0.6b"},
    ),
    "lengths that nobody gave": (
        {"hw": ["h100:8", "h100:16"], "batch_size": [64, 128]},
        {"model": "gemma3-1b"},
    ),
    "known time": (
        {"hw": ["v100:8", "h100:64"], "mfu": [0.2, 0.4], "pue": [1.1, 1.3]},
        {"model": "gpt2", "tokens": 1e10, "batch_size": 512, "seq_len": 1024},
    ),
    "known hours of known work": (
        {"hw": ["h100:8", "h100:64"], "hours": [100.0, 900.0]},
        {"model": "gpt2", "tokens": 1e10, "batch_size": 512, "seq_len": 1024},
    ),
    "hours alone": ({"hw": ["v100:8", "h100:64"], "hours": [20.0, 40.0]}, {"region": "FRA"}),
    "given layouts, owned": (
        {"hw": ["h100:8", "h100:64"], "tp": [1, 2, 4, 3], "batch_size": [64, 256]},
        {"model": "llama2-7b", "tokens": 1e10, "capital_usd": 3e4},
    ),
    "phases as published": (
        {"hw": ["v100:8", "v100:16", "a100:8"], "batch_size": [256, 512], "year": [2020, 2026]},
        {"model": "bert-base"},
    ),
    "small batches": (
        {
            "model": ["llama3.1-8b", "bert-base"],
            "hw": ["h100:1", "h100:3", "h100:37", "h100:64", "h100:72", "h100:512"],
            "batch_size": [1, 2, 16, 36, 64, 1024],
            "tp": [None, 2],
        },
        {"tokens": 1e9, "seq_len": 512},
    ),
    "as many steps": (
        {"hw": ["a100:8"], "batch_size": [256, 512, 1024]},
        {"model": "bert-base", "steps": 1000.0, "grid_g_per_kwh": 100.0},
    ),
    "clearly too little memory": (
        {
            "model": ["llama2-7b", "llama2-70b", "mixtral-8x7b"],
            "hw": ["a100-40gb:1", "h100:1", "h100:8", "h100:16", "h100:64", "h100:512"],
            "batch_size": [64, 512],
            "tp": [None, 8],
        },
        {"tokens": 1e9, "seq_len": 2048},
    ),
    "known time in too little memory": (
        {"model": ["llama2-7b", "llama2-70b"], "hw": ["h100:1", "h100:8", "h100:64"], "mfu": [0.3]},
        {"tokens": 1e9, "seq_len": 2048, "batch_size": 512},
    ),
    "providers": (
        {"provider": ["aws", "gcp", "lambda"], "hw": ["h100:8", "h100:16"]},
        {"model": "gpt2", "tokens": 1e10, "batch_size": 512, "seq_len": 1024},
    ),
}


def estimate_or_none(given: dict) -> Estimate | None:
    try:
        return footprint.estimate(**given)
    except FootprintError:
        return None


@pytest.mark.slow
@pytest.mark.parametrize("name", GRIDS)
def test_every_row_is_the_estimate_of_its_scenario(name: str) -> None:
    axes, fixed = GRIDS[name]
    found = sweep(axes, **fixed)
    rows = list(itertools.product(*axes.values()))
    assert len(found) == len(rows)
    answered = 0
    for row, values in enumerate(rows):
        scenario = {**fixed, **dict(zip(axes, values, strict=True))}
        assert found.scenario(row) == dict(zip(axes, values, strict=True))
        given = {key: value for key, value in scenario.items() if value is not None}
        one = estimate_or_none(given)
        assert found.possible[row] == (one is not None), scenario
        if one is None:
            assert math.isnan(found.columns["energy_kwh_mid"][row])
            continue
        answered += 1
        for answer in ANSWERS:
            quantity = getattr(one, answer)
            for end in ("low", "mid", "high"):
                value = found.columns[f"{answer}_{end}"][row]
                if quantity is None:
                    assert math.isnan(value), (scenario, answer)
                else:
                    assert value == pytest.approx(getattr(quantity, end), rel=EQUAL), (scenario, answer, end)
    assert answered > len(rows) / 3


def test_what_cannot_be_looked_up_is_said_and_the_rest_goes_on() -> None:
    found = sweep(
        {"model": ["gpt2", "no-such-model"], "hw": ["h100:8"]}, tokens=1e10, batch_size=64, seq_len=1024
    )
    (problem,) = found.problems
    assert "no-such-model" in problem
    assert found.problems[problem].tolist() == [1]
    assert np.isfinite(found.columns["co2e_kg_mid"][0])


@pytest.mark.parametrize(
    ("axes", "fixed", "said"),
    [
        ({"hw": []}, {"model": "gpt2"}, "no values"),
        ({"hw": ["h100:8"], "modle": ["gpt2"]}, {}, "model"),
        ({"hw": ["h100:8"], "pue": [1.1, -2.0]}, {"model": "gpt2"}, "pue"),
        ({"pue": [1.1]}, {"model": "gpt2"}, "hw"),
        ({"hw": ["h100:8", "h100:zero"]}, {"model": "gpt2"}, "zero"),
    ],
)
def test_bad_axes_are_errors_that_name_them(axes: dict, fixed: dict, said: str) -> None:
    with pytest.raises(FootprintError, match=said):
        sweep(axes, **fixed)
