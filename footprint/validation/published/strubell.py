"""Strubell et al. 2019, Table 3: every printed cell computed from the table's hours and watts.

This tests the *arithmetic*. From their hours, watts, PUE, carbon intensity and prices, the formulas give
their kWh, lb CO2e and USD to the printed digit, with unrounded intermediate results. Two rows print
hours that contradict their other cells; both values of the hours are used and shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from footprint import equations
from footprint.catalog.files import read_csv, reference_folder
from footprint.catalog.prices import find_price
from footprint.validation.report import ValidationReport, ValidationRow

DATASET = "strubell"
PROVIDER = "strubell-2019"
YEAR = 2019
HALF_A_DIGIT = 0.5
"""Half of the last printed digit; the cells are whole numbers."""
HOW = "computed from the table's hours and watts"
EXACT, PRINTED = "exact hours", "printed hours"
_EXPLAINED = {
    "bert-base-gpu": "prints 79 h, its cells need 79.2 h (3.3 days)",
    "nas-tpu": "prints 32,623 h, both of its costs need 32,633 h (979M steps at 10 h for 300k)",
}


def validate_strubell() -> ValidationReport:
    """Every printed cell of the eight rows, from the exact and from the printed hours."""
    constants = {row["key"]: row["value"] for row in read_csv(_table("strubell_constants.csv"))}
    pue, lb_per_kwh = float(constants["pue"]), float(constants["grid_intensity"])
    rows = [
        row
        for line in read_csv(_table("strubell.csv"))
        for hours in (EXACT, PRINTED)
        for row in _cells(line, hours, pue, lb_per_kwh)
    ]
    return ValidationReport(dataset=DATASET, rows=tuple(rows), notes=_notes(rows), how=HOW)


def reproduces(row: ValidationRow) -> bool:
    """Whether the prediction rounds to the printed cell."""
    return abs(row.predicted - row.published) <= HALF_A_DIGIT


def _table(name: str) -> Path:
    return reference_folder() / "published" / name


def _cells(line: dict[str, str], hours: str, pue: float, lb_per_kwh: float) -> Iterator[ValidationRow]:
    """The printed cells of one row of the table, computed."""
    duration_h = float(line["duration_h" if hours == EXACT else "duration_h_printed"])
    accelerators = int(line["accelerators"])
    computed: dict[str, float] = {}
    if line["it_power_w"]:
        it_kwh = equations.energy_kwh(float(line["it_power_w"]), duration_h)
        energy_kwh = equations.facility_energy_kwh(it_kwh, pue)
        computed["energy_kwh"] = energy_kwh
        computed["co2e_lb"] = equations.strubell_co2e_lb(energy_kwh, lb_per_kwh)
    accelerator_h = equations.accelerator_h(duration_h, accelerators)
    for cell, purchase in (("low_usd", "spot"), ("high_usd", "on_demand")):
        quote = find_price(line["accelerator"], purchase=purchase, provider=PROVIDER, year=YEAR)
        computed[cell] = equations.cost_usd(accelerator_h, quote.usd_per_accelerator_h.mid)
    for cell, predicted in computed.items():
        if not line[cell]:
            continue
        yield ValidationRow(
            id=f"{line['id']}/{cell}",
            published=float(line[cell]),
            predicted=predicted,
            unit=cell.rpartition("_")[2].replace("usd", "USD").replace("kwh", "kWh"),
            fold=hours,
            note=_EXPLAINED.get(line["id"], ""),
        )


def _notes(rows: list[ValidationRow]) -> tuple[str, ...]:
    notes = []
    for hours in (EXACT, PRINTED):
        cells = [row for row in rows if row.fold == hours]
        hit = sum(map(reproduces, cells))
        notes.append(f"{hit} of {len(cells)} printed cells reproduced to the printed digit from the {hours}")
    notes += [f"{name}: {why}" for name, why in _EXPLAINED.items()]
    return tuple(notes)
