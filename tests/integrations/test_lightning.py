"""A tiny module under Lightning's Trainer, measured by the adapter."""

from __future__ import annotations

import csv
import pickle
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.integrations.training_helpers import WATTS, named_losses, options
from tests.lazily import Lazily

torch, lightning = pytest.importorskip("torch"), Lazily("lightning.pytorch")
parts = Lazily("tests.integrations.lightning_parts")

# Lightning warns of workers and of its own futures; these tests are about our part
pytestmark = pytest.mark.filterwarnings("ignore")
BATCH, BATCHES, EPOCHS = 4, 10, 3


def data(batches: int = BATCHES) -> Any:
    x = torch.randn(batches * BATCH, 8, generator=torch.Generator().manual_seed(1))
    return torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x), batch_size=BATCH)


def train(folder: Path, *callbacks: Any, module: Any = None, ckpt: Any = None, **arguments: Any) -> Any:
    torch.set_num_threads(1)
    given = {"max_epochs": EPOCHS, "logger": False, "enable_checkpointing": False, **arguments}
    trainer = lightning.Trainer(
        default_root_dir=folder, accelerator="cpu", callbacks=list(callbacks), enable_progress_bar=False,
        enable_model_summary=False, log_every_n_steps=1, **given,
    )  # fmt: skip
    trainer.fit(module or parts.Line(), data(), data(3), ckpt_path=ckpt)
    return trainer


def callback(folder: Path, **more: Any) -> Any:
    from footprint.integrations.lightning import FootprintCallback

    return FootprintCallback(**options(folder, **more))


def test_a_training_is_counted_and_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named, module = named_losses(monkeypatch), parts.Line()
    ours = callback(tmp_path)
    train(tmp_path, ours, module=module)
    assert named == pytest.approx(module.losses, rel=1e-6)
    assert len(named) == BATCHES * EPOCHS
    measured = ours.loop.ended.measurement
    assert measured.status == "completed"
    assert (measured.workload.steps, measured.workload.samples) == (
        BATCHES * EPOCHS,
        BATCHES * EPOCHS * BATCH,
    )
    # constant power: the energy is watts x the run's own clock
    assert measured.it_energy_kwh.mid == pytest.approx(WATTS / 1000 * measured.duration_h.mid, rel=0.05)
    assert set(measured.phases) == {"train", "eval"}


