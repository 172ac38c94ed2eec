"""A module in the place of a model's name: tracked, and compared with what its list predicts."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

import footprint  # noqa: E402
from footprint.errors import FootprintError  # noqa: E402
from footprint.tracking import make_run_settings  # noqa: E402
from tests.flops.trace.modules import Vision  # noqa: E402


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTPRINT_DATA", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)


def test_a_tracked_module_has_an_estimate_beside_it(tmp_path: Path) -> None:
    images = torch.zeros(4, 3, 32, 32)
    with footprint.track(
        model=Vision(), inputs=images, hw="a100:1", total_steps=3, meter="constant:100W", quiet=True,
        journal_dir=tmp_path / "runs",
    ) as run:  # fmt: skip
        for _ in range(3):
            run.step()
    settings = run.settings
    assert settings.scenario["batch_size"] == 4
    assert settings.model is not None
    assert Path(settings.model).parent == tmp_path / "data" / "traced"


def test_an_estimate_of_a_module_is_that_of_its_file(tmp_path: Path) -> None:
    from footprint.estimator.modules import model_file

    images = torch.zeros(4, 3, 32, 32)
    module = Vision()
    direct = footprint.estimate(model=module, inputs=images, hw="a100:2", samples=1e6)
    path, samples = model_file(module, images)
    by_file = footprint.estimate(model=path, batch_size=samples, hw="a100:2", samples=1e6)
    assert direct.energy_kwh == by_file.energy_kwh
    assert direct.model is not None
    assert direct.model.parameters == sum(one.numel() for one in module.parameters())


def test_what_is_wrong_is_said_before_the_run() -> None:
    with pytest.raises(FootprintError, match="is a module: give"):
        footprint.track(model=Vision())
    with pytest.raises(FootprintError, match="belongs to a module"):
        footprint.track(model="bert-base", inputs=torch.zeros(1))
    with pytest.raises(FootprintError, match=r"only a torch\.nn\.Module"):
        footprint.estimate(model=3, inputs=torch.zeros(1), hw="a100")
    assert make_run_settings(model="bert-base").model == "bert-base"
