"""A real small model trained under ``track()`` with codecarbon as the meter."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

import footprint
from footprint.results.row_reader import read_rows

torch = pytest.importorskip("torch")

CONFIG = {
    "model_type": "gpt2", "vocab_size": 128, "n_positions": 64, "n_embd": 64, "n_layer": 2, "n_head": 2,
    "activation_function": "gelu_new",
}  # fmt: skip
BATCH, LENGTH, STEPS = 8, 64, 40


def train(step=lambda tokens: None, steps: int = STEPS) -> list[float]:
    """Losses of a small decoder learning to count; the same every time."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    width = CONFIG["n_embd"]
    layer = torch.nn.TransformerEncoderLayer(
        width, CONFIG["n_head"], 4 * width, dropout=0.0, batch_first=True, norm_first=True
    )
    model = torch.nn.ModuleDict(
        {
            "tokens": torch.nn.Embedding(CONFIG["vocab_size"], width),
            "places": torch.nn.Embedding(LENGTH, width),
            "body": torch.nn.TransformerEncoder(layer, CONFIG["n_layer"], enable_nested_tensor=False),
            "head": torch.nn.Linear(width, CONFIG["vocab_size"]),
        }
    )
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3)
    mask = torch.nn.Transformer.generate_square_subsequent_mask(LENGTH)
    losses = []
    for _ in range(steps):
        start = torch.randint(0, CONFIG["vocab_size"], (BATCH, 1))
        sequence = (start + torch.arange(LENGTH + 1)) % CONFIG["vocab_size"]
        x, y = sequence[:, :-1], sequence[:, 1:]
        hidden = model["tokens"](x) + model["places"](torch.arange(LENGTH))
        logits = model["head"](model["body"](hidden, mask=mask, is_causal=True))
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), y.flatten())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
        step(tokens=x.numel())
    return losses


@pytest.mark.slow
@pytest.mark.live
def test_training_is_measured_and_left_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from codecarbon.external.ram import RAM

    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    alone = train()
    before = set(threading.enumerate())
    with footprint.track(
        model="config.json", hw="epyc-7742:1", region="FRA", total_steps=4 * STEPS, csv="runs.csv",
        batch_size=BATCH, seq_len=LENGTH, flush_s=0.5,
    ) as run:  # fmt: skip
        tracked = train(run.step)
        for _ in range(3):
            train(run.step)
    assert tracked == alone  # bit for bit: the tracker changed nothing
    assert tracked[-1] < 0.8 * tracked[0]
    assert set(threading.enumerate()) == before

    measured, compared = run.measurement, run.comparison
    assert measured is not None
    assert measured.workload.tokens == 4 * STEPS * BATCH * LENGTH
    assert measured.workload.steps == 4 * STEPS
    hows = {meter.component: meter for meter in measured.meters}
    assert hows["cpu"].how in {"measured", "modelled"}
    assert hows["ram"].how == "modelled"
    assert "codecarbon" in hows["cpu"].source
    # memory: the meter's own watts for this machine, for the whole run
    parts = measured.energy_components_kwh
    assert parts.ram is not None
    watts = RAM(tracking_mode="machine").total_power().W
    assert parts.ram.mid / measured.duration_h.mid * 1000 == pytest.approx(watts, rel=0.1)
    # one processor was kept busy, so modelled power lies between idle and rated
    assert parts.cpu is not None
    assert measured.it_energy_kwh is not None
    present = [
        part for part in (parts.accelerators, parts.cpu, parts.ram, parts.other_node) if part is not None
    ]
    assert measured.it_energy_kwh.mid == pytest.approx(sum(part.mid for part in present))

    assert compared is not None
    assert compared.work_share == pytest.approx(1.0)
    assert {"energy_components_cpu_kwh", "energy_components_ram_kwh", "duration_h"} <= {
        quantity.name for quantity in compared.quantities
    }
    estimates, _ = read_rows(tmp_path / "runs.csv", kind="estimate")
    measurements, _ = read_rows(tmp_path / "runs.csv", kind="measurement")
    assert [row["run_id"] for row in (*estimates, *measurements)] == [run.run_id] * 2
    # FLOPs of the work that was done, by the estimator's own count for the same tokens
    reference = footprint.estimate(
        model="config.json", hw="epyc-7742:1", steps=4 * STEPS, batch_size=BATCH, seq_len=LENGTH
    )
    assert reference.flop is not None
    assert float(measurements[0]["flop_model_flop"]) == pytest.approx(reference.flop.model_flop)
