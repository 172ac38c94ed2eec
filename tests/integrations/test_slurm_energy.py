"""Which joules of Slurm's accounting are a job's, and which are not used."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from footprint.catalog.hardware import all_accelerators
from footprint.integrations.slurm import report_jobs
from footprint.integrations.slurm.account import Account
from footprint.integrations.slurm.recorded_energy import IDLE_OVER_RATED, LEAST_OF_HOST, MOST_OVER_RATED
from footprint.results.measurement import Measurement

SACCT = Path(__file__).with_name("sacct")
HEAD = "JobID|State|Start|ElapsedRaw|AllocTRES|ConsumedEnergyRaw|NNodes"
T0 = 1_771_200_000
OPTIONS: dict[str, Any] = {"pue": 1.2, "grid_g_per_kwh": 50.0}


def account(tmp_path: Path, *rows: str, **options: Any) -> Account:
    """The account of one job from rows under the usual header."""
    file = tmp_path / "jobs.txt"
    file.write_text("\n".join((HEAD, *rows)))
    (one,) = report_jobs([str(file)], **OPTIONS, **options).accounts
    return one


def node_job(energy: object, *, nodes: int = 1, per_node: int = 8, elapsed: int = 36_000) -> str:
    gpus = nodes * per_node
    tres = f"cpu=40,gres/gpu:v100={gpus},gres/gpu={gpus},node={nodes}"
    return f"50|COMPLETED|{T0}|{elapsed}|{tres}|{energy}|{nodes}"


def measured(one: Account) -> Measurement:
    assert one.measurement is not None, one.energy_not_used
    return one.measurement


def kwh(one: Account) -> float:
    energy = measured(one).it_energy_kwh
    assert energy is not None
    return energy.mid


# ------------------------------------------------------------------------- steps are counted once


def without(text: str, *suffixes: str) -> str:
    lines = text.splitlines()
    return "\n".join(line for line in lines if not line.partition("|")[0].endswith(suffixes))


def test_without_extern_a_node_is_not_counted_twice(tmp_path: Path) -> None:
    """Without PrologFlags=Contain Slurm's sum is batch + steps: one node twice for 79 h."""
    text = without((SACCT / "jobs.psv").read_text(), ".extern")
    total = 431_956_800 + 3_507_750_400 + 324_000  # what Slurm then writes in the job's row
    text = text.replace("|3467059200|8|", f"|{total}|8|").replace("energy=3467059200", f"energy={total}")
    file = tmp_path / "jobs.txt"
    file.write_text(text)
    one = report_jobs([str(file)], **OPTIONS).accounts[0]
    # the two srun steps ran one after the other; batch ran beside them
    assert kwh(one) == pytest.approx((3_507_750_400 + 324_000) / 3.6e6)
    assert "1.09e+03 kWh, is not used" in " ".join(measured(one).warnings)


def test_on_one_node_the_batch_step_is_the_job(tmp_path: Path) -> None:
    one = account(
        tmp_path,
        node_job(100_000_000 + 90_000_000),
        f"50.batch|COMPLETED|{T0}|36000|node=1|100000000|1",
        f"50.0|COMPLETED|{T0 + 100}|35000|node=1|90000000|1",
    )
    assert kwh(one) == pytest.approx(100 / 3.6)


def test_steps_side_by_side_count_once(tmp_path: Path) -> None:
    """Two overlapping srun steps over both nodes each read both nodes: the longer one is taken."""
    rows = [
        node_job(0, nodes=2),
        f"50.0|COMPLETED|{T0}|36000|node=2|200000000|2",
        f"50.1|COMPLETED|{T0 + 10}|30000|node=2|170000000|2",
    ]
    for order in (rows, [rows[0], rows[2], rows[1]]):
        assert kwh(account(tmp_path, *order)) == pytest.approx(200 / 3.6)


