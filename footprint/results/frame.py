"""Report rows as a pandas frame: one row a run, its kind in the index, and the type that each column means.

The kind (estimate, measurement, reference) is the index, so that every column that is taken out of the frame
still says of each number which of them it is. pandas is imported only inside the functions that use it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, get_args

from footprint.results.report_columns import (
    COLUMNS,
    FORCED,
    FORMULAS,
    SCHEMA,
    SHORT_SCHEMA,
    short_cells,
)
from footprint.vocabulary import KINDS, PRECISIONS, PURCHASES, How, Method, Recompute, Unit

if TYPE_CHECKING:
    import pandas as pd

COUNTS = frozenset({
    "cluster_count", "workload_phases_count", "workload_sequence_length", "parallelism_tp", "parallelism_pp",
    "parallelism_dp", "parallelism_cp", "parallelism_ep", "step_terms_count", "place_year", "price_offers",
    "price_providers", "repeats_runs", "segments_count", "assumptions_count", "warnings_count",
    "workload_lora_rank",
})  # fmt: skip
"""Whole numbers, of which some may be missing."""
MOMENTS = frozenset({"started_at", "created_at"})
YES_OR_NO = frozenset({"parallelism_given", "workload_packing"})
_METERS = ("accelerators", "cpu", "ram", "other_node", "network", "node")
CHOICES: Mapping[str, tuple[str, ...]] = {
    "status": (
        "completed", "failed", "interrupted", "terminated", "stopped_by_budget", "killed", "running",
        "incomplete", FORCED,
    ),
    "workload_method": get_args(Method),
    "workload_precision": PRECISIONS,
    "parallelism_recompute": get_args(Recompute),
    "price_purchase": (*PURCHASES, "owned"),
    "cluster_unit": get_args(Unit),
    **{f"meters_{name}": get_args(How) for name in _METERS},
}  # fmt: skip
"""Columns of a few words. A word that is none of them makes its column a category of what it holds."""
TEXTS = frozenset({
    "run_id", "name", "boundary", "footprint_version", "data_version", "model_name", "model_family",
    "cluster_accelerator", "cluster_variant", "cluster_node_form", "mfu_convention", "place_key",
    "place_name", "place_basis", "place_source", "price_provider", "price_dated", "price_interval",
    "price_source", "workload_objective", "model", "hardware", "region", "warnings",
})  # fmt: skip


def report_frame(rows: Iterable[Mapping[str, Any]], *, schema: str = SCHEMA) -> pd.DataFrame:
    """Rows of a report, as cells of a CSV or as values, as a frame with the columns of a schema."""
    import pandas as pd

    columns = [name for name in COLUMNS[schema] if name not in ("kind", "schema")]
    given = [short_cells(row) if schema == SHORT_SCHEMA and "hardware" not in row else row for row in rows]
    kinds = pd.Categorical([row["kind"] for row in given], categories=list(KINDS))
    cells = {name: _column(name, [_cell(row, name) for row in given]) for name in columns}
    return pd.DataFrame(cells, index=pd.CategoricalIndex(kinds, name="kind"))


def _cell(row: Mapping[str, Any], name: str) -> Any:
    """The value of a cell; None for an empty one. A quantity without an interval has its middle alone."""
    value = row.get(name)
    if value is None and name.endswith("_mid"):
        value = row.get(name.removesuffix("_mid"))
    if isinstance(value, str) and value[:1] == "'" and value[1:2] in FORMULAS:
        value = value[1:]  # which keeps spreadsheets from running a formula
    return None if value == "" else value


def _column(name: str, values: Sequence[Any]) -> Any:
    """The values as an array of the type that a column means."""
    import pandas as pd

    if name in TEXTS:
        return pd.array(values, dtype="string")
    if name in CHOICES:
        known = set(values) - {None} <= set(CHOICES[name])
        return pd.Categorical(values, categories=list(CHOICES[name]) if known else None)
    if name in MOMENTS:
        return pd.to_datetime(pd.array(values, dtype="object"), utc=True, format="ISO8601")
    if name in YES_OR_NO:
        yes = {"true": True, "false": False}
        return pd.array([yes.get(value, value) for value in values], dtype="boolean")
    if name in COUNTS:
        return pd.array([None if value is None else int(float(value)) for value in values], dtype="Int64")
    return pd.array([float("nan") if value is None else float(value) for value in values], dtype="float64")
