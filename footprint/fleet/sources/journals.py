"""Folders of journals: each run with its ranks, segments and neighbours, as `footprint runs` sees it.

The journals themselves are read, whose lines have checksums, and not the summaries beside them.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

from footprint.errors import DataFileError
from footprint.fleet.columns import tidy_records
from footprint.fleet.settings import Read, Settings
from footprint.results.fleet import PowerSeries
from footprint.results.rows import report_row
from footprint.tracking.report.archive import open_archive
from footprint.tracking.report.run_report import RunReport
from footprint.tracking.totals.energy_series import gain
from footprint.tracking.totals.process_totals import ProcessTotals
from footprint.units import SECONDS_PER_HOUR

FORM = "journals"
MOST_SERIES, MOST_POINTS = 4, 300


def fits(path: Path, _: str) -> bool:
    """Whether it is a folder without Parquet files."""
    return path.is_dir() and next(path.rglob("*.parquet"), None) is None


def read(path: Path, settings: Settings) -> Read:
    """A row for each run's measurement, and one for its estimate."""
    archive = open_archive([path])
    reports = archive.reports()
    if not reports:
        said = "; ".join(archive.problems[:3])
        if not said and _tables_in(path):
            raise DataFileError(f"{path}: no run is recorded in it; name its CSV files one by one")
        raise DataFileError(f"{path}: no run is recorded in it" + (f": {said}" if said else ""))
    rows: list[dict[str, Any]] = []
    notes = list(dict.fromkeys(archive.problems))
    if tables := _tables_in(path):
        notes.append(f"{path}: its journals are read, not its {len(tables)} CSV: name it to add its rows")
    for report in reports:
        rows += _rows(report)
        damaged = sum(process.journal.damaged for process in report.totals.processes)
        if damaged:
            notes.append(f"{report.totals.run_id}: {damaged} damaged lines of its journals were left out")
        losses = [fault for fault in report.measurement.faults if fault.startswith("log(loss=...) was ")]
        if losses:
            said = ", ".join(losses)
            notes.append(
                f"{report.totals.run_id}: {said}; its curve of loss has a gap where no loss is a number"
            )
    series = [one for report in reports[-MOST_SERIES:] if (one := series_of(report)) is not None]
    return Read(tidy_records(rows, path, settings.extra), 0, notes, series)


def _tables_in(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.csv"))


def series_of(report: RunReport) -> PowerSeries | None:
    """The last launch over time: the power of all its meters, and the loss of its first rank."""
    processes = report.totals.processes
    launch = [one for one in processes if one.launch == processes[-1].launch]
    begin, end = min(one.started_s for one in launch), max(one.last_s for one in launch)
    points = _power(launch, begin, end)
    known = [one for one in processes if one.losses and one.started_s < end and one.last_s > begin]
    losses = _losses(min(known, key=lambda one: one.rank), begin) if known else ()
    if not points and not losses:
        return None
    return PowerSeries(name=report.measurement.name, boundary="node", points=points, losses=losses)


def _power(launch: list[ProcessTotals], begin: float, end: float) -> tuple[tuple[float, float | None], ...]:
    """Hours and watts in equal stretches of time, from the first that a meter read to the last."""
    rows = max((len(series) for one in launch for series in one.kwh.values()), default=0)
    count = min(MOST_POINTS, rows - 1)
    if count < 2 or end <= begin:
        return ()
    edges = [begin + (end - begin) * i / count for i in range(count + 1)]
    points: list[tuple[float, float | None]] = []
    for a, b in pairwise(edges):
        kwh = sum(gain(series, a, b) for one in launch for series in one.kwh.values() if len(series) > 1)
        watts = 1000.0 * kwh / ((b - a) / SECONDS_PER_HOUR)
        # a node always draws power: nothing read it where it seems to draw none
        points.append((((a + b) / 2 - begin) / SECONDS_PER_HOUR, watts if watts > 0 else None))
    read = [number for number, (_, watts) in enumerate(points) if watts is not None]
    return tuple(points[read[0] : read[-1] + 1]) if len(read) > 1 else ()


def _losses(process: ProcessTotals, begin: float) -> tuple[tuple[float, float | None], ...]:
    """Hours and losses; of many, the mean of neighbours."""
    found, step = process.losses, -(-len(process.losses) // MOST_POINTS)
    points: list[tuple[float, float | None]] = []
    for some in (found[i : i + step] for i in range(0, len(found), step)):
        numbers = [loss for _, loss in some if loss is not None]
        moment = sum(at for at, _ in some) / len(some)
        mean = sum(numbers) / len(numbers) if numbers else None
        points.append((max(0.0, moment - begin) / SECONDS_PER_HOUR, mean))
    return tuple(points) if len(points) > 1 and any(loss is not None for _, loss in points) else ()


def _rows(report: RunReport) -> list[dict[str, Any]]:
    measured = report.measurement
    common: dict[str, Any] = {"run_id": measured.run_id, "started_at": measured.started_at}
    row = report_row(measured.to_json(), kind="measurement", **common)
    rows = [{**row, "restarted_share": restarted_share(measured.to_json().get("segments"))}]
    if report.totals.estimate:
        rows.append(report_row(report.totals.estimate, kind="estimate", **common))
    return rows


def restarted_share(segments: Any) -> float:
    """Share of a run's energy in segments that did not complete and were followed by another [1]."""
    if not isinstance(segments, list | tuple) or len(segments) < 2:
        return 0.0
    energies = [float(one["it_energy_kwh"]) for one in segments]
    lost = [kwh for kwh, one in zip(energies[:-1], segments, strict=False) if one["status"] != "completed"]
    return sum(lost) / sum(energies) if sum(energies) > 0 else 0.0
