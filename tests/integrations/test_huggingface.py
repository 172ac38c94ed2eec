"""A tiny BERT and a tiny GPT-2 under Hugging Face's Trainer, measured by the adapter."""

from __future__ import annotations

import csv
import pickle
import sys
from pathlib import Path
from typing import Any

import pytest

import footprint
from tests.integrations.training_helpers import WATTS, options

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytest.importorskip("accelerate")

# transformers and torch warn of their own futures; these tests are about our part
pytestmark = pytest.mark.filterwarnings("ignore")
LENGTH, BATCH, STEPS, VOCABULARY = 16, 4, 30, 100


class Data(torch.utils.data.Dataset):  # type: ignore[misc, name-defined]
    """64 sequences of random tokens, the same every time."""

    def __len__(self) -> int:
        return 64

    def __getitem__(self, index: int) -> dict[str, Any]:
        if index >= 64:
            raise IndexError
        ids = torch.randint(0, VOCABULARY, (LENGTH,), generator=torch.Generator().manual_seed(index))
        return {"input_ids": ids, "labels": ids.clone()}


class Broken(Data):
    def __getitem__(self, index: int) -> dict[str, Any]:
        raise ValueError("a bad record")


def bert() -> Any:
    torch.manual_seed(0)
    return transformers.BertForMaskedLM(
        transformers.BertConfig(
            vocab_size=VOCABULARY, hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
            intermediate_size=64, max_position_embeddings=32,
        )
    )  # fmt: skip


def gpt2() -> Any:
    torch.manual_seed(0)
    config = transformers.GPT2Config(vocab_size=VOCABULARY, n_positions=32, n_embd=32, n_layer=2, n_head=2)
    return transformers.GPT2LMHeadModel(config)


def trainer_of(folder: Path, model: Any, data: Any = None, callbacks: Any = None, **arguments: Any) -> Any:
    torch.set_num_threads(1)
    given = {
        "max_steps": STEPS, "per_device_train_batch_size": BATCH, "logging_steps": 5, "report_to": [],
        "save_strategy": "no", "disable_tqdm": True, "use_cpu": True, "seed": 1,
        "include_num_input_tokens_seen": "all", **arguments,
    }  # fmt: skip
    return transformers.Trainer(
        model=model,
        args=transformers.TrainingArguments(output_dir=str(folder / "out"), **given),
        train_dataset=data or Data(),
        eval_dataset=Data(),
        callbacks=callbacks,
    )


class Recorder(transformers.TrainerCallback):  # type: ignore[misc, name-defined]
    """What a reporting integration, such as TensorBoard's, is given to log.

    Ends the training once our metrics stand in a few entries of the history, however slow the machine is.
    """

    def __init__(self) -> None:
        self.logged: list[dict[str, Any]] = []

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        self.logged.append(dict(logs))
        if sum("footprint/energy_kwh" in entry for entry in state.log_history) > 5:
            control.should_training_stop = True


@pytest.mark.parametrize("make", [bert, gpt2])
def test_a_training_is_counted_and_measured(make: Any, tmp_path: Path) -> None:
    from footprint.integrations.huggingface import attach

    trainer = trainer_of(tmp_path, make(), eval_strategy="steps", eval_steps=10)
    callback = attach(trainer, **options(tmp_path, seq_len=LENGTH, csv=tmp_path / "runs.csv"))
    trainer.train()
    run = callback.loop.ended
    measured = run.measurement
    assert measured.status == "completed"
    assert (measured.workload.steps, measured.workload.tokens) == (STEPS, STEPS * BATCH * LENGTH)
    assert measured.workload.samples == STEPS * BATCH
    # constant power: the energy is watts x the run's own clock
    assert measured.it_energy_kwh.mid == pytest.approx(WATTS / 1000 * measured.duration_h.mid, rel=0.05)
    # every loss that the trainer logged, and nothing else
    logged = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    (series,) = footprint.report(tmp_path / "runs").series
    assert len(logged) == STEPS // 5
    assert [loss for _, loss in series.losses] == pytest.approx(logged, rel=1e-6)
    phases = measured.phases
    assert set(phases) == {"train", "eval"}
    assert sum(part["duration_h"] for part in phases.values()) == pytest.approx(
        measured.duration_h.mid, rel=0.05
    )
    # HF counts 6 x parameters outside the embeddings x tokens; ours adds attention over the sequence and,
    # for the head, counts what HF leaves with the embeddings: the same size, never less than two thirds
    assert 2 / 3 < measured.flop.model_flop / trainer.state.total_flos < 2
    with (tmp_path / "runs.csv").open(newline="") as text:
        assert [row["kind"] for row in csv.DictReader(text)] == ["estimate", "measurement"]


