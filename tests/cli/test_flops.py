"""``footprint flops``: the JSON contract, the table, the proof, and what it says to bad input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from footprint.catalog.models import find_model
from footprint.flops import count_step
from footprint.schema import StepShape
from tests.cli.test_flops_lengths import small_config
from tests.conftest import Footprint

EXPERTS = ("--model", "mixtral-8x7b", "--seq-len", "8", "--dp", "6")
PROMISED = {
    "schema", "model", "parameters", "tokens", "forward_flop", "backward_flop", "training_flop",
    "training_flop_causal", "hardware_flop", "components", "basis",
}  # fmt: skip


def test_json_keeps_the_contract(footprint: Footprint) -> None:
    done = footprint("flops", "--model", "gpt2", "--seq-len", "1024", "--batch-size", "8", "--format", "json")
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert set(record) >= PROMISED
    assert record["schema"] == "footprint/flops/1"
    exact = count_step(find_model("gpt2").config, StepShape(sequences=8, sequence_length=1024))
    assert record["training_flop"] == exact.training_flop
    assert record["tokens"] == 8 * 1024
    assert sum(record["components"].values()) == record["training_flop"]
    assert set(record["parameters"]) == {"total", "active", "trainable", "non_embedding"}
    assert record["shortcut_6n_flop"] == 6 * record["parameters"]["total"] * record["tokens"]
    assert record["memory"]["total_byte"] > 16 * record["parameters"]["total"]


def test_the_table_fits_and_names_the_recipes_own_step(footprint: Footprint) -> None:
    done = footprint("flops", "--model", "bert-base")
    assert done.returncode == 0, done.stderr
    assert all(len(line) <= 80 for line in done.stdout.splitlines())
    assert "110,106,428" in done.stdout
    assert "5.463e8" in done.stdout  # a token of the first phase, 20 of 128 positions predicted


def test_the_whole_run_and_whether_it_fits(footprint: Footprint) -> None:
    done = footprint(
        "flops", "--model", "bert-base", "--schedule", "recipe", "--hw", "v100", "--format", "json"
    )
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert record["run"]["steps"] == 1_000_000
    assert record["run"]["tokens"] == 256 * (900_000 * 128 + 100_000 * 512)
    assert record["memory"]["fits"] is True
    assert record["memory"]["accelerator_gib"] == 16
    given = footprint(
        "flops", "--model", "gpt2", "--schedule", "1kx8x1024", "--hw", "v100", "--batch-size", "64"
    )
    assert given.returncode == 0, given.stderr
    assert "does not fit" in given.stdout
    assert "8,192,000 tokens" in given.stdout or "8.192e6 tokens" in given.stdout


def test_adapters_and_expert_parallelism_on_the_command_line(footprint: Footprint) -> None:
    def run(*arguments: str) -> dict[str, Any]:
        done = footprint("flops", "--format", "json", "--seq-len", "64", *arguments)
        assert done.returncode == 0, done.stderr
        record: dict[str, Any] = json.loads(done.stdout)
        return record

    adapters = ("--model", "gpt2", "--method", "lora")
    assert run(*adapters, "--input-gradients")["backward_flop"] > run(*adapters)["backward_flop"]
    experts = ("--model", "mixtral-8x7b", "--dp", "8")
    whole, split = run(*experts)["memory"], run(*experts, "--ep", "8")["memory"]
    each = 3 * 4096 * 14336 * 32  # a gated MLP in 32 layers, 16 bit
    assert whole["weights_byte"] - split["weights_byte"] == pytest.approx(2 * 7 * each)
    sharded = run(*experts, "--cp", "2", "--zero", "3")["memory"]["weights_byte"]
    attention, router, norms = 4096 * (2 * 4096 + 2 * 1024), 4096 * 8, 2 * 4096
    layer = 8 * 3 * 4096 * 14336 + attention + router + norms
    # two layers at a time are gathered, in 16 bits
    assert sharded == pytest.approx(whole["weights_byte"] / 16 + 2 * 2 * layer, rel=1e-12)


def test_images_have_no_tokens(footprint: Footprint) -> None:
    done = footprint("flops", "--model", "resnet-50", "--format", "json")
    record = json.loads(done.stdout)
    assert record["tokens"] is None
    assert record["shortcut_6n_flop"] is None


@pytest.mark.slow
def test_verify_prints_both_counts(footprint: Footprint) -> None:
    pytest.importorskip("torch")
    done = footprint("flops", "--model", "t5-small", "--verify", "--format", "json")
    assert done.returncode == 0, done.stderr
    proof = json.loads(done.stdout)["proof"]
    assert proof["exact"] is True
    assert proof["forward_flop"] == proof["torch_forward_flop"]
    assert proof["backward_flop"] == proof["torch_backward_flop"]


def test_a_strangers_config(footprint: Footprint, tmp_path: Path) -> None:
    config = {
        "model_type": "llama", "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
        "intermediate_size": 96, "vocab_size": 100,
    }  # fmt: skip
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config))
    done = footprint("flops", "--model", str(path), "--seq-len", "16", "--method", "lora", "--format", "json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["parameters"]["trainable"] == 2 * 2 * 16 * (64 + 64)
    path.write_text(json.dumps({**config, "num_attention_heads": 7}))
    done = footprint("flops", "--model", str(path), "--seq-len", "16")
    assert done.returncode == 2
    assert "config.hidden_size = 64 is not a multiple of num_attention_heads = 7" in done.stderr


def test_a_config_that_states_other_parameters_is_warned_about(footprint: Footprint, tmp_path: Path) -> None:
    config = {
        "model_type": "llama", "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
        "intermediate_size": 96, "vocab_size": 100,
    }  # fmt: skip
    exact = 2 * 100 * 64 + 2 * (4 * 64 * 64 + 3 * 64 * 96 + 2 * 64) + 64
    path = tmp_path / "config.json"
    for stated, warned in ((exact, False), (1.02 * exact, False), (1.05 * exact, True)):
        path.write_text(json.dumps({**config, "params": stated}))
        done = footprint("flops", "--model", str(path), "--seq-len", "16", "--format", "json")
        assert done.returncode == 0, done.stderr
        record = json.loads(done.stdout)
        assert record["parameters"]["total"] == exact
        assert bool(record["warnings"]) is warned
    path.write_text(json.dumps({**config, "params": "many"}))
    done = footprint("flops", "--model", str(path), "--seq-len", "16")
    assert done.returncode == 2
    assert "params must be a number of parameters" in done.stderr


@pytest.mark.parametrize(("arguments", "says"), [
    (["--model", "gpt2", "--frozen", "nothing"], "nothing called 'nothing'"),
    (["--model", "gpt2", "--method", "lora", "--lora-targets", "query"], "no projection called query"),
    (["--model", "t5-base", "--seq-len", "8", "--objective", "clm"], "objective 'clm' does not fit"),
    (["--model", "gpt2", "--precision", "fp12"], "precision 'fp12'"),
    (["--model", "gpt2", "--document-length", "0.1"], "document_length"),
    (["--model", "gpt2", "--tp", "7"], "12 attention heads of the model: --tp 1, 2, 3, 4, 6, 12 do"),
    (["--model", "gpt2", "--tp", "8"], "--tp 8 does not divide the 12 attention heads"),
    (["--model", "gpt2", "--pp", "13"], "more stages than the 12 layers of the model: --pp 1 to 12 do"),
    (
        ["--model", "llama2-7b", "--batch-size", "1", "--dp", "128"],
        "a batch of 1 sequences cannot feed 128 data-parallel replicas: give --batch-size 128 or more",
    ),
    (["--model", "gpt2", "--dp", "2", "--micro-batches", "4", "--batch-size", "7"], "give --batch-size 8"),
    (["--model", "gpt2", "--dp", "8", "--ep", "2"], "the model has no experts: leave out --ep"),
    ([*EXPERTS, "--ep", "3"], "--ep 3 does not divide the 8 experts of the model: --ep 1, 2, 4, 8 do"),
    ([*EXPERTS, "--ep", "16"], "--ep 16 does not divide the 8 experts of the model: --ep 1, 2, 4, 8 do"),
    ([*EXPERTS, "--ep", "8", "--tp", "2"], "--ep 8 does not divide the 12 ranks that hold a layer"),
    (["--model", "gpt2", "--frozen", "layers:0-12"], "there are 12 layers: layers:0-11"),
    (["--model", "gpt2", "--frozen", "layers:40"], "there are 12 layers: layers:0-11"),
    (["--model", "t5-base", "--frozen", "decoder.layers:12"], "there are 12 layers in the decoder"),
])  # fmt: skip
def test_what_does_not_fit_says_so(footprint: Footprint, arguments: list[str], says: str) -> None:
    done = footprint("flops", *arguments)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("predicted", "counts"), [((), (20, 77)), (("--predicted-positions", "20"), (20, 20))]
)
def test_a_written_schedule_is_counted_as_the_recipe_it_repeats(
    footprint: Footprint, predicted: tuple[str, ...], counts: tuple[int, int]
) -> None:
    def training(*arguments: str, run: bool) -> float:
        done = footprint("flops", "--model", "bert-base", "--format", "json", *predicted, *arguments)
        assert done.returncode == 0, done.stderr
        record = json.loads(done.stdout)
        return float((record["run"] if run else record)["training_flop"])

    written = training("--schedule", "900kx256x128,100kx256x512", run=True)
    assert written == training("--schedule", "recipe", run=True)
    steps = [training("--seq-len", length, "--batch-size", "256", run=False) for length in ("128", "512")]
    assert written == 900_000 * steps[0] + 100_000 * steps[1]
    # BERT base by hand: 12 blocks, a transform and the vocabulary over the predicted, a pooler over one
    width, vocabulary = 768, 30522
    for step, length, seen in zip(steps, (128, 512), counts, strict=True):
        blocks = 12 * (2 * length * 12 * width**2 + 4 * length**2 * width)
        head = 2 * seen * width * (width + vocabulary) + 2 * width * (width + 2)
        assert step == 3 * 256 * (blocks + head)


def test_the_shortcut_with_the_active_parameters_stands_beside(footprint: Footprint) -> None:
    def run(*arguments: str) -> tuple[dict[str, Any], str]:
        written = ("flops", "--seq-len", "4096", *arguments)
        done, table = footprint(*written, "--format", "json"), footprint(*written)
        assert done.returncode == table.returncode == 0, done.stderr
        return json.loads(done.stdout), table.stdout

    record, table = run("--model", "mixtral-8x7b")
    active = 12_879_925_248  # mistral.ai: 12.9 B of 46.7 B parameters a token
    assert record["parameters"]["active"] == active
    assert record["shortcut_6n_active_flop"] == 6 * active * 4096
    error = 6 * active * 4096 / record["training_flop"] - 1
    assert record["shortcut_6n_active_error"] == pytest.approx(error)
    assert abs(error) < 0.1 < record["shortcut_6n_error"]
    assert f"6 x all parameters x tokens: 1.148e15 FLOP a step, {record['shortcut_6n_error']:+.1%}" in table
    assert f"6 x active parameters x tokens: 3.165e14 FLOP a step, {error:+.1%}" in table
    assert "every parameter" not in table
    assert all(len(line) <= 80 for line in table.splitlines())

    record, table = run("--model", "llama2-7b", "--method", "lora")
    assert record["shortcut_6n_active_flop"] == record["shortcut_6n_flop"]
    assert "active parameters" not in table
    assert "rule for training all parameters (this method trains fewer):\n  6 x parameters x tokens:" in table


def test_a_state_space_layer_is_one_component_and_says_so(footprint: Footprint, tmp_path: Path) -> None:
    width, layers, vocabulary, length = 2560, 64, 50280, 2048
    model = small_config(
        tmp_path / "config.json", model_type="mamba", hidden_size=width, num_hidden_layers=layers,
        vocab_size=vocabulary, state_size=16,
    )  # fmt: skip
    done = footprint("flops", "--model", model, "--seq-len", str(length), "--format", "json")
    components = json.loads(done.stdout)["components"]
    # by hand: four projections, and C times the state; the selective scan is elementwise
    inner, rank, state = 2 * width, width // 16, 16
    projections = width * 2 * inner + inner * (rank + 2 * state) + rank * inner + inner * width
    assert components["recurrence"] == 3 * 2 * length * layers * (projections + inner * state)
    assert 3 * 2 * length * layers * projections / sum(components.values()) == pytest.approx(0.951, abs=5e-4)
    note = "recurrence: all products of those layers, projections in and out included"
    assert note in footprint("flops", "--model", model, "--seq-len", "8").stdout
    assert note not in footprint("flops", "--model", "gpt2", "--seq-len", "8").stdout
