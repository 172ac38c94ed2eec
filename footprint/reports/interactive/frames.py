"""Reports and recorded runs as pandas frames."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

from footprint.catalog.files import runs_folder
from footprint.errors import FootprintError
from footprint.results.frame import report_frame
from footprint.results.report_columns import SCHEMA, SHORT_COLUMNS, SHORT_SCHEMA
from footprint.results.row_reader import read_rows
from footprint.results.rows import report_row
from footprint.vocabulary import KINDS

if TYPE_CHECKING:
    import pandas as pd


def read_report(path: str | os.PathLike[str], *, kind: str | None = None) -> pd.DataFrame:
    """The rows of a report CSV, full or short, as a pandas frame with the kind of each row as its index.

    Columns are named as in the file, with their units. Counts are nullable integers, times are UTC, words
    of a few are categories. ``kind`` (estimate, measurement, reference) reads rows of one kind; rows of
    several kinds must not be added: ``frame.loc["measurement"]``. ``frame.attrs["torn_rows"]`` counts the
    rows that a crash cut off, which are left out.

    Raises:
        FootprintError: no such file, or none of report rows; a kind that there is not.
    """
    if kind not in (None, *KINDS):
        raise FootprintError(f"kind must be one of {', '.join(KINDS)}, not {kind!r:.60}")
    rows, torn = read_rows(Path(path), kind=kind)
    short = bool(rows) and tuple(rows[0]) == SHORT_COLUMNS
    frame = report_frame(rows, schema=SHORT_SCHEMA if short else SCHEMA)
    frame.attrs["torn_rows"] = torn
    return frame


def runs(*folders: str | os.PathLike[str]) -> pd.DataFrame:
    """The recorded runs below some folders of journals as a pandas frame, oldest first, one row a run.

    Without folders it reads ``FOOTPRINT_DIR``, else ``./footprint-runs``. Killed runs and runs that still
    go on are included: see ``status``. The columns are those of `read_report`; all rows are measurements.

    Raises:
        FootprintError: a named folder that does not exist.
    """
    from footprint.tracking.report.summaries import list_runs

    places = [Path(folder) for folder in folders]
    if not places:
        default = Path(runs_folder())
        places = [default] if default.exists() else []
    found, problems = list_runs(places)
    for problem in dict.fromkeys(problems):
        logging.getLogger("footprint").warning("%s", problem)
    records = [run.measurement() for run in found]
    return report_frame(
        report_row(record, kind="measurement", run_id=record["run_id"], started_at=record["started_at"])
        for record in records
    )
