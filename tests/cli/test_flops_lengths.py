"""Lengths of ``footprint flops``: of schedules, of images, and beyond what a model knows or torch runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Footprint


def test_a_schedule_gives_the_lengths_of_the_one_step(footprint: Footprint, tmp_path: Path) -> None:
    def run(model: str, *arguments: str) -> dict[str, Any]:
        done = footprint("flops", "--model", model, "--format", "json", *arguments)
        assert done.returncode == 0, done.stderr
        record: dict[str, Any] = json.loads(done.stdout)
        return record

    bert = _small_bert(tmp_path / "bert.json")
    record = run(bert, "--schedule", "10x4x16,5x2x32")  # of the first phase
    assert record["training_flop"] == run(bert, "--seq-len", "16")["training_flop"]
    assert record["run"]["tokens"] == 10 * 4 * 16 + 5 * 2 * 32
    assert run(bert, "--schedule", "10x4x16", "--seq-len", "8")["tokens"] == 8
    targets = ("--schedule", "3x2x64", "--tgt-seq-len", "8")
    assert run("t5-small", *targets)["run"]["tokens"] == 3 * 2 * (64 + 8)


def test_images_have_no_length(footprint: Footprint) -> None:
    def run(*arguments: str) -> Any:
        return footprint("flops", "--model", "resnet-50", "--format", "json", *arguments)

    one = json.loads(run("--image-size", "64").stdout)["training_flop"]
    whole = json.loads(run("--image-size", "64", "--schedule", "10x4,2x8").stdout)["run"]
    assert whole["samples"] == 10 * 4 + 2 * 8
    assert whole["training_flop"] == whole["samples"] * one
    for arguments, says in (
        (("--seq-len", "20"), "resnet-50 trains on images: leave out --seq-len"),
        (("--tgt-seq-len", "20"), "resnet-50 trains on images: leave out --tgt-seq-len"),
        (
            ("--schedule", "10x4,10x4x20"),
            "images, which have no length: write the --schedule as STEPSxIMAGES",
        ),
    ):
        done = run(*arguments)
        assert done.returncode == 2
        assert says in done.stderr


def small_config(path: Path, **keys: Any) -> str:
    path.write_text(json.dumps(keys))
    return str(path)


def _small_bert(path: Path, **keys: Any) -> str:
    return small_config(
        path, model_type="bert", hidden_size=64, num_hidden_layers=2, num_attention_heads=4,
        intermediate_size=96, vocab_size=100, max_position_embeddings=32, **keys,
    )  # fmt: skip


def _small_whisper(path: Path, **keys: Any) -> str:
    return small_config(
        path, model_type="whisper", d_model=64, encoder_layers=2, decoder_layers=2,
        vocab_size=51865, encoder_attention_heads=4, decoder_attention_heads=4, encoder_ffn_dim=96,
        decoder_ffn_dim=96, num_mel_bins=80, max_source_positions=50, **keys,
    )  # fmt: skip


@pytest.mark.slow
def test_torch_hears_whispers_own_frames(footprint: Footprint, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    model = _small_whisper(tmp_path / "config.json")
    done = footprint("flops", "--model", model, "--tgt-seq-len", "20", "--verify", "--format", "json")
    assert done.returncode == 0, done.stderr
    proof = json.loads(done.stdout)["proof"]
    assert proof["exact"] is True
    assert proof["forward_flop"] == proof["torch_forward_flop"]


def test_sequences_beyond_the_positions_are_warned_about(footprint: Footprint, tmp_path: Path) -> None:
    def warnings(*arguments: str) -> list[str]:
        done = footprint(
            "flops", "--format", "json", "--model", _small_bert(tmp_path / "bert.json"), *arguments
        )
        assert done.returncode == 0, done.stderr
        found: list[str] = json.loads(done.stdout)["warnings"]
        return found

    assert warnings("--seq-len", "32") == []
    expected = "sequences of 33 tokens are longer than the 32 positions of bert"
    assert warnings("--seq-len", "33") == [expected]
    assert warnings("--seq-len", "32", "--schedule", "9x8x32,1x8x33") == [expected]
    done = footprint("flops", "--model", str(tmp_path / "bert.json"), "--seq-len", "33")
    assert f"warning: {expected}" in done.stdout


def test_targets_beyond_the_positions_are_warned_about(footprint: Footprint, tmp_path: Path) -> None:
    def warnings(model: str, *arguments: str) -> list[str]:
        done = footprint("flops", "--format", "json", "--model", model, *arguments)
        assert done.returncode == 0, done.stderr
        found: list[str] = json.loads(done.stdout)["warnings"]
        return found

    says = "target sequences of {} tokens are longer than the {} positions of {}".format
    given = _small_whisper(tmp_path / "given.json", max_target_positions=100)
    assert warnings(given, "--tgt-seq-len", "100") == []
    assert warnings(given, "--tgt-seq-len", "150") == [says(150, 100, "given")]
    usual = _small_whisper(tmp_path / "usual.json")
    assert warnings(usual, "--tgt-seq-len", "449") == [says(449, 448, "usual")]
    bart = small_config(
        tmp_path / "bart.json", model_type="bart", d_model=64, encoder_layers=1, decoder_layers=1,
        encoder_attention_heads=4, decoder_attention_heads=4, encoder_ffn_dim=96, decoder_ffn_dim=96,
        vocab_size=100, max_position_embeddings=32,
    )  # fmt: skip
    assert warnings(bart, "--seq-len", "32", "--tgt-seq-len", "33") == [says(33, 32, "bart")]
    assert warnings("t5-small", "--seq-len", "64", "--tgt-seq-len", "4096") == []  # relative positions
    run = ("--hw", "a100:8", "--samples", "1e6", "--batch-size", "64", "--tgt-seq-len", "600")
    done = footprint("estimate", "--model", "whisper-small", *run)
    assert done.returncode == 0, done.stderr
    assert says(600, 448, "whisper-small") in " ".join((done.stdout + done.stderr).split())


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind", ["longer than its positions", "targets longer than its positions", "not of transformers"]
)
def test_what_torch_cannot_run_is_counted_and_said_so(
    footprint: Footprint, tmp_path: Path, capfd: pytest.CaptureFixture[str], kind: str
) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    if kind == "not of transformers":
        asked = ("--model", "gopher-280b", "--seq-len", "8")
        says = "not verified: torch cannot run model_type 'gopher' without data"
    elif kind.startswith("targets"):
        asked = ("--model", _small_whisper(tmp_path / "whisper.json", max_target_positions=100))
        asked += ("--tgt-seq-len", "150")
        says = "not verified: torch cannot run this step: target sequences of 150 tokens are longer than "
    else:
        asked = ("--model", _small_bert(tmp_path / "bert.json"), "--seq-len", "64")
        says = "not verified: torch cannot run this step: sequences of 64 tokens are longer than the 32 "
    done = footprint("flops", *asked, "--verify", "--format", "json")
    assert done.returncode == 0, done.stderr
    assert done.stderr + capfd.readouterr().err == ""  # nor what torch logs while it fails
    record = json.loads(done.stdout)
    unasked = json.loads(footprint("flops", *asked, "--format", "json").stdout)
    assert {**record, "warnings": record["warnings"][:-1]} == unasked  # the count, and one sentence more
    assert "proof" not in record
    assert record["warnings"][-1].startswith(says)
    assert record["warnings"][-1].endswith((")", "model"))


@pytest.mark.slow
@pytest.mark.parametrize("saved", ["BertForPreTraining", "BertForMaskedLM", "BertForSequenceClassification"])
def test_torch_builds_the_objective_that_is_counted(footprint: Footprint, tmp_path: Path, saved: str) -> None:
    transformers = pytest.importorskip("transformers")
    model = _small_bert(tmp_path / "bert.json", architectures=[saved])
    config = transformers.BertConfig(**json.loads((tmp_path / "bert.json").read_text()))
    for objective, built in ((), "BertForMaskedLM"), (("--objective", "mlm+nsp"), "BertForPreTraining"):
        run = ("flops", "--model", model, "--seq-len", "16", "--verify", "--format", "json", *objective)
        proof = json.loads(footprint(*run).stdout)["proof"]
        assert proof["exact"] is True
        assert proof["torch_parameters"] == getattr(transformers, built)(config).num_parameters()
