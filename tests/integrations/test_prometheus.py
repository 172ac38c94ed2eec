"""The textfile for node_exporter, read back by Prometheus' own parser, after each flush of a real run."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from footprint.errors import FootprintError
from footprint.integrations.prometheus import metrics_text, textfile
from footprint.results import Quantity
from footprint.tracking import track
from tests.integrations.training_helpers import WATTS, options

parser = pytest.importorskip("prometheus_client.parser")


def parsed(text: str) -> dict[str, Any]:
    """Families by name, as Prometheus sees them."""
    return {family.name: family for family in parser.text_string_to_metric_families(text)}


def test_a_run_keeps_the_file_whole_and_new(tmp_path: Path) -> None:
    target = tmp_path / "footprint.prom"
    seen: list[dict[str, Any]] = []
    with track(total_steps=60, callback=textfile(target, run='a "b"\\c'), **options(tmp_path)) as run:
        for _ in range(60):
            time.sleep(0.02)
            run.step()
            if target.exists():
                seen.append(parsed(target.read_text()))  # never half a file
    assert seen
    last = seen[-1]
    (power,) = last["footprint_power_watts"].samples
    assert power.value == pytest.approx(WATTS, rel=0.05)
    assert power.labels == {"run": 'a "b"\\c'}
    joules = [family["footprint_energy_joules"].samples[0].value for family in seen]
    assert joules == sorted(joules)
    assert last["footprint_energy_joules"].type == "counter"
    bounds = [sample.labels["bound"] for sample in last["footprint_forecast_energy_joules"].samples]
    assert bounds == ["low", "mid", "high"]
    assert [path.name for path in tmp_path.iterdir() if "prom" in path.name] == ["footprint.prom"]


def test_base_units(tmp_path: Path) -> None:
    two_kwh = Quantity(2.0)
    forecast = SimpleNamespace(
        used_kwh=1.0, power_w=250.0, steps=7, progress=0.25, remaining_h=1.5, energy_kwh=two_kwh,
        co2e_kg=Quantity(0.3), cost_usd=None,
    )  # fmt: skip
    families = parsed(metrics_text(forecast))
    values = {name: family.samples[0].value for name, family in families.items()}
    assert values == {
        "footprint_energy_joules": 3.6e6, "footprint_power_watts": 250.0, "footprint_steps": 7.0,
        "footprint_progress_ratio": 0.25, "footprint_remaining_seconds": 5400.0,
        "footprint_forecast_energy_joules": 7.2e6, "footprint_forecast_co2e_grams": 300.0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "labels", "message"),
    [
        ("run.txt", {}, r"\.prom"),
        ("nowhere/run.prom", {}, "does not exist"),
        ("run.prom", {"bound": "x"}, "bound"),
        ("run.prom", {"__name": "x"}, "__name"),
        ("run.prom", {"größe": "x"}, "größe"),
    ],
)
def test_what_node_exporter_could_not_read_is_refused(
    tmp_path: Path, name: str, labels: dict[str, str], message: str
) -> None:
    with pytest.raises(FootprintError, match=message):
        textfile(tmp_path / name, **labels)


def test_a_folder_that_disappears_costs_the_file_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    write = textfile(tmp_path / "gone" / "run.prom")
    (tmp_path / "gone").rmdir()
    with track(total_steps=20, callback=write, **options(tmp_path)) as run:
        for _ in range(20):
            time.sleep(0.02)
            run.step()
    assert run.measurement is not None
    assert run.measurement.workload.steps == 20
    assert any("No such file" in problem for problem in run.problems)
