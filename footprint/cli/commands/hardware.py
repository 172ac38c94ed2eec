"""List, search and show accelerators and CPUs: peaks, power, nodes, sources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from footprint.cli.shared.catalogue import Catalogue, Row, catalogue_group, warn


def _rows() -> list[Row]:
    from footprint.catalog.hardware import all_accelerators

    rows = []
    problems: list[str] = []
    for chip in all_accelerators(problems):
        precision = max(chip.peak_flop_per_s, key=lambda p: (p in ("bf16", "fp16"), chip.peak_flop_per_s[p]))
        rows.append(
            {
                "id": chip.id,
                "name": chip.name,
                "year": chip.year,
                "power_w": chip.tdp_w or chip.measured_w,
                "memory_gib": chip.memory_gib,
                "peak_tflop_per_s": chip.peak_flop_per_s[precision] / 1e12,
                "precision": precision,
                "unit": chip.unit,
                "aliases": list(chip.aliases),
            }
        )
    warn(problems)
    return rows


def _show(name: str) -> Mapping[str, Any]:
    from footprint.catalog.hardware import find_accelerator

    return asdict(find_accelerator(name))


def _names() -> list[str]:
    from footprint.catalog.hardware import accelerator_ids

    return accelerator_ids()


command = catalogue_group(
    Catalogue(
        kind="hardware",
        about="Accelerators and CPUs: power, peaks by precision, memory, node forms.",
        rows=_rows,
        show=_show,
        card="hardware_card",
        names=_names,
        columns=("id", "year", "power_w", "memory_gib", "peak_tflop_per_s", "precision", "unit"),
        example="h100",
    )
)