@pytest.mark.slow
def test_nothing_but_the_trainer_is_needed(tmp_path: Path) -> None:
    from footprint.integrations.huggingface import attach

    trainer = trainer_of(tmp_path, gpt2(), gradient_accumulation_steps=2, optim="sgd", bf16=True)
    callback = attach(
        trainer, **options(tmp_path)
    )  # where it runs and what meters it, nothing of the training
    trainer.train()
    run = callback.loop.ended
    work = run.estimate.workload
    # typed from the trainer above
    assert (work.sequence_length, work.sequences_per_step, work.steps) == (LENGTH, 2 * BATCH, STEPS)
    assert (work.precision, work.method) == ("bf16", "pretrain")
    # parameters of the model that torch holds, its tied head counted once
    assert run.estimate.model.parameters == sum(p.numel() for p in trainer.model.parameters())
    final = trainer.state.log_history[-1]
    for name in ("energy_kwh", "duration_h", "co2e_kg", "mfu"):
        assert final[f"footprint/{name}"] == pytest.approx(run.comparison[name].measured.mid)
        assert final[f"footprint/predicted_{name}"] == pytest.approx(run.comparison[name].predicted.mid)
    assert not trainer.model._forward_pre_hooks


def test_a_model_that_was_loaded_is_fine_tuned(tmp_path: Path) -> None:
    from footprint.integrations.huggingface import attach

    bert().save_pretrained(tmp_path / "kept")
    loaded = transformers.BertForMaskedLM.from_pretrained(tmp_path / "kept")
    trainer = trainer_of(tmp_path, loaded, max_steps=4, gradient_checkpointing=True)
    callback = attach(trainer, **options(tmp_path))
    trainer.train()
    answer = callback.loop.ended.estimate
    assert (answer.workload.method, answer.workload.precision) == ("finetune", "fp32")
    assert answer.parallelism.recompute == "full"


def test_metrics_reach_the_loggers_that_the_user_gave(tmp_path: Path) -> None:
    from footprint.integrations.huggingface import attach

    recorder = Recorder()
    trainer = trainer_of(tmp_path, bert(), callbacks=[recorder], max_steps=20_000)
    attach(trainer, **options(tmp_path))
    trainer.train()
    with_ours = [logs for logs in recorder.logged if "footprint/energy_kwh" in logs]
    assert with_ours
    last = with_ours[-1]
    assert last["footprint/power_w"] == pytest.approx(WATTS, rel=0.05)
    energies = [logs["footprint/energy_kwh"] for logs in with_ours]
    assert energies == sorted(energies)
    # France's grid and PUE are those of the measurement: the same grams a kWh live and at the end
    final = trainer.state.log_history[-1]
    assert last["footprint/co2e_kg"] / last["footprint/energy_kwh"] == pytest.approx(
        final["footprint/co2e_kg"] / final["footprint/energy_kwh"]
    )
    assert "footprint/duration_h" in final


def test_appended_it_comes_too_late(tmp_path: Path) -> None:
    """Why attach() puts it first: a callback that the user appends logs after the others did."""
    from footprint.integrations.huggingface import FootprintCallback

    recorder = Recorder()
    callbacks = [recorder, FootprintCallback(**options(tmp_path))]
    trainer = trainer_of(tmp_path, bert(), callbacks=callbacks, max_steps=20_000)
    trainer.train()
    assert not any("footprint/energy_kwh" in logs for logs in recorder.logged)
    assert any("footprint/energy_kwh" in logs for logs in trainer.state.log_history)