def test_a_module_with_a_model_of_transformers_needs_no_argument(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")

    class Language(parts.Line):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.inner = transformers.GPT2LMHeadModel(
                transformers.GPT2Config(vocab_size=100, n_positions=32, n_embd=32, n_layer=2, n_head=2)
            )

        def _loss(self, batch: Any) -> Any:
            return self.inner(input_ids=batch["input_ids"], labels=batch["input_ids"]).loss

    rows = [{"input_ids": torch.arange(16) + n} for n in range(BATCH * BATCHES)]
    loader = torch.utils.data.DataLoader(rows, batch_size=BATCH)
    ours = callback(tmp_path)
    trainer = lightning.Trainer(
        default_root_dir=tmp_path, accelerator="cpu", callbacks=[ours], max_epochs=1, logger=False,
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    module = Language()
    trainer.fit(module, loader)
    answer = ours.loop.ended.estimate
    work = answer.workload
    assert (work.sequence_length, work.sequences_per_step, work.steps) == (16, BATCH, BATCHES)
    assert answer.model.parameters == sum(p.numel() for p in module.inner.parameters())
    assert ours.loop.ended.comparison["mfu"].measured.mid > 0


def test_the_training_itself_is_the_same(tmp_path: Path) -> None:
    alone, tracked = parts.Line(), parts.Line()
    train(tmp_path, module=alone)
    train(tmp_path, callback(tmp_path), module=tracked)
    assert len(alone.losses) == BATCHES * EPOCHS
    assert alone.losses == tracked.losses


def test_accumulated_gradients_are_one_step(tmp_path: Path) -> None:
    ours = callback(tmp_path)
    trainer = train(tmp_path, ours, accumulate_grad_batches=5)
    work = ours.loop.ended.measurement.workload
    assert work.steps == trainer.global_step == BATCHES * EPOCHS / 5
    assert work.samples == BATCHES * EPOCHS * BATCH


def test_metrics_reach_the_loggers(tmp_path: Path) -> None:
    logger = parts.Kept()

    class UntilSeen(lightning.Callback):  # type: ignore[misc, name-defined]
        def on_train_batch_end(self, trainer: Any, *_: Any) -> None:
            trainer.should_stop = sum("footprint/energy_kwh" in entry for entry in logger.logged) > 5

    ours = callback(tmp_path)
    train(tmp_path, ours, UntilSeen(), logger=logger, max_epochs=2000)
    *live, final = [entry for entry in logger.logged if "footprint/energy_kwh" in entry]
    assert live[-1]["footprint/power_w"] == pytest.approx(WATTS, rel=0.05)
    assert final["footprint/duration_h"] == ours.loop.ended.measurement.duration_h.mid
    assert final["footprint/energy_kwh"] >= live[-1]["footprint/energy_kwh"] * 0.99


def test_an_exception_is_the_users_and_is_recorded(tmp_path: Path) -> None:
    ours = callback(tmp_path)
    with pytest.raises(ValueError, match="a bad record"):
        train(tmp_path, ours, module=parts.Line(fails_at=4))
    measured = ours.loop.ended.measurement
    assert (measured.status, measured.workload.steps) == ("failed", 4)


def test_a_budget_stops_after_the_checkpoint_of_its_step(tmp_path: Path) -> None:
    ours = callback(tmp_path, budget="0.002 kWh", on_budget="stop")
    saver = lightning.callbacks.ModelCheckpoint(tmp_path / "saved", save_last=True, every_n_train_steps=1)
    trainer = train(tmp_path, ours, saver, max_epochs=5000, enable_checkpointing=True)
    measured = ours.loop.ended.measurement
    assert measured.status == "stopped_by_budget"
    assert measured.workload.steps == trainer.global_step < 5000 * BATCHES
    saved = torch.load(tmp_path / "saved" / "last.ckpt", weights_only=False)
    assert saved["global_step"] == trainer.global_step


def test_a_training_resumed_from_a_checkpoint_continues_its_run(tmp_path: Path) -> None:
    first = callback(tmp_path)
    saver = lightning.callbacks.ModelCheckpoint(tmp_path / "saved", save_last=True)
    train(tmp_path, first, saver, max_epochs=2, enable_checkpointing=True)
    again = callback(tmp_path)
    train(tmp_path, again, max_epochs=3, ckpt=tmp_path / "saved" / "last.ckpt")
    assert again.loop.ended.run_id == first.loop.ended.run_id
    measured = again.loop.ended.measurement
    assert [segment.steps for segment in measured.segments] == [2 * BATCHES, BATCHES]
    assert measured.workload.steps == 3 * BATCHES


def test_a_training_goes_on_whatever_fails_in_us(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from footprint.integrations import lightning as ours
    from footprint.integrations import training

    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("ours")

    for module, name in (
        (ours, "_found"),
        (ours, "_size"),
        (training, "live_metrics"),
        (training, "final_metrics"),
    ):
        monkeypatch.setattr(module, name, broken)
    assert train(tmp_path, callback(tmp_path)).global_step == BATCHES * EPOCHS


def test_wrong_options_are_refused_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="regoin"):
        callback(tmp_path, regoin="FRA")


def test_without_the_package_it_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    from footprint.integrations import lightning as ours

    for name in ("lightning.pytorch", "pytorch_lightning"):
        monkeypatch.setitem(sys.modules, name, None)
    ours._make_class.cache_clear()
    with pytest.raises(ImportError, match=r"footprint-ml\[lightning\]"):
        ours.FootprintCallback()
    monkeypatch.undo()
    ours._make_class.cache_clear()


def test_the_class_is_found_by_pickle() -> None:
    from footprint.integrations.lightning import FootprintCallback

    assert issubclass(FootprintCallback, lightning.Callback)
    assert pickle.loads(pickle.dumps(FootprintCallback)) is FootprintCallback  # noqa: S301 - our own class


def test_any_module_needs_no_argument(tmp_path: Path) -> None:
    ours = callback(tmp_path, csv=tmp_path / "runs.csv")
    trainer = train(tmp_path, ours, accumulate_grad_batches=2, precision="bf16-mixed")
    run = ours.loop.ended
    steps = EPOCHS * BATCHES // 2
    assert trainer.global_step == run.measurement.workload.steps == steps
    # one matrix of 8 weights, forward and its own gradient, on two batches a step
    assert run.measurement.flop.model_flop == pytest.approx(steps * 2 * BATCH * 2 * 2 * 8)
    assert run.measurement.workload.precision == "bf16"
    for name in ("duration_h", "energy_kwh", "mfu"):
        assert run.comparison[name].predicted.mid > 0
    with (tmp_path / "runs.csv").open(newline="") as text:
        assert [row["kind"] for row in csv.DictReader(text)] == ["estimate", "measurement"]
