"""The columns of report CSVs: the full form with every number, and a short one for people.

A new column of the full form is added before ``schema`` and gives the schema a new number, so that the
columns of older files keep their places.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from footprint.spelling import on_command_line
from footprint.vocabulary import ENDS

SCHEMA = "footprint/report/2"
FIRST_SCHEMA = "footprint/report/1"
"""The full form without the columns of `ADDED`."""
SHORT_SCHEMA = "footprint/report-short/1"
SCHEMAS = {"full": SCHEMA, "short": SHORT_SCHEMA}
"""The schema of each value of ``--columns``."""
FORMULAS = ("=", "+", "-", "@")
"""How a text begins that a spreadsheet takes for a formula."""
AMOUNTS = ("energy_kwh", "co2e_kg", "cost_usd")
"""What the rows of a report cost, with an interval each."""
WORK = ("tokens", "steps", "samples")
"""Amounts of work. A run is compared with its estimate by the first one that both have."""

# One word per column; ``name*`` is a quantity with three columns: name_low, name_mid, name_high.
_COLUMNS = """
kind run_id started_at name status boundary footprint_version data_version created_at
model_name model_family model_parameters model_active_parameters
cluster_accelerator cluster_variant cluster_unit cluster_count cluster_nodes cluster_node_form
workload_tokens workload_source_tokens workload_target_tokens workload_samples workload_steps
workload_phases_count workload_sequences_per_step workload_sequence_length workload_method workload_precision
flop_model_flop flop_hardware_flop flop_model_flop_causal
parallelism_tp parallelism_pp parallelism_dp parallelism_cp parallelism_ep parallelism_micro_batch
parallelism_recompute parallelism_given
peak_flop_per_s step_time_s* step_terms_count mfu* mfu_convention goodput* duration_h* accelerator_h*
it_power_w* it_energy_kwh* energy_components_accelerators_kwh* energy_components_cpu_kwh*
energy_components_ram_kwh*
energy_components_other_node_kwh* energy_components_network_kwh* energy_components_cooling_kwh*
pue* energy_kwh* place_key place_name place_year place_basis place_source grid_g_per_kwh* co2e_kg*
co2e_market_kg* embodied_co2e_kg* water_l*
price_provider price_purchase price_usd_per_accelerator_h* price_offers price_providers price_dated
price_interval price_source cost_usd*
repeats_runs repeats_failed_share total_accelerator_h* total_energy_kwh* total_co2e_kg* total_cost_usd*
meters_accelerators meters_cpu meters_ram meters_other_node meters_network meters_node
segments_count assumptions_count warnings_count
"""
ADDED = ("workload_objective", "workload_lora_rank", "workload_packing", "warnings")
"""The columns that the second schema of the full form adds to the first."""


def _expanded(words: Sequence[str]) -> Iterator[str]:
    for word in words:
        if word.endswith("*"):
            yield from (f"{word[:-1]}_{end}" for end in ENDS)
        else:
            yield word


_FIRST = tuple(_expanded(_COLUMNS.split()))
REPORT_COLUMNS = (*_FIRST, *ADDED, "schema")
"""The columns of a full report CSV, in order; a test compares them with the records' fields."""
_SHORT_COLUMNS = """
kind run_id started_at name status model hardware region
duration_h* energy_kwh* co2e_kg* cost_usd* warnings schema
"""
SHORT_COLUMNS = tuple(_expanded(_SHORT_COLUMNS.split()))
"""The columns of a short report CSV, in order."""
COLUMNS = {SCHEMA: REPORT_COLUMNS, FIRST_SCHEMA: (*_FIRST, "schema"), SHORT_SCHEMA: SHORT_COLUMNS}
"""The columns of every schema of report rows that is read; rows are written in the newest of their form."""
KEYS = ("kind", "run_id", "started_at")
"""The columns that the rows of every schema have."""
FORCED = "forced"
"""The status of an estimate that was forced, though its step clearly does not fit."""


def newest_of(cell: str) -> str | None:
    """The newest schema of the form of report rows that a cell names; None where it names none."""
    form, _, number = cell.rpartition("/")
    return next((one for one in COLUMNS if number.isdecimal() and one.rpartition("/")[0] == form), None)


def short_cells(cells: Mapping[str, Any]) -> dict[str, Any]:
    """The cells of a short row from those of a full one."""
    chip, count = cells.get("cluster_accelerator"), cells.get("cluster_count")
    made = {
        "model": cells.get("model_name"),
        "hardware": None if chip is None else f"{chip}:{count}",
        "region": cells.get("place_key"),
    }
    return {name: value for name, value in {**cells, **made}.items() if name in SHORT_COLUMNS}


def joined(warnings: Iterable[str]) -> str | None:
    """Warnings in one cell, as the command line says them; None where there are none."""
    return "; ".join(dict.fromkeys(map(on_command_line, warnings))) or None


def signed_cells(
    cells: Mapping[str, Any], warnings: Iterable[str], versions: Mapping[str, str]
) -> dict[str, Any]:
    """The cells of a row of an answer, then what every such row ends with: its warnings and the versions."""
    return {**cells, "warnings": joined(warnings), **versions}
