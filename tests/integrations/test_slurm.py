"""`footprint slurm`: accounting of Slurm 22.05 as it was printed, against sums done by hand.

The texts in ``sacct/`` were printed by Slurm 22.05.8; ``jobs_24.05.json`` is the same accounting in
the shape of 24.05. Their jobs: 1 is 8 nodes of 4 V100 for 79.2 h with energy, 2 has GPUs without a
type, 3 is an array of three, 4 ran out of memory on 2 A100, 5 has no GPUs, 6 has two types and a bar
in its name, 7 was requeued, 8 cancelled, 9 never ran, 10 is a het job with energy.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.run import footprint
from tests.integrations.slurm_calls import HOURS, JOBS, JOULES, PLACE, SACCT, of, records, slurm

# --------------------------------------------------------------------------------- what is counted


def test_accelerator_hours_by_hand() -> None:
    found = records(JOBS)
    estimates = of("estimate", found)
    for run_id, hours in HOURS.items():
        assert estimates[run_id]["accelerator_h"]["mid"] == pytest.approx(hours, rel=1e-12), run_id
        assert estimates[run_id]["cost_usd"]["mid"] == pytest.approx(2 * hours, rel=1e-12)
    both = [estimates["slurm-6-part1"], estimates["slurm-6-part2"]]
    assert {(r["cluster"]["accelerator"], r["accelerator_h"]["mid"]) for r in both} == {
        ("v100-sxm2-16gb", 1.0),
        ("a100-sxm4-80gb", 2.0),
    }
    # nothing else: no row of a step, no job that never ran, none without a known chip
    assert set(estimates) == {*HOURS, "slurm-6-part1", "slurm-6-part2"}
    assert len(found) == len(estimates) + len(JOULES)


def test_measurement_is_joules_times_pue_once() -> None:
    measured = of("measurement", records(JOBS))
    assert set(measured) == set(JOULES)
    for run_id, joules in JOULES.items():
        record = measured[run_id]
        kwh = joules / 3.6e6
        assert record["it_energy_kwh"] == {"mid": pytest.approx(kwh, rel=1e-12)}
        assert record["energy_kwh"] == {"mid": pytest.approx(1.2 * kwh, rel=1e-12)}
        assert record["co2e_kg"]["mid"] == pytest.approx(1.2 * kwh * 0.050, rel=1e-12)
        assert record["cost_usd"]["mid"] == pytest.approx(2 * HOURS[run_id], rel=1e-12)
        assert record["schema"] == "footprint/measurement/1"
        (meter,) = record["meters"]
        assert (meter["component"], meter["how"]) == ("node", "measured")
    # 3,467,059,200 J over 285,120 s
    assert measured["slurm-1"]["it_power_w"]["mid"] == pytest.approx(12_160, rel=1e-12)


def test_estimate_is_that_of_the_estimator() -> None:
    mine = of("estimate", records(JOBS))["slurm-1"]
    done = footprint("estimate", "--hw", "v100:32", "--hours", "79.2", "--accelerators-per-node", "4",
                     *PLACE, "--format", "json")  # fmt: skip
    direct = json.loads(done.out)
    for name in ("duration_h", "it_energy_kwh", "energy_kwh", "co2e_kg", "embodied_co2e_kg"):
        assert mine[name] == pytest.approx(direct[name], rel=1e-12), name
    assert mine["cluster"] == direct["cluster"]
    assert mine["cluster"]["nodes"] == 8
    assert set(direct) <= set(mine)


@pytest.mark.parametrize("name", ["jobs_22.05.json", "jobs_24.05.json"])
def test_json_says_what_the_text_says(name: str) -> None:
    from_text, from_json = records(JOBS), records(str(SACCT / name))
    ids = {"slurm-1", "slurm-3_1", "slurm-7-launch1", "slurm-7-launch2", "slurm-10+0", "slurm-10+1"}
    volatile = ("created_at",)
    for kind in ("estimate", "measurement"):
        here, there = of(kind, from_json), of(kind, from_text)
        assert set(here) == ids & set(there)
        for run_id, record in here.items():
            other = there[run_id]
            assert {k: v for k, v in record.items() if k not in volatile} == {
                k: v for k, v in other.items() if k not in volatile
            }


def test_all_columns_and_a_trailing_bar(tmp_path: Path) -> None:
    file = tmp_path / "trailing.txt"
    file.write_text("".join(f"{line}|\r\n" for line in Path(JOBS).read_text().splitlines()))
    volatile = ("created_at",)
    assert [{k: v for k, v in r.items() if k not in volatile} for r in records(str(file))] == [
        {k: v for k, v in r.items() if k not in volatile} for r in records(JOBS)
    ]
    wide = of("measurement", records(str(SACCT / "all_columns.psv")))
    assert wide["slurm-1"]["it_energy_kwh"]["mid"] == pytest.approx(JOULES["slurm-1"] / 3.6e6)


def test_a_bar_in_a_name_anywhere() -> None:
    record = next(r for r in records(JOBS) if r["run_id"] == "slurm-6-part1")
    assert record["slurm"]["job_name"] == "mixed|types =1+1"


def test_a_bar_in_a_name_in_the_middle(tmp_path: Path) -> None:
    file = tmp_path / "jobs.txt"
    file.write_text(
        "JobID|JobName|State|ElapsedRaw|AllocTRES\n"
        "77|a|b|COMPLETED|x|COMPLETED|7200|cpu=4,gres/gpu:v100=1,gres/gpu=1,node=1\n"
    )
    (record,) = records(str(file))
    assert record["slurm"]["job_name"] == "a|b|COMPLETED|x"
    assert record["accelerator_h"]["mid"] == 2.0


def test_times_are_utc() -> None:
    # 2026-02-16T00:00:00 UTC is 1,771,200,000 s; the JSON has that, whatever the zone of this machine
    record = of("measurement", records(str(SACCT / "jobs_22.05.json")))["slurm-1"]
    assert record["started_at"] == "2026-02-16T00:00:00+00:00"


def test_states_and_their_shares() -> None:
    done = slurm(JOBS, *PLACE, "--quiet")
    assert max(map(len, done.out.splitlines())) <= 80
    words = {"completed", "timeout", "failed", "oom", "requeued", "cancelled"}
    listed = {word for line in done.out.splitlines()[1:14] for word in line.split()}
    assert words <= listed
    statuses = {r["run_id"]: r["status"] for r in records(JOBS)}
    assert statuses["slurm-4"] == "killed"
    assert statuses["slurm-3_1"] == "terminated"
    assert statuses["slurm-7-launch1"] == "interrupted"
    from footprint.integrations.slurm import report_jobs

    report = report_jobs([JOBS], pue=1.2, grid_g_per_kwh=50.0)
    by_hand: dict[str, float] = {}
    for record in of_all("estimate", records(JOBS)):
        state = record["slurm"]["state"]
        by_hand[state] = by_hand.get(state, 0.0) + record["energy_kwh"]["mid"]
    whole = sum(by_hand.values())
    assert report.shares() == pytest.approx({state: kwh / whole for state, kwh in by_hand.items()})
    assert sum(report.shares().values()) == pytest.approx(1.0)


def of_all(kind: str, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [record for record in found if record["kind"] == kind]


def test_kinds_are_summed_apart() -> None:
    from footprint.integrations.slurm import report_jobs

    report = report_jobs([JOBS], pue=1.2, grid_g_per_kwh=50.0, usd_per_hour=2.0)
    estimated, measured = report.sums("estimate"), report.sums("measurement")
    assert estimated["accelerator_h"].mid == pytest.approx(sum(HOURS.values()) + 3.0)
    assert measured["accelerator_h"].mid == pytest.approx(sum(HOURS[run_id] for run_id in JOULES))
    assert measured["energy_kwh"].mid == pytest.approx(1.2 * sum(JOULES.values()) / 3.6e6)
    with pytest.raises(Exception, match="estimate or measurement"):
        report.sums("both")


def test_what_is_missing_is_said() -> None:
    err = slurm(JOBS, *PLACE).err
    assert "job 2: no estimate: Slurm keeps no type of its 2 GPUs" in err
    assert "job 5: no estimate: no GPUs in its record" in err
    assert "--hw epyc-7742:2" in err
    assert "job 9 never ran" in err
    assert "--exclusive" in err
    assert "3_0, 3_1, 3_2, 4, 6, 7, 8: no energy was recorded" in err
    assert slurm(JOBS, *PLACE, "--quiet").err == ""


# ------------------------------------------------------------------------------------- CSV and files


def test_csv_has_each_launch_once(tmp_path: Path) -> None:
    file = tmp_path / "runs.csv"
    first = slurm(JOBS, *PLACE, "-o", str(file), "--quiet")
    assert first.code == 0, first.err
    with file.open(newline="") as text:
        rows = list(csv.DictReader(text))
    assert sorted(row["kind"] for row in rows) == ["estimate"] * 12 + ["measurement"] * 3
    assert len({(row["kind"], row["run_id"]) for row in rows}) == 15
    hours = sum(float(row["accelerator_h_mid"]) for row in rows if row["kind"] == "estimate")
    assert hours == pytest.approx(sum(HOURS.values()) + 3.0)
    slurm(JOBS, *PLACE, "-o", str(file), "--quiet")
    with file.open(newline="") as text:
        assert len(list(csv.DictReader(text))) == 15
    from footprint.results.row_reader import read_rows

    assert len(read_rows(file, kind="measurement")[0]) == 3


def test_a_file_given_twice_counts_once(tmp_path: Path) -> None:
    twice = tmp_path / "twice.txt"
    twice.write_text(Path(JOBS).read_text() * 2)
    assert len(records(str(twice))) == len(records(JOBS)) == len(records(JOBS, str(twice)))


def test_the_later_look_at_a_running_job_wins(tmp_path: Path) -> None:
    head = "JobID|State|Start|ElapsedRaw|AllocTRES\n"
    early, late = tmp_path / "early.txt", tmp_path / "late.txt"
    early.write_text(head + "9|RUNNING|1771200000|3600|gres/gpu:v100=1\n")
    late.write_text(head + "9|COMPLETED|1771200000|7200|gres/gpu:v100=1\n")
    for order in ((early, late), (late, early)):
        (record,) = records(*map(str, order))
        assert record["accelerator_h"]["mid"] == 2.0
    csv_file = tmp_path / "runs.csv"
    slurm(str(early), *PLACE, "-o", str(csv_file))
    assert not csv_file.exists(), "a job that still runs has no row yet"


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    import io
    import sys

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(Path(JOBS).read_bytes())))
    assert of("measurement", records("-")).keys() == JOULES.keys()
