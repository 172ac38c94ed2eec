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
        raise DataFileError(f"{path}: no run is recorded in it" + (f": {said}" if said else ""))
    rows: list[dict[str, Any]] = []
    notes = list(dict.fromkeys(archive.problems))
    for report in reports:
        rows += _rows(report)
        damaged = sum(process.journal.damaged for process in report.totals.processes)
        if damaged:
            notes.append(f"{report.totals.run_id}: {damaged} damaged lines of its journals were left out")
    series = [one for report in reports[-MOST_SERIES:] if (one := series_of(report)) is not None]
    return Read(tidy_records(rows, path, settings.extra), 0, notes, series)


def series_of(report: RunReport) -> PowerSeries | None:
    """The power that the meters of the last launch read, all processes of one moment together."""
    processes = report.totals.processes
    launch = [one for one in processes if one.launch == processes[-1].launch and one.kwh]
    if not launch:
        return None
    begin, end = min(one.started_s for one in launch), max(one.last_s for one in launch)
    rows = max(len(series) for one in launch for series in one.kwh.values())
    count = min(MOST_POINTS, rows - 1)
    if count < 2 or end <= begin:
        return None
    edges = [begin + (end - begin) * i / count for i in range(count + 1)]
    points = []
    for a, b in pairwise(edges):
        kwh = sum(gain(series, a, b) for one in launch for series in one.kwh.values() if len(series) > 1)
        points.append((((a + b) / 2 - begin) / SECONDS_PER_HOUR, 1000.0 * kwh / ((b - a) / SECONDS_PER_HOUR)))
    first = next((number for number, (_, watts) in enumerate(points) if watts > 0), len(points))
    seen = tuple(points[first:])  # a node draws power before its meter reads it, too
    return PowerSeries(name=report.measurement.name, boundary="node", points=seen) if len(seen) > 1 else None


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
