"""List, search and show accelerators and CPUs: peaks, power, nodes, sources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from footprint.cli.shared.catalogue import Catalogue, Filter, Row, any_of, at_least, catalogue_group, warn
from footprint.cli.shared.options import COUNT, WHOLE
from footprint.vocabulary import SIXTEEN_BIT


def _rows() -> list[Row]:
    from footprint.catalog.hardware import all_accelerators

    rows = []
    problems: list[str] = []
    for chip in all_accelerators(problems):
        precision = max(chip.peak_flop_per_s, key=lambda p: (p in SIXTEEN_BIT, chip.peak_flop_per_s[p]))
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
                "vendor": chip.vendor,
                "kind": chip.kind,
                "generation": chip.generation,
                "precisions": list(chip.peak_flop_per_s),
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
        filters=(
            Filter(
                flag="--vendor",
                help="Only chips of this maker.",
                test=any_of("vendor"),
                names=("vendor",),
            ),
            Filter(
                flag="--kind",
                help="Only this kind: gpu, tpu, npu or cpu.",
                test=any_of("kind"),
                metavar="KIND",
                names=("kind",),
            ),
            Filter(
                flag="--precision",
                help="Only chips with this number format.",
                test=any_of("precisions"),
                names=("precisions",),
            ),
            Filter(
                flag="--min-memory",
                help="Only chips with at least so many GiB.",
                test=at_least("memory_gib"),
                type=COUNT,
                metavar="GIB",
            ),
            Filter(
                flag="--since",
                help="Only chips of this year or later.",
                test=at_least("year"),
                type=WHOLE,
                metavar="YEAR",
            ),
        ),
    )
)