def test_what_steps_leave_out_is_filled_and_widens(tmp_path: Path) -> None:
    one = account(tmp_path, node_job("", nodes=2), f"50.0|COMPLETED|{T0}|32400|node=2|180000000|2")
    energy = measured(one).it_energy_kwh
    assert energy is not None
    assert energy.mid == pytest.approx(50 / 0.9)  # 50 kWh in nine tenths of the time
    assert energy.low < energy.mid < energy.high
    assert measured(one).meters[0].unseen_s == pytest.approx(3600)


def test_steps_that_cover_too_little_are_not_the_job(tmp_path: Path) -> None:
    one = account(tmp_path, node_job("", nodes=2), f"50.0|COMPLETED|{T0}|18000|node=2|90000000|2")
    assert one.measurement is None
    assert "50% of its node-hours" in one.energy_not_used


def test_a_running_job_has_no_measurement(tmp_path: Path) -> None:
    one = account(tmp_path, node_job(100_000_000).replace("COMPLETED", "RUNNING"))
    assert one.measurement is None
    assert "still running" in one.energy_not_used
    assert one.estimates


def test_only_the_jobs_row_is_used_with_a_caveat(tmp_path: Path) -> None:
    one = account(tmp_path, node_job(100_000_000))
    assert kwh(one) == pytest.approx(100 / 3.6)
    assert any("PrologFlags=Contain" in warning for warning in measured(one).warnings)


# --------------------------------------------------------------------------------- plausibility


@pytest.mark.parametrize(
    "energy",
    ["", "0", 2**64 - 2, 2**64 - 1, 2**32 - 2, 2**32 - 1, "nan", "-5", "1e9", "12.5K", "=1+1", "9" * 30],
)
def test_no_value_is_no_energy(energy: object, tmp_path: Path) -> None:
    one = account(tmp_path, node_job(energy))
    assert one.estimates
    assert one.measurement is None
    assert one.energy_not_used


def test_more_than_the_allocation_can_draw(tmp_path: Path) -> None:
    """DGX-1V: 8 boards of 300 W and a host of at most 900 W, by the profile and its data sheet."""
    most_w = MOST_OVER_RATED * (8 * 300 + 900)
    for watts, used in ((most_w * 0.999, True), (most_w * 1.001, False)):
        one = account(tmp_path, node_job(int(watts * 36_000)))
        assert (one.measurement is not None) is used, watts
    assert "more than this allocation can draw (4,125 W)" in one.energy_not_used


def test_a_shared_node_shows_in_its_power(tmp_path: Path) -> None:
    """One GPU of eight while the node draws 3 kW: other jobs were on it."""
    one = account(tmp_path, node_job(3_000 * 36_000, per_node=1))
    assert one.measurement is None
    # 1 x 300 W, 7 idle at 35 W (the profile's), host 900 W
    assert f"{MOST_OVER_RATED * (300 + 7 * 35 + 900):,.0f} W" in one.energy_not_used


def test_less_than_idle_is_not_a_node(tmp_path: Path) -> None:
    """RAPL of two processors beside 8 V100: 250 W; the boards alone idle at 280 W."""
    one = account(tmp_path, node_job(250 * 36_000))
    assert one.measurement is None
    assert f"idle ({8 * 35 + LEAST_OF_HOST * 300:,.0f} W)" in one.energy_not_used
    assert "`energy_plugin=` rapl or gpu" in one.energy_not_used


def test_rapl_is_the_processors_and_the_rest_is_modelled(tmp_path: Path) -> None:
    one = account(tmp_path, node_job(250 * 36_000), energy_plugin="rapl")
    found = measured(one)
    parts, modelled = found.energy_components_kwh, one.estimates[0].energy_components_kwh
    assert parts.cpu is not None and parts.cpu.mid == pytest.approx(2.5)  # noqa: PT018
    assert parts.cpu.spread == {}
    assert parts.accelerators == modelled.accelerators
    assert parts.ram is None
    assert parts.other_node == modelled.other_node
    assert modelled.accelerators is not None
    assert modelled.other_node is not None
    assert kwh(one) == pytest.approx(2.5 + modelled.accelerators.mid + modelled.other_node.mid)
    assert {(m.component, m.how) for m in found.meters} == {
        ("cpu", "measured"),
        ("accelerators", "modelled"),
        ("other_node", "modelled"),
    }


