"""What is drawn: one unit an axis, the combined interval, no reading that nobody took."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import footprint
from footprint.demo.plots import power_steps
from footprint.fleet.sources.journals import series_of
from footprint.records import replace
from footprint.reports.page.fleet_page import _ticks
from footprint.reports.page.svg import Bar, line
from footprint.reports.plots.power import plot_power
from footprint.reports.plots.tornado import ALL, plot_tornado
from footprint.results.fleet import PowerSeries
from footprint.results.human import amount
from footprint.validation.plot import plot_validation
from footprint.validation.published.strubell import validate_strubell
from footprint.validation.report import ValidationReport, ValidationRow


def test_the_tornado_draws_the_combined_interval(drawn: Callable[[], Any], tmp_path: Path) -> None:
    answer = footprint.estimate(model="bert-base", hw="v100:8", region="FRA", runs=3)
    plot_tornado(answer, tmp_path / "t.png")
    assert "one of 3 runs" in " ".join(drawn().get_suptitle().split())
    quantities = (answer.energy_kwh, answer.co2e_kg, answer.cost_usd)
    for axes, quantity in zip(drawn().axes, quantities, strict=True):
        assert quantity is not None
        assert axes.get_yticklabels()[-1].get_text() == ALL
        bars = [patch for patch in axes.patches if patch.get_width() > 0]
        ends = [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in bars]
        assert ends[-1] == pytest.approx((quantity.low, quantity.high))
        assert all(low >= ends[-1][0] and high <= ends[-1][1] for low, high in ends)
        low, high = axes.get_xlim()
        assert low < quantity.low < quantity.high < high
        unit = {0: "kwh", 1: "kg", 2: "usd"}[quantities.index(quantity)]
        assert amount(quantity.high, unit, 2) in {text.get_text() for text in axes.texts}


def test_one_unit_an_axis(drawn: Callable[[], Any], tmp_path: Path) -> None:
    report = validate_strubell()
    plot_validation(report, tmp_path / "s.png")
    units = list(dict.fromkeys(row.unit for row in report.rows))
    assert units == ["kWh", "lb", "USD"]
    for axes, unit in zip(drawn().axes, units, strict=True):
        assert axes.get_xlabel() == f"published [{unit}]"
        assert axes.get_ylabel().endswith(f"[{unit}]")
        points = sum(len(part.get_offsets()) for part in axes.collections[1:])  # the first is the band
        assert points == sum(row.unit == unit for row in report.rows)


def test_arithmetic_is_not_called_a_prediction(drawn: Callable[[], Any], tmp_path: Path) -> None:
    plot_validation(validate_strubell(), tmp_path / "s.png")
    assert all("sample" not in axes.get_ylabel() for axes in drawn().axes)
    row = ValidationRow(id="a", published=1.0, predicted=2.0, unit="h", fold="x")
    plot_validation(ValidationReport(dataset="x", rows=(row,)), tmp_path / "x.png")
    assert drawn().axes[0].get_ylabel() == "predicted, out of sample [h]"


def test_power_is_drawn_between_readings_alone() -> None:
    """A meter that starts at 1 s, reads at 2, 3 and 5 s, and a last line without a reading."""
    kwh = 1 / 3.6e6  # a joule
    cpu = [(1.0, 0.0), (2.0, 500 * kwh), (3.0, 510 * kwh), (5.0, 550 * kwh), (5.5, 550 * kwh)]
    ram = [(1.0, 0.0), (2.0, 3 * kwh), (3.0, 6 * kwh), (5.0, 12 * kwh), (5.5, 12 * kwh)]
    moments, watts = power_steps({"cpu": cpu, "ram": ram})
    assert moments == [2.0, 3.0, 5.0]
    assert watts[0] == pytest.approx([10.0, 20.0])
    assert watts[1] == pytest.approx([3.0, 3.0])


def test_the_power_of_a_run_begins_where_its_meter_reads() -> None:
    """A constant 100 W, read from the 30th second on: no point says that the node drew nothing before."""
    kwh = [(0.0, 0.0), (30.0, 0.0), (60.0, 100 * 30 / 3.6e6), (90.0, 100 * 60 / 3.6e6)]
    process = SimpleNamespace(launch="a", kwh={"cpu": kwh}, started_s=0.0, last_s=90.0, losses=[], rank=0)
    report: Any = SimpleNamespace(
        totals=SimpleNamespace(processes=[process]), measurement=SimpleNamespace(name="late meter")
    )
    found = series_of(report)
    assert found is not None
    assert [hour * 3600 for hour, _ in found.points] == pytest.approx([45.0, 75.0])
    assert [watt for _, watt in found.points] == pytest.approx([100.0, 100.0])
    process.kwh = {"cpu": kwh[:3]}
    process.last_s = 60.0
    assert series_of(report) is None  # one point is no line
    process.losses = [(0.0, 3.0), (30.0, 2.0), (60.0, None)]
    found = series_of(report)
    assert found is not None
    assert found.points == ()
    assert found.losses == ((0.0, 3.0), (30.0 / 3600, 2.0), (60.0 / 3600, None))


def test_power_and_loss_stand_on_one_axis_of_time(drawn: Callable[[], Any], tmp_path: Path) -> None:
    """A gap in either is a gap in its line, and never a zero."""
    power = ((0.1, 100.0), (0.2, None), (0.3, 120.0))
    series = PowerSeries(
        name="a run", boundary="node", points=power, losses=((0.0, 3.0), (0.2, None), (0.4, 1.0))
    )
    plot_power([series], tmp_path / "p.png")
    above, below = drawn().axes
    assert above.get_xlim() == pytest.approx(below.get_xlim())
    assert [above.get_ylabel(), below.get_ylabel()] == ["power [W]", "loss"]
    assert below.get_legend().get_texts()[0].get_text() == "loss (gap: NaN or infinite)"
    for axes, wanted in ((above, [100.0, 120.0]), (below, [3.0, 1.0])):
        values = axes.lines[0].get_ydata()
        assert [value for value in values if value == value] == wanted
        assert len(values) == 3
    assert drawn().get_suptitle() == "Power and loss over time"
    plot_power([replace(series, points=())], tmp_path / "l.svg")
    (only,) = drawn().axes
    assert only.get_ylabel() == "loss"


@pytest.mark.parametrize("decades", [0.1, 0.7, 1.5, 2.5, 3.5, 6, 20])
def test_few_words_stand_at_an_axis_of_the_page(decades: float) -> None:
    """More would cover each other at the width of a phone."""
    for begin in (1e-5, 2.3e-5, 7e-3, 4.0):
        end = begin * 10**decades
        ticks = _ticks([Bar(label="", low=begin, mid=begin, high=end, text=repr(end))])
        inside = [value for value, _ in ticks if begin <= value <= end]
        assert len(inside) <= 5
        assert inside or decades < 0.5
        assert [value for value, _ in ticks] == sorted(value for value, _ in ticks)


def test_a_line_of_the_page_breaks_at_a_gap() -> None:
    points = [(0.0, 1.0), (1.0, 2.0), (2.0, None), (3.0, 0.0), (4.0, 1.0), (5.0, None), (6.0, 1.5)]
    picture = line(points, "x", (6.0, "6 h"), ((0.0, ""), (2.0, "2 W")), filled=False)
    curves = re.findall(r'class="curve" d="([^"]*)"', picture)
    assert [curve.count("L") for curve in curves] == [1, 1, 0]
    left, right, top, bottom = 4.0, 356.0, 20.0, 150.0

    def place(x: float, y: float) -> str:
        return f"{left + x / 6 * (right - left):.1f} {bottom - y / 2 * (bottom - top):.1f}"

    assert curves[0] == f"M{place(0, 1)} L{place(1, 2)}"
    assert curves[1] == f"M{place(3, 0)} L{place(4, 1)}"
    assert curves[2].startswith(f"M{place(6, 1.5)} h")