def test_accumulated_gradients_are_one_step(tmp_path: Path) -> None:
    from footprint.integrations.huggingface import attach

    trainer = trainer_of(tmp_path, gpt2(), gradient_accumulation_steps=3, max_steps=7)
    callback = attach(trainer, **options(tmp_path))
    trainer.train()
    work = callback.loop.ended.measurement.workload
    # 64 sequences are 16 batches of 4: the sixth step of the epoch has one batch, the others three
    assert work.steps == 7
    assert work.tokens == trainer.state.num_input_tokens_seen == (16 + 3) * BATCH * LENGTH


@pytest.mark.slow
def test_the_training_itself_is_the_same(tmp_path: Path) -> None:
    from footprint.integrations.huggingface import attach

    losses = []
    for tracked in (False, True):
        trainer = trainer_of(tmp_path / str(tracked), gpt2())
        if tracked:
            attach(trainer, **options(tmp_path))
        trainer.train()
        losses.append([entry["loss"] for entry in trainer.state.log_history if "loss" in entry])
    assert losses[0] == losses[1]


def test_an_exception_is_the_users_and_is_recorded(tmp_path: Path) -> None:
    from footprint.integrations.huggingface import attach

    trainer = trainer_of(tmp_path, bert(), data=Broken())
    callback = attach(trainer, **options(tmp_path))
    with pytest.raises(ValueError, match="a bad record"):
        trainer.train()
    assert callback.loop.ended.measurement.status == "failed"


def test_a_budget_stops_and_saves(tmp_path: Path) -> None:
    from footprint.integrations.huggingface import attach

    trainer = trainer_of(tmp_path, bert(), max_steps=5_000)
    callback = attach(trainer, **options(tmp_path, budget="0.002 kWh", on_budget="stop"))
    trainer.train()
    measured = callback.loop.ended.measurement
    assert measured.status == "stopped_by_budget"
    assert measured.workload.steps == trainer.state.global_step < 5_000
    assert (tmp_path / "out" / f"checkpoint-{trainer.state.global_step}").is_dir()
    # 2 Wh at 1 Wh a second; the stop is agreed a few flushes ahead
    assert 0.001 < measured.energy_kwh.mid < 0.02


def test_a_training_goes_on_whatever_fails_in_us(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from footprint.integrations import huggingface, training

    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("ours")

    trainer = trainer_of(tmp_path, bert())
    huggingface.attach(trainer, **options(tmp_path))
    monkeypatch.setattr(huggingface, "_found", broken)
    monkeypatch.setattr(training, "live_metrics", broken)
    monkeypatch.setattr(training, "final_metrics", broken)
    trainer.train()
    assert trainer.state.global_step == STEPS


def test_wrong_options_are_refused_before_anything_starts(tmp_path: Path) -> None:
    from footprint.errors import FootprintError
    from footprint.integrations.huggingface import attach

    trainer = trainer_of(tmp_path, bert())
    before = list(trainer.callback_handler.callbacks)
    with pytest.raises(TypeError, match="regoin"):
        attach(trainer, regoin="FRA")
    with pytest.raises(FootprintError, match="budget"):
        attach(trainer, budget="a lot")
    assert trainer.callback_handler.callbacks == before


def test_without_the_package_it_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    from footprint.integrations import huggingface

    monkeypatch.setitem(sys.modules, "transformers", None)
    huggingface._make_class.cache_clear()
    with pytest.raises(ImportError, match=r"footprint-ml\[hf\]"):
        huggingface.attach(object())
    with pytest.raises(AttributeError, match="Callbck"):
        huggingface.FootprintCallbck  # noqa: B018
    monkeypatch.undo()
    huggingface._make_class.cache_clear()


def test_the_class_is_one_and_found_by_pickle() -> None:
    from footprint.integrations import huggingface

    kind = huggingface.FootprintCallback
    assert kind is huggingface.FootprintCallback
    assert issubclass(kind, transformers.TrainerCallback)
    assert pickle.loads(pickle.dumps(kind)) is kind  # noqa: S301 - our own class