def test_gpu_is_the_boards_and_the_host_is_modelled(tmp_path: Path) -> None:
    one = account(tmp_path, node_job(2_000 * 36_000), energy_plugin="gpu")
    parts, modelled = measured(one).energy_components_kwh, one.estimates[0].energy_components_kwh
    assert parts.accelerators is not None and parts.accelerators.mid == pytest.approx(20.0)  # noqa: PT018
    assert modelled.cpu is not None
    assert modelled.ram is not None
    assert modelled.other_node is not None
    host = modelled.cpu.mid + modelled.ram.mid + modelled.other_node.mid
    assert kwh(one) == pytest.approx(20.0 + host)


def test_boards_cannot_draw_more_than_boards(tmp_path: Path) -> None:
    one = account(tmp_path, node_job(3_200 * 36_000), energy_plugin="gpu")
    assert one.measurement is None
    assert f"{MOST_OVER_RATED * 8 * 300:,.0f} W" in one.energy_not_used


def test_a_plugin_of_none_is_believed(tmp_path: Path) -> None:
    assert account(tmp_path, node_job(100_000_000), energy_plugin="none").measurement is None


def test_idle_bounds_are_those_of_the_profiles() -> None:
    shares = [c.idle_w / c.tdp_w for c in all_accelerators() if c.idle_w and c.tdp_w and c.kind == "gpu"]
    assert len(shares) > 20
    assert IDLE_OVER_RATED[0] <= min(shares) + 1e-9
    assert max(shares) <= IDLE_OVER_RATED[1]


# --------------------------------------------------------------------- 32 bits of sacct --json


def dump(tmp_path: Path, *, step_j: int, job_j: int | None, boxed: bool = False) -> Account:
    """Job 1 of the 22.05 dump, made 638,000 s long with other energies."""
    tree = json.loads((SACCT / "jobs_22.05.json").read_text())
    (job,) = [job for job in tree["jobs"] if job["job_id"] == 1]
    job["time"]["elapsed"] = 638_000
    for entry in job["tres"]["allocated"]:
        if entry["type"] == "energy":
            entry["count"] = job_j
    for step in job["steps"]:
        value = step_j if step["step"]["id"] == "extern" else 0
        step["statistics"]["energy"]["consumed"] = (
            {"set": True, "infinite": False, "number": value} if boxed else value
        )
    file = tmp_path / "jobs.json"
    file.write_text(json.dumps({"jobs": [job]}))
    (one,) = report_jobs([str(file)], **OPTIONS).accounts
    return one


TRUE_J = 12_160 * 638_000  # 7.76 GJ: more than 2^32 J


def test_a_wrapped_step_is_completed_by_the_jobs_sum(tmp_path: Path) -> None:
    """Slurm 22.05 printed 705,032,704 for 5,000,000,000 J: the lower 32 bits."""
    assert kwh(dump(tmp_path, step_j=TRUE_J % 2**32, job_j=TRUE_J)) == pytest.approx(TRUE_J / 3.6e6)


def test_a_wrapped_step_alone_is_not_used(tmp_path: Path) -> None:
    one = dump(tmp_path, step_j=TRUE_J % 2**32, job_j=None)
    assert one.measurement is None
    assert "32 bits" in one.energy_not_used


def test_later_versions_do_not_wrap(tmp_path: Path) -> None:
    assert kwh(dump(tmp_path, step_j=TRUE_J, job_j=None, boxed=True)) == pytest.approx(TRUE_J / 3.6e6)
