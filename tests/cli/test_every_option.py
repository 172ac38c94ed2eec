"""Each option of a scenario is taken by `estimate` and `run` alike, and changes the number that it names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import pytest

import footprint
from footprint.cli.commands import run
from footprint.cli.commands.estimate import command as estimate_command
from footprint.cli.shared.scenario_options import given_fields
from footprint.estimator.request import FIELDS, EstimateRequest
from footprint.tracking import make_run_settings
from footprint.tracking.process.identity import identify
from footprint.tracking.recorder.preparation import prepare

BERT = "--model bert-base --hw v100:8"
LLAMA = "--model llama2-7b --hw h100:64 --tokens 1B --batch-size 512"
GENERIC = "--hw h100:8 --tokens 1B"
NARROW = "--model llama2-13b --hw h100:4 --tokens 1B"
EXPERTS = "--model mixtral-8x7b --hw h100:64 --tokens 1B --batch-size 512"
OWNED = "--model bert-base --hw v100:8 --capital-usd 9000 --electricity-usd-per-kwh 0.1"
SWITCH = "--model llama2-7b --hw h100:64 --batch-size 512 --tokens 1B --tp 1 --pp 8 --dp 8 --micro-batch 1"

MOVES = {
    "hw": ("--model bert-base", "v100:8", "a100:8", "cluster.accelerator"),
    "model": ("--hw v100:8", "bert-base", "bert-large", "model.parameters"),
    "parameters": (GENERIC, "1B", "2B", "model.parameters"),
    "active_parameters": (f"{GENERIC} --parameters 8B", "1B", "2B", "flop.model_flop"),
    "flop_per_token": (GENERIC, "6e9", "12e9", "flop.model_flop"),
    "flop_per_sample": ("--hw h100:8 --samples 1M", "6e9", "12e9", "flop.model_flop"),
    "tokens": ("--model llama2-7b --hw h100:64", "1B", "2B", "workload.tokens"),
    "samples": ("--model resnet50 --hw v100:8", "1M", "2M", "workload.samples"),
    "steps": ("--model llama2-7b --hw h100:64", "100", "200", "workload.steps"),
    "epochs": ("--model resnet50 --hw v100:8 --samples 1M", "1", "3", "workload.samples"),
    "schedule": (
        "--model bert-base --hw v100:8", "900kx256x128", "900kx256x128,100kx256x512", "workload.tokens"
    ),
    "batch_size": ("--model bert-base --hw v100:8 --steps 10", "64", "128", "workload.sequences_per_step"),
    "seq_len": ("--model llama2-7b --hw h100:64 --steps 10", "1024", "2048", "workload.sequence_length"),
    "tgt_seq_len": ("--model t5-base --hw v100:8 --steps 10 --seq-len 512", "64", "114", "flop.model_flop"),
    "image_size": ("--model resnet50 --hw v100:8 --samples 1M", "160", "224", "flop.model_flop"),
    "padding_share": (f"{BERT} --packing", "0.2", "0.5", "flop.model_flop"),
    "document_length": (LLAMA, "256", "1024", "flop.model_flop"),
    "predicted_positions": (BERT, "20", "40", "flop.model_flop"),
    "method": (LLAMA, "finetune", "lora", "workload.method"),
    "objective": (BERT, "mlm", "classification", "workload.objective"),
    "lora_rank": (f"{LLAMA} --method lora", "8", "64", "workload.lora_rank"),
    "lora_targets": (f"{LLAMA} --method lora", "q_proj", "all-linear", "flop.model_flop"),
    "lora_dropout": (f"{LLAMA} --method lora", "none", "each", "memory.needed_gib.mid"),
    "frozen": (BERT, "embeddings", "layers:0-5", "flop.model_flop"),
    "precision": (LLAMA, "bf16", "fp8", "workload.precision"),
    "tp": (LLAMA, "1", "2", "parallelism.tp"),
    "pp": (LLAMA, "1", "2", "parallelism.pp"),
    "dp": (LLAMA, "32", "64", "parallelism.dp"),
    "cp": (LLAMA, "1", "2", "parallelism.cp"),
    "ep": (EXPERTS, "4", "8", "parallelism.ep"),
    "zero": (f"{LLAMA} --dp 64", "1", "3", "step_time_s.mid"),
    "interleaving": (SWITCH, "1", "4", "step_time_s.mid"),
    "micro_batch": (LLAMA, "1", "2", "parallelism.micro_batch"),
    "recompute": (LLAMA, "selective", "full", "parallelism.recompute"),
    "attention": (BERT, "eager", "flash", "step_time_s.mid"),
    # its states take memory, so that the step needs another layout
    "optimizer": (f"{NARROW} --batch-size 64", "sgd", "adamw", "parallelism.recompute"),
    "stack": (LLAMA, "tuned", "native", "step_time_s.mid"),
    "stack_date": (LLAMA, "2024-03", "2025-11", "step_time_s.mid"),
    "overlap": (f"{LLAMA} --tp 2", "0.1", "0.9", "step_time_s.mid"),
    "accelerators_per_node": ("--model bert-base --hw v100:8", "4", "8", "cluster.nodes"),
    "cooling": (LLAMA, "air", "water", "it_power_w.mid"),
    "network_byte_per_s": (f"{LLAMA} --tp 1 --pp 1 --dp 64", "1GB/s", "100GB/s", "step_time_s.mid"),
    "anchor": (BERT, "one.toml", "two.toml", "step_time_s.mid"),
    "hours": (BERT, "10h", "20h", "duration_h.mid"),
    "step_time_s": (BERT, "0.1", "0.2", "step_time_s.mid"),
    "tokens_per_second": (LLAMA, "100k", "200k", "duration_h.mid"),
    "samples_per_second": ("--model resnet50 --hw v100:8", "1000", "2000", "duration_h.mid"),
    "mfu": (BERT, "0.2", "0.3", "mfu.mid"),
    "goodput": (BERT, "0.8", "0.9", "goodput.mid"),
    "it_power_w": (BERT, "2000", "3000", "it_power_w.mid"),
    "accelerator_power_w": (BERT, "200", "250", "energy_components_kwh.accelerators.mid"),
    "memory_gib": (BERT, "10", "12", "memory.room_gib"),
    "memory_scope": (f"{BERT} --memory-gib 10", "allocated", "device", "memory.needed_gib.mid"),
    "region": (BERT, "FRA", "POL", "grid_g_per_kwh.mid"),
    "year": (BERT, "2023", "2025", "place.year"),
    "pue": (BERT, "1.1", "1.2", "pue.mid"),
    "grid_g_per_kwh": (BERT, "50", "100", "grid_g_per_kwh.mid"),
    "provider": (BERT, "aws", "gcp", "price.provider"),
    "purchase": (BERT, "on_demand", "spot", "price.purchase"),
    "usd_per_hour": (BERT, "1", "2", "cost_usd.mid"),
    "electricity_usd_per_kwh": (f"{BERT} --capital-usd 9000", "0.1", "0.5", "cost_usd.mid"),
    "capital_usd": (f"{BERT} --electricity-usd-per-kwh 0.1", "9000", "18000", "cost_usd.mid"),
    "lifetime_years": (OWNED, "3", "6", "cost_usd.mid"),
    "utilisation": (OWNED, "0.5", "0.9", "cost_usd.mid"),
    "runs": (BERT, "1", "3", "total.energy_kwh.mid"),
    "failed_share": (BERT, "0", "0.5", "total.energy_kwh.mid"),
    "trials": (BERT, "5", "9", "total.energy_kwh.mid"),
    "mean_fraction": (f"{BERT} --trials 9", "0.2", "0.5", "total.energy_kwh.mid"),
    "search": (BERT, "halving", "hyperband", "total.energy_kwh.mid"),
    "keep_one_in": (f"{BERT} --search hyperband", "2", "4", "total.energy_kwh.mid"),
    "shortest_fraction": (f"{BERT} --search hyperband", "0.1", "0.01", "total.energy_kwh.mid"),
    "name": (BERT, "mine", "yours", "name"),
}  # fmt: skip
"""Field -> the other options, two values, and the number of the answer that must differ between them."""
NOT_SETTINGS = ("program", "no_hooks", "ignore_defaults")
"""What `footprint run` takes beside the arguments of `track`."""
ANCHOR = """hw = "v100:8"
model = "bert-base"
batch_size = 256
seq_len = 128
step_time_s = {}
"""


def as_estimate(arguments: list[str]) -> dict[str, Any]:
    options = estimate_command.make_context("estimate", list(arguments)).params
    fields = {name: value for name, value in given_fields(options).items() if name in FIELDS}
    return footprint.estimate(**EstimateRequest.from_mapping(fields, "here").given()).to_json()


def as_run(arguments: list[str]) -> dict[str, Any]:
    context = run.command.make_context("run", [*arguments, "--", "true"])
    options = {name: v for name, v in context.params.items() if name not in NOT_SETTINGS}
    prepared = prepare(make_run_settings(**run.settings_of(options)), identify())
    assert prepared.estimate is not None, prepared.problems
    return json.loads(json.dumps(prepared.estimate.to_json()))


def part(answer: Any, path: str) -> Any:
    for name in path.split("."):
        answer = answer[name]
    return answer


def test_each_field_is_in_the_table() -> None:
    assert set(MOVES) == set(FIELDS) - {"force", "owned", "packing", "input_gradients"}


def test_hardware_that_is_owned_costs_its_electricity_in_both() -> None:
    rented, owned = BERT.split(), [*BERT.split(), "--owned"]
    assert as_estimate(owned)["cost_usd"] == as_run(owned)["cost_usd"] != as_estimate(rented)["cost_usd"]


def test_gradients_of_the_inputs_are_those_of_the_first_block_in_both() -> None:
    """Three frozen projections of 4096, two adapters of rank 16, and the gradient of its keys."""
    given = [*f"{LLAMA} --method lora --seq-len 1024".split()]
    without, reached = given, [*given, "--input-gradients"]
    flops = [as_estimate(options)["flop"]["model_flop"] for options in (without, reached)]
    assert flops == [as_run(options)["flop"]["model_flop"] for options in (without, reached)]
    tokens = as_estimate(given)["workload"]["tokens"]
    one = 2 * (3 * 4096**2 + 2 * 16 * 4096 + 1024 * 4096)
    assert flops[1] - flops[0] == pytest.approx(one * tokens, rel=1e-9)


@pytest.mark.parametrize("name", MOVES)
def test_it_changes_what_it_names(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for file, step_s in (("one.toml", 0.08), ("two.toml", 0.12)):
        (tmp_path / file).write_text(ANCHOR.format(step_s))
    others, *values, path = MOVES[name]
    found = []
    for value in values:
        arguments = [*others.split(), FIELDS[name].flag, value]
        answers = as_estimate(arguments), as_run(arguments)
        assert part(answers[0], path) == part(answers[1], path)
        assert answers[0]["energy_kwh"] == answers[1]["energy_kwh"]
        found.append(part(answers[0], path))
    assert found[0] != found[1], found


def test_a_contradiction_is_refused_before_the_program_runs() -> None:
    context = run.command.make_context("run", ["--steps", "5", "--epochs", "2", "--", "true"])
    options = {name: v for name, v in context.params.items() if name not in NOT_SETTINGS}
    with pytest.raises((footprint.FootprintError, click.ClickException), match="steps"):
        run.settings_of(options)
