"""Mixers with a state: models with state-space layers against published rates that no fit has read."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

import pytest

from footprint.catalog.files import read_csv, reference_folder
from footprint.estimator import estimate

MAMBA = {"hidden_size": 2560, "num_hidden_layers": 64, "vocab_size": 50288, "conv_kernel": 4, "expand": 2}
MAMBA_1 = {"model_type": "mamba", **MAMBA, "state_size": 16, "intermediate_size": 5120, "time_step_rank": 160}
MAMBA_2 = {
    "model_type": "mamba2", **MAMBA, "state_size": 128, "head_dim": 64, "num_heads": 80, "n_groups": 1,
    "chunk_size": 256,
}  # fmt: skip
"""The models of 2.7 billion parameters of Gu & Dao 2023 and Dao & Gu 2024, as released."""


def nemotron_3_nano() -> Iterator[tuple[float, float, float, float]]:
    """Published seconds of a step beside the predicted ones, low, mid and high, of a hybrid of 2025."""
    for row in read_csv(reference_folder() / "published" / "throughput.csv"):
        if row["model"] != "Nemotron_3_Nano":
            continue
        count, batch = int(row["accelerators"]), int(row["sequences_per_step"])
        found = estimate(
            model="nemotron-3-nano-30b-a3b", hw=f"{row['accelerator']}:{count}", batch_size=batch,
            seq_len=int(row["sequence_length"]), tokens=1e9, precision=row["precision"], region="SE",
            year=int(row["year"]), stack="megatron-bridge", tp=int(row["tp"]), pp=int(row["pp"]),
            ep=int(row["ep"]), micro_batch=int(row["micro_batch"]),
        ).step_time_s  # fmt: skip
        published = batch * int(row["sequence_length"]) / count / float(row["tokens_per_s_per_accelerator"])
        yield published, found.low, found.mid, found.high


def test_published_rates_of_a_hybrid_are_predicted() -> None:
    rows = list(nemotron_3_nano())
    assert len(rows) > 15
    assert all(low <= published <= high for published, low, _, high in rows)
    assert statistics.median(abs(published / mid - 1.0) for published, _, mid, _ in rows) < 0.25


@pytest.mark.parametrize("config", [MAMBA_1, MAMBA_2], ids=["mamba", "mamba-2"])
def test_a_fused_scan_is_no_memory_traffic(config: dict[str, object], tmp_path) -> None:
    """Its model is slower than a transformer of its size, but not several times."""
    import json

    path = tmp_path / "config.json"
    path.write_text(json.dumps(config))
    job = {"hw": "h100:8", "tokens": 1e9, "batch_size": 256, "seq_len": 2048, "region": "SE"}
    scan, transformer = estimate(model=str(path), **job), estimate(model="pythia-2.8b", **job)
    assert 1.0 < scan.step_time_s.mid / transformer.step_time_s.mid < 2.5
    terms = {term.name: term.time_s for term in scan.step_terms}
    assert terms["streaming"] < 0.5 * terms["matmul"]
