"""Published shares of the time in which long runs made progress, beside the goodput predicted of their size.

The goodput of the program is fitted on hours of whole runs (`runs.csv`); no row here is in that fit.
"""

from __future__ import annotations

from footprint.catalog.files import read_csv, reference_folder
from footprint.catalog.hardware import parse_cluster
from footprint.performance import goodput
from footprint.validation.report import ValidationReport, ValidationRow


def validate_goodput() -> ValidationReport:
    """Share of wall-clock time that makes progress, from chips and hours alone [1]."""
    rows, notes = [], []
    for cells in read_csv(reference_folder() / "published" / "goodput.csv"):
        if cells["excluded"]:
            notes.append(
                f"{cells['id']} {cells['run']}: {cells['share']}, not compared ({cells['excluded']})"
            )
            continue
        cluster, _ = parse_cluster(f"{cells['accelerator']}:{cells['accelerators']}")
        published = float(cells["share"])
        share, _ = goodput(cluster=cluster, hours_without_loss=float(cells["duration_h"]) * published)
        row = ValidationRow.of(
            id=f"{cells['id']} {cells['run']}", published=published, predicted=share, unit="1",
            fold=cells["source"], note=cells["bound"],
        )  # fmt: skip
        rows.append(row)
    return ValidationReport(dataset="goodput", rows=tuple(rows), notes=tuple(notes))
