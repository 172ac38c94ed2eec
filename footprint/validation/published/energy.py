"""Validation of energies: Patterson et al. 2021 from their hours, and whole runs from config and samples.

``patterson`` uses the published chips, hours and PUE, so it tests the power model alone; so does
``board-energy``, of boards that were metered by themselves, with and without the work that filled the hours.
``energy`` uses only the config, the samples and the chips, so it tests the whole chain up to kWh.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from footprint import equations
from footprint.catalog.files import read_csv, reference_folder
from footprint.catalog.hardware import parse_cluster
from footprint.catalog.models import find_model
from footprint.errors import FootprintError
from footprint.flops import count_step
from footprint.performance import goodput, predict_power, predict_step
from footprint.results import Quantity, total
from footprint.schema import Cluster, StepShape
from footprint.units import SECONDS_PER_HOUR, SECONDS_PER_MINUTE, W_PER_KW
from footprint.validation.baselines import beside_table, node_w
from footprint.validation.cases import evaluation
from footprint.validation.published.power import (
    WORKLOADS,
    hours_only_power,
    logged,
    logged_cluster,
    logged_step,
)
from footprint.validation.published.runs import ideal_run
from footprint.validation.report import ValidationReport, ValidationRow

RESNET = "resnet-50"
METERED = ("GPU only (nvidia-smi)", "GPU only (CodeCarbon)")
"""Scopes of energies that the boards metered themselves."""
HOURS_GIVEN = "from published hours and PUE, power predicted"


def _runs() -> Iterator[dict[str, str]]:
    yield from read_csv(reference_folder() / "published" / "runs.csv")


def validate_patterson() -> ValidationReport:
    """Facility energy of the runs of Patterson et al. 2021, from their chips, hours and PUE [kWh]."""
    rows, simple = [], {}
    for row in _runs():
        if not row["id"].startswith("p21-") or not (row["energy_kwh"] and row["duration_h"] and row["pue"]):
            continue
        if row["circular_energy"] == "yes":
            continue
        cluster, _ = parse_cluster(f"{row['accelerator']}:{row['accelerators']}")
        power = hours_only_power(cluster).it_power_w
        it = equations.energy_kwh(power, float(row["duration_h"]))
        energy = equations.facility_energy_kwh(it, float(row["pue"]))
        rows.append(_row(row, energy))
        kwh_a_node_w = cluster.nodes * float(row["duration_h"]) / W_PER_KW * float(row["pue"])
        simple[row["id"]] = {name: watts * kwh_a_node_w for name, watts in node_w(cluster).items()}
    baselines = beside_table(rows, simple)
    return ValidationReport(dataset="patterson", rows=tuple(rows), baselines=baselines, how=HOURS_GIVEN)


def validate_board_energy() -> ValidationReport:
    """Energy of the boards alone, metered by their driver, from chips and hours [kWh]."""
    rows, simple = [], {}
    for row in (*read_csv(reference_folder() / "published" / "board_energy.csv"), *_metered_runs()):
        cluster, _ = parse_cluster(f"{row['accelerator']}:{row['accelerators']}")
        hours = float(row["duration_h"])
        energy = equations.energy_kwh(hours_only_power(cluster).accelerators, hours)
        name = f"{row['id']} {row['model']} on {row['accelerator']}" if "work" in row else row["id"]
        shown = _row({**row, "id": name, "energy_scope": row["model"]}, energy)
        rows.append(shown)
        rules = {}
        if cluster.accelerator.tdp_w:
            rules["sum of the TDPs (ML CO2 Impact)"] = (
                cluster.accelerator.tdp_w * cluster.count * hours / W_PER_KW
            )
        if row["model"] == RESNET:
            rules[f"hours alone, the rows of {RESNET}"] = energy.mid
            rules[f"the work known too, the rows of {RESNET}"] = _from_work(row, cluster, hours).mid
        simple[shown.id] = rules
    baselines = beside_table(rows, simple)
    return ValidationReport(dataset="board-energy", rows=tuple(rows), baselines=baselines, how=HOURS_GIVEN)


def _from_work(row: Mapping[str, str], cluster: Cluster, hours: float) -> Quantity:
    """Energy of the boards where the model, the samples and the batch are known beside the hours [kWh].

    The source does not state the precision; its speeds on V100 are those of 32 bits, which is assumed.
    """
    batch, steps = float(row["batch"]), float(row["samples"]) / float(row["batch"])
    flops = count_step(find_model(row["model"]).config, StepShape(sequences=batch, image_size=224))
    step = predict_step(
        step_flop=flops, cluster=cluster, precision="fp32", year=int(row["year"]), stack="native"
    )
    filled = (step.step_time_s * (steps / SECONDS_PER_HOUR) / hours).capped(1.0)
    power = predict_power(cluster=cluster, busy_share=step.busy_share, fed_share=filled)
    energy: Quantity = equations.energy_kwh(power.accelerators, hours)
    return energy


def _metered_runs() -> Iterator[dict[str, str]]:
    """Runs whose boards were metered, and nothing else."""
    for row in _runs():
        metered = row["energy_scope"].startswith(METERED) and row["duration_h"]
        if metered and not row["excluded"] and row["developer"] not in evaluation()["runs"]["sealed"]:
            yield row


def _row(row: Mapping[str, str], energy: Quantity) -> ValidationRow:
    return ValidationRow.of(
        id=row["id"],
        published=float(row["energy_kwh"]),
        predicted=energy,
        unit="kWh",
        fold=row["accelerator"],
        note=row["energy_scope"],
    )


def validate_energy() -> ValidationReport:
    """Energy of whole runs from config, chips and samples, in the scope that each source measured [kWh]."""
    rows = [*_mlperf_runs(), *_measured_runs()]
    notes = (
        "MLPerf: AC energy of the nodes until the target quality, without switches; its log has the samples",
        "energies that are an assumed power times hours are left out: they test arithmetic only",
    )
    return ValidationReport(dataset="energy", rows=tuple(rows), notes=notes)


def _mlperf_runs() -> Iterator[ValidationRow]:
    """MLPerf runs until their target: AC energy of the nodes, from the samples that they took."""
    for row in logged():
        if row["benchmark"] not in WORKLOADS or not row["energy_kwh"]:
            continue
        cluster, known = logged_cluster(row), logged_step(row["id"])
        samples = float(row["samples_per_s"]) * float(row["time_to_train_min"]) * SECONDS_PER_MINUTE
        hours = known.mean_step_s * (samples / float(row["samples_per_step"]) / SECONDS_PER_HOUR)
        share, _ = goodput(cluster=cluster, hours_without_loss=hours.mid)
        power = predict_power(cluster=cluster, busy_share=known.step.busy_share)
        nodes = total([power.accelerators, power.cpu, power.ram, power.other_node])
        yield ValidationRow.of(
            id=f"mlperf {row['case']}",
            published=float(row["energy_kwh"]),
            predicted=equations.energy_kwh(nodes, hours / share),
            unit="kWh",
            fold=f"mlperf {row['benchmark']}",
            note="nodes AC, no PUE, no switches",
        )


def _measured_runs() -> Iterator[ValidationRow]:
    """Runs with measured board energy, multiplied by the PUE that the source applied, if any."""
    for row in _runs():
        measured = row["energy_scope"].startswith(("facility (GPU power measured", *METERED))
        if not measured or row["excluded"] or row["developer"] in evaluation()["runs"]["sealed"]:
            continue
        if not (row["accelerator"] and row["tokens"] and row["energy_kwh"]):
            continue
        # Without published hours, a placeholder sets the number of chips, which affects only the layout.
        whole = {**row, "accelerator_h": row["accelerator_h"] or "200000"}
        try:
            run = ideal_run(whole)
        except FootprintError:
            continue
        share, _ = goodput(cluster=run.cluster, hours_without_loss=run.ideal_h.mid / run.cluster.count)
        power = predict_power(cluster=run.cluster, busy_share=run.busy_share)
        board = power.accelerators / run.cluster.count
        it = equations.energy_kwh(board, run.ideal_h / share)
        yield _row(row, equations.facility_energy_kwh(it, float(row["pue"] or 1.0)))
