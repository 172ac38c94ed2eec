"""A tiny loop of Accelerate's, measured by the tracker."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.integrations.training_helpers import WATTS, named_losses, options

torch = pytest.importorskip("torch")
accelerate = pytest.importorskip("accelerate")

pytestmark = pytest.mark.filterwarnings("ignore")  # accelerate's own; these tests are about our part
BATCH, STEPS = 4, 12


class Kept(accelerate.tracking.GeneralTracker):  # type: ignore[misc, name-defined]
    """What a tracker that stands after ours is given."""

    name, requires_logging_directory, tracker = "kept", False, None

    def __init__(self) -> None:
        super().__init__()
        self.logged: list[dict[str, Any]] = []

    def store_init_configuration(self, values: dict[str, Any]) -> None:
        pass

    def log(self, values: dict[str, Any], step: int | None = None, **kwargs: Any) -> None:
        self.logged.append(dict(values))


@pytest.fixture(autouse=True)
def fresh() -> None:
    """Accelerate keeps its state in the class."""
    accelerate.state.AcceleratorState._reset_state(reset_partial_state=True)
    torch.set_num_threads(1)


def tracker(folder: Path, **more: Any) -> Any:
    from footprint.integrations.accelerate import FootprintTracker

    return FootprintTracker(**options(folder, **more))


def train(
    *trackers: Any, steps: int = STEPS, pause_s: float = 0.0, watched: bool = True, **arguments: Any
) -> list[float]:
    """Losses of a straight line; the first tracker is ours and watches the optimiser."""
    accelerator = accelerate.Accelerator(cpu=True, log_with=list(trackers), **arguments)
    accelerator.init_trackers("a project", config={"batch": BATCH})
    torch.manual_seed(0)
    model = torch.nn.Linear(8, 1)
    model, optimiser = accelerator.prepare(model, torch.optim.SGD(model.parameters(), lr=0.01))
    if watched:
        trackers[0].watch(optimiser, samples=BATCH)
    losses = []
    for step in range(steps):
        with accelerator.accumulate(model):
            x = torch.randn(BATCH, 8)
            loss = (model(x) - x.sum(1, keepdim=True)).square().mean()
            accelerator.backward(loss)
            optimiser.step()
            optimiser.zero_grad()
        losses.append(loss.item())
        accelerator.log({"loss": losses[-1]}, step=step)
        time.sleep(pause_s)
    accelerator.end_training()
    return losses


def test_a_training_is_counted_and_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named = named_losses(monkeypatch)
    ours = tracker(tmp_path)
    losses = train(ours)
    assert losses == train(Kept(), watched=False)  # tracked or not, the same training
    assert named == losses
    measured = ours.loop.ended.measurement
    assert measured.status == "completed"
    assert (measured.workload.steps, measured.workload.samples) == (STEPS, STEPS * BATCH)
    # constant power: the energy is watts x the run's own clock
    assert measured.it_energy_kwh.mid == pytest.approx(WATTS / 1000 * measured.duration_h.mid, rel=0.05)
    assert ours.tracker is ours.loop.ended


def test_accumulated_gradients_are_one_step(tmp_path: Path) -> None:
    ours = tracker(tmp_path)
    train(ours, gradient_accumulation_steps=3)
    assert ours.loop.ended.measurement.workload.steps == STEPS / 3


def test_metrics_join_the_values_of_the_trackers_after_it(tmp_path: Path) -> None:
    kept = Kept()
    train(tracker(tmp_path, total_steps=60), kept, steps=60, pause_s=0.02)
    with_ours = [values for values in kept.logged if "footprint/energy_kwh" in values]
    assert with_ours
    assert with_ours[-1]["footprint/power_w"] == pytest.approx(WATTS, rel=0.05)
    assert all("loss" in values for values in kept.logged)


def test_a_budget_raises_at_its_step(tmp_path: Path) -> None:
    from footprint.tracking import BudgetReachedError

    ours = tracker(tmp_path, budget="0.001 kWh", on_budget="stop")
    with pytest.raises(BudgetReachedError):
        train(ours, steps=2000, pause_s=0.01)
    ours.finish()  # what end_training() calls
    measured = ours.loop.ended.measurement
    assert measured.status == "stopped_by_budget"
    assert 0 < measured.workload.steps < 2000


def test_wrong_options_are_refused_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="regoin"):
        tracker(tmp_path, regoin="FRA")


def test_without_the_package_it_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    from footprint.integrations import accelerate as ours

    monkeypatch.setitem(sys.modules, "accelerate.tracking", None)
    ours._make_class.cache_clear()
    with pytest.raises(ImportError, match=r"footprint-ml\[accelerate\]"):
        ours.FootprintTracker()
    monkeypatch.undo()
    ours._make_class.cache_clear()


def test_nothing_but_the_optimiser_is_needed(tmp_path: Path) -> None:
    ours = tracker(tmp_path)
    accelerator = accelerate.Accelerator(cpu=True, log_with=[ours], mixed_precision="bf16")
    accelerator.init_trackers("a project")
    model = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1))
    model, optimiser = accelerator.prepare(model, torch.optim.AdamW(model.parameters()))
    ours.watch(optimiser)
    for _ in range(STEPS):
        accelerator.backward(model(torch.ones(BATCH, 8)).sum())
        optimiser.step()
        optimiser.zero_grad()
    accelerator.end_training()
    run = ours.loop.ended
    assert run.measurement.workload.samples == STEPS * BATCH
    # forward and backward of two matrices, of which the first needs no gradient of its input
    flop = 2 * BATCH * (2 * 8 * 16 + 3 * 16 * 1)
    assert run.measurement.flop.model_flop == pytest.approx(flop * STEPS)
    given = run.comparison and run.measurement.workload
    assert (given.precision, given.steps) == ("bf16", STEPS)
    for name in ("duration_h", "energy_kwh", "mfu"):
        assert run.comparison[name].predicted.mid > 0
