"""JSON of answers, which a stranger may have written, as what the plots take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from footprint.decisions.scenario_table import QUANTITIES
from footprint.errors import DataFileError
from footprint.reports.exports.shared.filed import Filed, filed
from footprint.reports.exports.shared.reader import Bounds, Reader
from footprint.reports.plots.canvas import BLACK, BLUE, MARKERS
from footprint.reports.plots.intervals import Line
from footprint.reports.plots.tornado import Answer
from footprint.results import Quantity

if TYPE_CHECKING:
    from footprint.decisions.scenario_table import ScenarioTable
    from footprint.projects.record import Project
    from footprint.reports.decisions.plan_plot import Curves

ESTIMATE, MEASUREMENT = "footprint/estimate/1", "footprint/measurement/1"
COMPARISON, PROJECT = "footprint/comparison/1", "footprint/project/1"
PLAN, INFERENCE = "footprint/plan/1", "footprint/inference/1"
SCHEMAS = (ESTIMATE, MEASUREMENT, COMPARISON, PROJECT, PLAN, INFERENCE)
_CAUSE = "file"
_ANSWERS = (("energy_kwh", "facility energy", "kwh"), ("co2e_kg", "operational CO2e", "kg"),
            ("cost_usd", "cost", "usd"))  # fmt: skip


def answers_of(one: Reader) -> list[Answer]:
    """The answers of an estimate with the effect of each cause, where its JSON has them."""
    found = []
    for key, name, unit in _ANSWERS:
        ends = one.bounds(key)
        if ends is None or ends.low <= 0:
            continue
        spread = one.part(key).part("spread")
        causes = []
        for cause in spread.names():
            low, high = (spread.part(cause).number(end) for end in ("low", "high"))
            if low and high and low != high:
                causes.append((cause, min(low, high), max(low, high)))
        causes.sort(key=lambda row: row[1] / row[2])
        found.append(Answer(name=name, unit=unit, low=ends.low, mid=ends.mid, high=ends.high, causes=causes))
    return found


def lines_of(readers: Sequence[Reader]) -> list[Line]:
    """Estimates and measurements as lines; where both are there, their names say which is which.

    Of several runs every amount, the time too, is that of all, and the name says so.
    """
    found = [filed(one.values, one.origin) for one in readers]
    both = len({one.kind for one in found}) > 1
    lines = []
    for one in found:
        name = (one.name or one.model or one.run_id or one.kind) + _repeats(one)
        amounts = {key: getattr(one, key) for key in QUANTITIES}
        if one.duration_h is not None:
            amounts["duration_h"] = one.duration_h.times(one.every)
        lines.append(
            Line(
                label=f"{name} ({one.kind})" if both else name,
                amounts=amounts,
                colour=BLACK if one.is_measured else BLUE,
                marker=MARKERS[one.is_measured],
            )
        )
    return lines


def _repeats(one: Filed) -> str:
    if one.runs > 1:
        return f", {one.runs:,} runs"
    return ", with failed runs" if one.failed_share else ""


def comparison_of(one: Reader) -> ScenarioTable:
    """The table of a comparison, of which the numbers and names are kept."""
    from footprint.decisions.scenario_table import ComparedRow, ScenarioTable

    rows = []
    for row in one.list("rows"):
        best = row.values.get("best")
        rows.append(
            ComparedRow(
                id=int(row.number("id") or 0),
                scenario={str(key): value for key, value in row.fields("scenario").items()},
                feasible=bool(row.values.get("feasible")),
                ratio={},
                best=tuple(map(str, best)) if isinstance(best, list) else (),
                **_quantities(row),
            )
        )
    axes = {axis.text("option"): _values(axis) for axis in one.list("axes")}
    baseline = int(one.number("baseline") or 1)
    return ScenarioTable(
        axes=axes, baseline=baseline, by=one.text("by"), rows=tuple(rows), pareto=(), warnings=()
    )


def _values(axis: Reader) -> list[Any]:
    found = axis.values.get("values")
    if not isinstance(found, list):
        raise DataFileError(f"{axis.origin}: axes.values is not a list")
    return found


def project_of(one: Reader) -> Project:
    """A project's rows and their total."""
    from footprint.projects.record import Project, ProjectRow, ProjectTotal

    rows = tuple(
        ProjectRow(
            name=row.text("name"), kind=row.text("kind"), count=row.number("count") or 1.0, scenario={},
            accelerator_h=Quantity(0.0), **_summed(row),
        )
        for row in one.list("rows")
    )  # fmt: skip
    total = ProjectTotal(accelerator_h=Quantity(0.0), **_summed(one.part("total")))
    return Project(name=one.text("name"), rows=rows, total=total, warnings=())


def curves_of(one: Reader) -> Curves:
    """What is drawn of a plan."""
    from footprint.reports.decisions.plan_plot import Curves

    numbers = {name: one.number(name) for name in ("parameters", "tokens", "unique_tokens", "flop")}
    missing = [name for name, value in numbers.items() if not value]
    if missing:
        raise DataFileError(f"{one.origin}: {missing[0]} is missing or 0")
    return Curves(
        law=one.text("law"), loss=one.number("loss"), **{k: float(v or 0) for k, v in numbers.items()}
    )


def batches_of(one: Reader) -> tuple[str, bool, list[tuple[int, Bounds, Bounds]]]:
    """The name of an inference, whether it is of items, and its batches."""
    rows = []
    for row in one.list("batches"):
        size, speed = row.number("batch_size"), row.bounds("tokens_per_s")
        energy = row.bounds("energy_j_per_output_token")
        if not size or speed is None or energy is None or speed.low <= 0 or energy.low <= 0:
            raise DataFileError(f"{one.origin}: a batch without its size, its speed or its energy")
        rows.append((int(size), speed, energy))
    if not rows:
        raise DataFileError(f"{one.origin}: it has no batches")
    cluster = one.part("cluster")
    name = (
        f"{one.part('model').text('name')} on {int(cluster.number('count') or 1)} x {cluster.text('variant')}"
    )
    return name, one.values.get("items") is not None, rows


def _quantities(row: Reader) -> dict[str, Any]:
    return {name: _quantity(row.bounds(name)) for name in QUANTITIES}


def _summed(row: Reader) -> Mapping[str, Any]:
    found = _quantities(row)
    return {**found, **{name: found[name] or Quantity(0.0) for name in ("duration_h", "energy_kwh")}}


def _quantity(ends: Bounds | None) -> Quantity | None:
    if ends is None:
        return None
    if not 0 < ends.low < ends.high:
        return Quantity(ends.mid)
    return Quantity.between(ends.low, ends.mid, ends.high, _CAUSE)
