"""Keras, MLflow, TensorBoard, Weights & Biases and a plain callable: a tiny real training through each.

Each agrees with a plain `track()` in the same training: the same steps and tokens, the energy within 2 %.
"""

from __future__ import annotations

import os
import time
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

import footprint
from footprint.errors import FootprintError
from footprint.integrations import metrics
from tests.integrations.training_helpers import WATTS, named_losses, options

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore")  # the frameworks' own; these tests are about our part
BATCH, STEPS, PAUSE_S = 4, 60, 0.025
KEYS = {"footprint/energy_kwh", "footprint/power_w", "footprint/co2e_kg", "footprint/duration_h"}


def plain(folder: Path) -> footprint.tracking.Run:
    """A run of its own: one with a name of its own is no phase of the run around it."""
    return footprint.track(**options(folder / "plain", run_id="plain"))


def agrees(one: Any, other: Any, least_s: float) -> None:
    """The same work, and the energy of the same seconds.

    The first run is the longer one, by ``least_s`` or more: a busy machine may hold it up between the two.
    """
    assert one.status == other.status == "completed"
    assert (one.workload.steps, one.workload.tokens) == (other.workload.steps, other.workload.tokens)
    more_h = one.duration_h.mid - other.duration_h.mid
    assert more_h * 3600 > least_s - 0.05
    more_kwh = WATTS / 1000 * more_h
    assert one.it_energy_kwh.mid - more_kwh == pytest.approx(other.it_energy_kwh.mid, rel=0.02)
    assert one.pue == other.pue


def train(run: Any, beside: Any) -> None:
    """A straight line, learnt in some steps."""
    torch.manual_seed(0)
    model = torch.nn.Linear(8, 1)
    optimiser = torch.optim.SGD(model.parameters(), lr=0.01)
    first = last = 0.0
    for step in range(STEPS):
        x = torch.randn(BATCH, 8)
        loss = (model(x) - x.sum(1, keepdim=True)).square().mean()
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
        time.sleep(PAUSE_S)
        run.step(tokens=8 * BATCH)
        beside.step(tokens=8 * BATCH)
        first, last = (loss.item() if step == 0 else first), loss.item()
    assert last < first


def trained(context: AbstractContextManager[Any], folder: Path) -> Any:
    """The measurement of a training through an adapter, which agrees with a plain one."""
    with context as run:
        clock = [time.monotonic()]
        with plain(folder) as beside:
            clock.append(time.monotonic())
            train(run, beside)
            clock.append(time.monotonic())
        clock.append(time.monotonic())
    # the start and the report of the inner run are seconds of the outer one
    agrees(run.measurement, beside.measurement, (clock[1] - clock[0]) + (clock[3] - clock[2]))
    return run.measurement


def test_a_plain_callable(tmp_path: Path) -> None:
    seen: list[tuple[dict[str, float], int]] = []
    also: list[Any] = []
    measured = trained(
        metrics.track(
            lambda values, step: seen.append((dict(values), step)),
            **options(tmp_path, total_steps=STEPS, callback=also.append),
        ),
        tmp_path,
    )
    assert set(seen[-1][0]) >= KEYS
    assert seen[-1][1] == STEPS
    assert seen[-1][0]["footprint/energy_kwh"] == measured.energy_kwh.mid
    live = [values for values, step in seen[:-1] if "footprint/energy_kwh" in values]
    assert live
    assert live[-1]["footprint/power_w"] == pytest.approx(WATTS, rel=0.05)
    assert also


def test_a_callable_that_fails_harms_nothing(tmp_path: Path) -> None:
    def broken(values: Any, step: int) -> None:
        raise RuntimeError("no network")

    with metrics.track(broken, **options(tmp_path)) as run:
        run.step()
    assert run.measurement is not None
    assert run.measurement.status == "completed"


def test_the_error_of_a_training_passes_and_is_recorded(tmp_path: Path) -> None:
    seen: list[Any] = []
    runs: list[Any] = []

    def fails() -> None:
        with metrics.track(lambda *v: seen.append(v), **options(tmp_path)) as run:
            runs.append(run)
            run.step()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    (run,) = runs
    assert run.measurement is not None
    assert run.measurement.status == "failed"
    assert set(seen[-1][0]) >= KEYS


def test_wrong_options_are_refused_before_anything_starts() -> None:
    with pytest.raises(TypeError, match="regoin"), metrics.track(print, regoin="FRA"):
        pass


@pytest.mark.slow
def test_mlflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    mlflow = pytest.importorskip("mlflow")
    from footprint.integrations.mlflow import track

    with pytest.raises(FootprintError, match="start_run"):
        track()
    mlflow.set_tracking_uri((tmp_path / "mlruns").as_uri())
    try:
        with mlflow.start_run() as active:
            measured = trained(track(**options(tmp_path, total_steps=STEPS)), tmp_path)
        client = mlflow.MlflowClient()
        kept = client.get_run(active.info.run_id).data
        assert set(kept.metrics) >= KEYS
        assert kept.metrics["footprint/energy_kwh"] == pytest.approx(measured.energy_kwh.mid)
        assert kept.tags["footprint.run_id"] == measured.run_id
        assert kept.tags["footprint.hardware"] == "xeon-platinum-8480plus:2"
        history = client.get_metric_history(active.info.run_id, "footprint/energy_kwh")
        assert history[-1].step == STEPS
        assert len(history) > 1
        (file,) = client.list_artifacts(active.info.run_id, "footprint")
        assert file.path == "footprint/report.json"
        path = next((tmp_path / "mlruns").rglob("report.json"))
        assert footprint.export(path, "ghg").text  # the artifact is a record that can be exported
    finally:
        mlflow.set_tracking_uri(None)


