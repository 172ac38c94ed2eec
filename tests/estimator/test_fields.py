"""The table of a scenario's fields, and what is made of it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields
from typing import Any

import pytest

from footprint.cli import group
from footprint.errors import FootprintError
from footprint.estimator.request import FIELDS, EstimateRequest
from footprint.spelling import flag
from tests.conftest import ROOT

# Typed from the contract and the bounds that were agreed, not from the code.
OPTIONS = """--objective --zero --interleaving
    --model --hw --parameters --active-parameters --flop-per-token --flop-per-sample
    --tokens --samples --steps --epochs --batch-size --seq-len --tgt-seq-len
    --schedule
    --image-size --document-length --predicted-positions --packing --padding-share
    --method --lora-rank --lora-targets --lora-dropout --input-gradients --frozen --precision
    --tp --pp --dp --cp --ep --micro-batch --recompute --attention --optimizer --stack --overlap
    --stack-date
    --accelerators-per-node --cooling
    --network
    --anchor --hours --step-time-s --tokens-per-second --samples-per-second --mfu --goodput --it-power-w
    --accelerator-power-w --memory-gib --memory-scope --region --year --pue --grid-g-per-kwh
    --provider --purchase --usd-per-hour
    --electricity-usd-per-kwh --owned --capital-usd --lifetime-years --utilisation --runs --failed-share
    --trials --mean-fraction --search --keep-one-in --shortest-fraction
    --name --force"""
OUTSIDE: dict[str, tuple[Any, ...]] = {
    "tokens": (0, 2e20, "x", True, float("nan"), float("inf")),
    "batch_size": (0, 2.5, 10**13),
    "mfu": (0, 1.01),
    "pue": (0.99, 5.1),
    "year": (1999, 2101, 2020.5),
    "grid_g_per_kwh": (-1, 5001),
    "failed_share": (-0.1, 1),
    "trials": (0, 1.5, 10**10),
    "mean_fraction": (0, 1.01),
    "keep_one_in": (1, 1001),
    "step_time_s": (0, 1e-10),
    "document_length": (0.5,),
    "memory_gib": (0, -1, 2e5, "x", True, float("nan"), float("inf")),
    "memory_scope": ("", "Reserved", 3),
    "predicted_positions": (0, 2.5),
    "padding_share": (-0.01, 1),
    "network_byte_per_s": (0, 2e15),
    "precision": ("fp64", "int8", 16),
    "optimizer": ("adamm",),
    "lora_dropout": ("both", 0.1),
    "stack": ("other", "megatrn", 3),
    "overlap": (-0.1, 1.01),
    "stack_date": ("", "02-2026", "2026-13", "1999-01", 2026),
    "region": ("", " ", "a\nb", 3),
    "hw": ("", 8, None),
}


def test_the_table_is_the_record() -> None:
    assert list(FIELDS) == [field.name for field in fields(EstimateRequest)]
    assert {flag(name) for name in FIELDS} == set(OPTIONS.split())


def test_every_field_is_an_option_of_estimate_in_its_section() -> None:
    command = group.get_command(None, "estimate")  # type: ignore[arg-type]
    assert command is not None
    params = {param.name: param for param in command.params}
    for name, field in FIELDS.items():
        assert params[name].opts == [field.flag]
        assert field.help.strip().endswith(".")


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_value_outside_its_bounds_is_an_error_that_carries_the_field(name: str) -> None:
    for value in OUTSIDE[name]:
        with pytest.raises(FootprintError) as caught:
            EstimateRequest(**{"hw": "v100:8", name: value})
        assert caught.value.fields[0] == name


def test_people_write_the_same_in_python_and_in_a_file() -> None:
    request = EstimateRequest.from_mapping(
        {
            "hw": "v100:8", "tokens": "300B", "batch_size": "1k", "hours": "3.3d", "goodput": "90%",
            "capital_usd": "$10k", "network_byte_per_s": "400Gb/s", "optimizer": " LAMB ",
            "frozen": ["embeddings"], "grid_g_per_kwh": "0",
        } | {"hours": None},
        "here",
    )  # fmt: skip
    assert (request.tokens, request.batch_size, request.goodput) == (3e11, 1000, 0.9)
    assert (request.capital_usd, request.network_byte_per_s, request.optimizer) == (10_000, 5e10, "lamb")
    assert isinstance(request.batch_size, int)
    assert request.given()["grid_g_per_kwh"] == 0, "a nought was given, too"
    assert request.given()["frozen"] == ["embeddings"]
    assert EstimateRequest.from_mapping(request.given(), "again") == request


@pytest.mark.parametrize("name", [name for name, one in FIELDS.items() if one.least == 0 and one.kind.number])
def test_a_bound_of_nought_can_be_written(name: str) -> None:
    """The help page says from 0 on, so a text says it as a number does."""
    assert FIELDS[name].read("0") == 0
    assert not isinstance(FIELDS[name].read("0"), bool)
    with pytest.raises(FootprintError):
        FIELDS[name].check(-1)


def test_the_page_of_options_is_current() -> None:
    """If an option changed: python -m benchmarks.options_page --write."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.options_page"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == (ROOT / "docs" / "options.md").read_text(encoding="utf-8")
