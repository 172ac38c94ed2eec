"""Many runs from many inputs, each run counted once, added up by any column: ``footprint report``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from footprint.catalog.version import DATA_VERSION, footprint_version
from footprint.errors import FootprintError
from footprint.fleet.columns import joined
from footprint.fleet.months import Asked, alone, sums_of
from footprint.fleet.once import once
from footprint.fleet.settings import Settings
from footprint.fleet.sources import form_of
from footprint.results.fleet import FleetInput, FleetReport
from footprint.vocabulary import KINDS

if TYPE_CHECKING:
    import pandas as pd

_CALENDAR = ("month", "year", "day")
_KNOWN = ("project", "model", "hardware", "place", "status", "boundary", "kind", "run_id", "source")
MOST_BY = 8


def report(
    *inputs: str | os.PathLike[str],
    by: str | Sequence[str] = (),
    kind: str | None = None,
    scheduler: str | None = None,
    **options: Any,
) -> FleetReport:
    """What the runs of some files and folders used, each run once; kinds and boundaries apart.

    ``by`` names columns to group by: ``project``, ``model``, ``hardware``, ``place``, ``month``, ``year``,
    ``day``, ``status``, ``source`` (the input), or any column of the inputs. ``kind`` (estimate, measurement,
    reference) leaves the others out. ``options`` are fields of an estimate (``hw``, ``region``, ``year``,
    ``pue``, ``grid_g_per_kwh``) for Slurm's records and power logs. ``scheduler`` is the address of a Dask
    scheduler whose workers add up a folder of Parquet in parts (``month=2026-03/``); without one this
    process does it, part by part.

    Raises:
        FootprintError: an input that cannot be read, or nothing to report.
    """
    names = _by_of(by)
    if kind not in (None, *KINDS):
        raise FootprintError(f"`kind=` must be one of {', '.join(KINDS)}, not {kind!r:.60}")
    if not inputs:
        raise FootprintError("a report of nothing: name files or folders")
    extra = tuple(name for name in names if name not in (*_CALENDAR, *_KNOWN))
    settings = Settings(extra=extra, options={k: v for k, v in options.items() if v not in (None, ())})
    places = list(dict.fromkeys(map(Path, inputs)))
    if alone(places):
        return _of_parts(places[0], Asked(by=names, kind=kind, settings=settings), scheduler)
    if scheduler is not None:
        raise FootprintError("`scheduler=` adds up one folder of Parquet in parts, such as month=2026-03/")
    return _of_rows(places, names, kind, settings)


def _of_rows(
    places: Sequence[Path], names: tuple[str, ...], kind: str | None, settings: Settings
) -> FleetReport:
    """The report of inputs that are read whole."""
    from footprint.fleet.totals import sums_and_groups, totals_of

    frames, said, warnings, series = [], [], [], []
    for place in places:
        form = form_of(place)
        found = form.read(place, settings)
        frames.append(found.rows.assign(source=str(place)))
        said.append(
            FleetInput(
                name=str(place), form=form.FORM, rows_count=len(found.rows), left_out_count=found.left_out
            )
        )
        warnings += found.notes
        series += found.series
    rows = joined(frames)
    if kind is not None:
        rows = rows[rows["kind"] == kind]
    if not len(rows):
        raise FootprintError(f"a report of nothing: no row of the kind {kind} in the inputs")
    rows, left_out = once(rows)
    _refuse_unknown(settings.extra, rows)
    sums, groups = sums_and_groups(rows, names)
    return FleetReport(
        **_head(),
        by=names,
        inputs=tuple(said),
        totals=totals_of(sums, ()),
        groups=() if groups is None else totals_of(groups, names),
        warnings=tuple(dict.fromkeys([*warnings, *left_out.notes()])),
        series=tuple(series),
        runs=rows,
    )


def _of_parts(path: Path, asked: Asked, scheduler: str | None) -> FleetReport:
    """The report of a folder in parts, of which only the sums are kept."""
    from footprint.fleet.totals import totals_of

    found, notes = sums_of(path, asked, scheduler)
    if found.total is None:
        raise FootprintError(f"a report of nothing: no row of the kind {asked.kind} in {path}")
    return FleetReport(
        **_head(),
        by=asked.by,
        inputs=(FleetInput(name=str(path), form="parquet, in parts", rows_count=found.rows_count),),
        totals=totals_of(found.total, ()),
        groups=() if found.groups is None else totals_of(found.groups, asked.by),
        warnings=(*found.left_out.notes(), *notes),
    )


def _head() -> dict[str, Any]:
    moment = datetime.now(UTC).isoformat(timespec="seconds")
    return {"footprint_version": footprint_version(), "data_version": DATA_VERSION, "created_at": moment}


def _by_of(by: str | Sequence[str]) -> tuple[str, ...]:
    given = [by] if isinstance(by, str) else list(by)
    names = tuple(dict.fromkeys(part.strip() for text in given for part in text.split(",") if part.strip()))
    if len(names) > MOST_BY:
        raise FootprintError(f"`by=` takes at most {MOST_BY} columns")
    return tuple(name for name in names if name not in ("kind", "boundary"))


def _refuse_unknown(extra: Sequence[str], rows: pd.DataFrame) -> None:
    for name in extra:
        if name not in rows:
            from footprint.catalog.names import unknown

            raise unknown("column", name, [*_KNOWN, *_CALENDAR, *rows.columns], "a column of the inputs")
