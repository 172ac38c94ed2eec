"""Finish the reports of killed runs and write their rows to the report CSV."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from footprint.cli.shared.formats import columns_option, format_option, show
from footprint.cli.shared.journals import FOLDERS, csv_option, folders_option, note_each, open_runs
from footprint.plain_text import in_line
from footprint.units import SECONDS_PER_HOUR

if TYPE_CHECKING:
    from footprint.tracking.report.recovery import Recovered

_EPILOG = """\b
Examples:
  footprint recover
  footprint recover --dir node-a/footprint-runs --dir node-b/footprint-runs
"""


@click.command(epilog=_EPILOG)
@click.argument("more", metavar="[FOLDERS]...", nargs=-1, type=FOLDERS)
@folders_option()
@csv_option("Report CSV (else the one each run was given).")
@columns_option()
@format_option("recovered")
def command(
    more: tuple[Path, ...], folders: tuple[Path, ...], csv: Path | None, columns: str | None, format_: str
) -> None:
    """Report the runs in FOLDERS that ended without a report, and how much of each was not measured.

    Runs that still go on are left alone. A run is recovered only once.
    """
    from footprint.reports.formats import Answer
    from footprint.tracking.report.csv_rows import report_rows
    from footprint.tracking.report.recovery import recover

    archive = open_runs((*folders, *more))
    said = len(archive.problems)
    done = recover(archive, csv, columns)
    note_each(archive.problems[said:])
    answer = Answer(
        kind="recovered",
        text=lambda: "\n".join(map(_line, done)),
        data=lambda: [_record(item) for item in done],
        rows=lambda: [row for item in done for row in report_rows(item.report, first_segment=False)],
        columns=columns if format_ == "csv" else None,
        nothing="nothing to recover: every run here is reported or still goes on",
    )
    show(answer, format_)


def _record(item: Recovered) -> dict[str, Any]:
    return {
        **item.report.measurement.to_json(),
        "unseen_s": item.unseen_s,
        "damaged_lines": item.damaged,
        "csv": str(item.csvs[0]) if item.csvs else None,
        "csvs": [str(csv) for csv in item.csvs],
    }


def _line(item: Recovered) -> str:
    measured = item.report.measurement
    hours = measured.duration_h.mid
    from footprint.results.human import amount, in_words

    energy = "no energy read"
    if measured.energy_kwh is not None:
        energy = amount(measured.energy_kwh.mid, "kwh")
    lost = ""
    if item.unseen_s:
        share = item.unseen_s / max(hours * SECONDS_PER_HOUR, item.unseen_s)
        lost = f"; at most {item.unseen_s:g} s after the last line ({share:.2g} of the run) were not measured"
    if item.damaged:
        lost += f"; {item.damaged} damaged lines left out"
    named = ", ".join(str(csv) for csv in item.csvs)
    where = f"; rows in {named}" if named else "; no --csv, so no rows were written"
    return in_line(
        f"{item.run_id}: {in_words(item.status)} after {amount(hours, 'h')}, {energy}{lost}{where}"
    )
