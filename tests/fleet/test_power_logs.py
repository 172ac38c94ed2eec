"""Power logs: the integral by hand, gaps left out and said, counters, units, boards."""

from __future__ import annotations

from pathlib import Path

import pytest

import footprint
from footprint.errors import FootprintError
from footprint.results.fleet import FleetReport

SMI = "timestamp, index, name, power.draw [W]\n"


def smi(at_s: float, board: int, watts: object) -> str:
    minute, second = divmod(at_s, 60)
    return f"2026/03/01 10:{int(minute):02d}:{second:06.3f}, {board}, Tesla V100-SXM2-16GB, {watts} W\n"


def kwh_of(report: FleetReport) -> float:
    (total,) = report.totals
    assert (total.kind, total.boundary) == ("measurement", "accelerator")
    assert total.energy_kwh is not None
    return total.energy_kwh.mid


def test_the_integral_of_nvidia_smi(tmp_path: Path) -> None:
    path = tmp_path / "power.csv"
    # A ramp from 100 W to 300 W in 100 s on one board, 200 W on the other: 2 x 200 W x 100 s.
    lines = [smi(s, 0, 100 + 2 * s) + smi(s, 1, 200) for s in range(101)]
    path.write_text(SMI + "".join(lines))
    report = footprint.report(path, by="hardware", region="FRA")
    assert kwh_of(report) == pytest.approx(2 * 200 * 100 / 3.6e6, rel=1e-12)
    (total,) = report.totals
    assert total.duration_h == pytest.approx(100 / 3600)
    assert total.accelerator_h == pytest.approx(200 / 3600)
    assert total.co2e_kg is not None
    place = footprint.estimate(model="bert-base", hw="v100:8", region="FRA").grid_g_per_kwh
    assert total.co2e_kg.mid == pytest.approx(kwh_of(report) * place.mid / 1000)
    assert report.groups[0].by == {"hardware": "Tesla V100-SXM2-16GB"}


def test_a_log_and_its_copy_are_one(tmp_path: Path) -> None:
    text = SMI + "".join(smi(s, 0, 250) for s in range(61))
    for name in ("one.csv", "two.csv"):
        (tmp_path / name).write_text(text)
    assert kwh_of(footprint.report(tmp_path / "one.csv", tmp_path / "two.csv")) == pytest.approx(
        250 * 60 / 3.6e6
    )


def test_a_gap_is_left_out_and_said(tmp_path: Path) -> None:
    path = tmp_path / "power.csv"
    path.write_text(SMI + "".join(smi(s, 0, 360) for s in [*range(11), *range(600, 611)]))
    report = footprint.report(path)
    assert kwh_of(report) == pytest.approx(360 * 20 / 3.6e6)
    assert any("1 gaps" in one and "590 s" in one for one in report.warnings)


def test_readings_that_a_board_did_not_give_are_bridged_or_gaps(tmp_path: Path) -> None:
    path = tmp_path / "power.csv"
    path.write_text(SMI + "".join(smi(s, 0, "[N/A]" if s == 5 else 100) for s in range(11)))
    assert kwh_of(footprint.report(path)) == pytest.approx(100 * 10 / 3.6e6)


def test_a_gap_is_drawn_as_a_gap(tmp_path: Path) -> None:
    """Two boards at 100 W and 50 W; the second has no reading for half a minute, and one reading is late."""
    rows = [
        (s, board) for s in range(121) for board in (0, 1) if not (board == 1 and 40 < s < 70) and s != 90
    ]
    path = tmp_path / "power.csv"
    path.write_text(SMI + "".join(smi(s, board, (100, 50)[board]) for s, board in rows))
    (series,) = footprint.report(path).series
    by_second = {round(hour * 3600): watts for hour, watts in series.points}
    missing = {second for second, watts in by_second.items() if watts is None}
    assert missing
    assert all(40 < second < 70 for second in missing)
    assert all(second in missing for second in by_second if 42 < second < 68)
    assert all(watts == pytest.approx(150) for watts in series.watts)


def test_dcgms_energy_counter_and_power(tmp_path: Path) -> None:
    counter, power = tmp_path / "counter.csv", tmp_path / "power.csv"
    # mJ; the counter of board 1 begins anew: 1 kJ + 2 kJ of board 0, 1 kJ + 0.5 kJ of board 1.
    counter.write_text(
        "timestamp,gpu,DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION\n"
        "1000,0,5000000\n1060,0,6000000\n1120,0,8000000\n1000,1,7000000\n1060,1,8000000\n1120,1,0\n1180,1,500000\n"
    )
    assert kwh_of(footprint.report(counter)) == pytest.approx(4500 / 3.6e6)
    power.write_text("Time,gpu,DCGM_FI_DEV_POWER_USAGE\n" + "".join(f"{1000 + s},0,180\n" for s in range(11)))
    assert kwh_of(footprint.report(power)) == pytest.approx(180 * 10 / 3.6e6)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("timestamp, power.draw [W]\n2026/03/01 10:00:00, 1 W\n2026/03/01 10:00:00, 2 W\n", "index or uuid"),
        (SMI + smi(0, 0, 100), "less than two"),
        (SMI + smi(0, 0, -5) + smi(1, 0, 100), "no board draws"),
        (SMI + smi(0, 0, 5e6) + smi(1, 0, 100), "no board draws"),
        (SMI + "yesterday, 0, V100, 5 W\ntoday, 0, V100, 5 W\n", "cannot be read"),
        (SMI + smi(0, 0, "[N/A]") + smi(1, 0, "[N/A]"), "no number"),
    ],
)
def test_a_log_that_says_no_energy_is_refused(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "power.csv"
    path.write_text(text)
    with pytest.raises(FootprintError, match=said):
        footprint.report(path)