@pytest.mark.parametrize("own", [True, False], ids=["folder", "writer"])
def test_tensorboard(own: bool, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from torch.utils.tensorboard import SummaryWriter

    from footprint.integrations.tensorboard import track

    folder = str(tmp_path / "events")
    writer: Any = folder if own else SummaryWriter(folder)
    measured = trained(track(writer, **options(tmp_path, total_steps=STEPS)), tmp_path)
    if not own:
        writer.add_scalar("loss", 1.0, 1)  # the writer is still the user's
        writer.close()
    events = EventAccumulator(folder)
    events.Reload()
    assert set(events.Tags()["scalars"]) >= KEYS
    last = events.Scalars("footprint/energy_kwh")[-1]
    assert (last.step, last.value) == (STEPS, pytest.approx(measured.energy_kwh.mid, rel=1e-5))


@pytest.mark.slow
def test_weights_and_biases_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wandb = pytest.importorskip("wandb")
    from footprint.integrations.wandb import track

    with pytest.raises(FootprintError, match=r"wandb\.init"):
        track()
    for name in ("WANDB_DIR", "WANDB_CACHE_DIR", "WANDB_CONFIG_DIR", "WANDB_DATA_DIR"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("WANDB_SILENT", "true")
    with wandb.init(mode="offline", dir=tmp_path, project="a") as active:
        measured = trained(track(**options(tmp_path, total_steps=STEPS)), tmp_path)
        kept = dict(active.summary)
    assert set(kept) >= KEYS
    assert kept["footprint/energy_kwh"] == pytest.approx(measured.energy_kwh.mid)
    assert kept["footprint/run_id"] == measured.run_id
    assert list(tmp_path.rglob("*.wandb"))


def test_keras(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named = named_losses(monkeypatch)
    os.environ.setdefault("KERAS_BACKEND", "torch")
    keras = pytest.importorskip("keras")
    if keras.backend.backend() != "torch":
        pytest.skip("Keras has another backend")
    from footprint.integrations.keras import FootprintCallback

    class Beside(keras.callbacks.Callback):  # type: ignore[misc, name-defined]
        """A plain run from the first batch to the last one."""

        def on_train_begin(self, logs: Any = None) -> None:
            begun = time.monotonic()
            self.run = plain(tmp_path)
            self.run.start()
            self.more_s = time.monotonic() - begun

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            time.sleep(PAUSE_S)
            self.run.step(tokens=8 * BATCH)

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            if epoch == 2:
                begun = time.monotonic()
                self.run.__exit__(None, None, None)
                self.more_s += time.monotonic() - begun

    keras.utils.set_random_seed(0)
    x = torch.randn(BATCH * 20, 8)
    y = x.sum(1, keepdim=True)
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile(optimizer="sgd", loss="mse")
    model.fit(x, y, batch_size=BATCH, epochs=1, verbose=0)  # builds what is built once
    beside, ours = Beside(), FootprintCallback(tokens=8 * BATCH, samples=BATCH, **options(tmp_path))
    history = model.fit(
        x,
        y,
        batch_size=BATCH,
        epochs=3,
        verbose=0,
        shuffle=False,
        callbacks=[ours, beside],
        validation_split=0.0,
    )
    measured = ours.loop.ended.measurement
    agrees(measured, beside.run.measurement, beside.more_s)
    assert measured.workload.samples == BATCH * STEPS
    # Keras names the mean of the epoch so far, whose last one is that of the epoch
    assert named[STEPS // 3 - 1 :: STEPS // 3] == pytest.approx(history.history["loss"], rel=1e-5)
    assert history.history["loss"][-1] < history.history["loss"][0]
    assert history.history["footprint/energy_kwh"]
    assert history.history["footprint/power_w"][-1] == pytest.approx(WATTS, rel=0.1)


def test_keras_counts_an_evaluation_apart_and_stops_at_a_budget(tmp_path: Path) -> None:
    os.environ.setdefault("KERAS_BACKEND", "torch")
    keras = pytest.importorskip("keras")
    from footprint.integrations.keras import FootprintCallback

    x = torch.randn(BATCH * 20, 8)
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile(optimizer="sgd", loss="mse")
    ours = FootprintCallback(samples=BATCH, budget="0.0005 kWh", on_budget="stop", **options(tmp_path))

    class Slow(keras.callbacks.Callback):  # type: ignore[misc, name-defined]
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            time.sleep(0.01)

    model.fit(
        x, x.sum(1), batch_size=BATCH, epochs=200, verbose=0, callbacks=[ours, Slow()],
        validation_data=(x[:BATCH], x[:BATCH].sum(1)),
    )  # fmt: skip
    measured = ours.loop.ended.measurement
    assert measured.status == "stopped_by_budget"
    assert 0 < measured.workload.steps < 4000
    assert "eval" in measured.phases


@pytest.mark.parametrize("name", ["mlflow", "wandb", "tensorboard", "keras"])
def test_without_the_package_it_names_the_extra(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import importlib
    import sys

    module = importlib.import_module(f"footprint.integrations.{name}")
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard" if name == "tensorboard" else name, None)
    if name == "keras":
        module._make_class.cache_clear()
    use = {"keras": lambda: module.FootprintCallback, "tensorboard": lambda: module.track(tmp_path)}
    with pytest.raises(ImportError, match=rf"footprint-ml\[{name}\]"):
        use.get(name, lambda: module.track())()
