"""Checking a file that a stranger wrote, before anything rests on it.

pydantic's ``TypeAdapter`` of the very records that shipped files are built into; what the
types cannot say (cited sources, units of magnitude) is said as remarks.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from footprint.catalog.files import read_toml
from footprint.catalog.hardware import find_accelerator
from footprint.catalog.models import find_model
from footprint.catalog.sources import all_sources
from footprint.errors import DataFileError
from footprint.schema import Accelerator, ModelConfig

UNUSUAL_PEAK_FLOP_PER_S = (1e9, 1e17)
UNUSUAL_TDP_W = (1.0, 5000.0)


def check_file(path: Path) -> tuple[str, Accelerator | ModelConfig, tuple[str, ...]]:
    """Kind (``hardware`` or ``model``), record and remarks of a user's file.

    Raises DataFileError for a file that is neither, naming the field that is wrong.
    """
    if path.suffix == ".json":
        model = find_model(str(path.resolve()))
        return "model", model, _remarks(model)
    if path.suffix != ".toml":
        raise DataFileError(f"{path}: give a .toml profile or model, or a Hugging Face config.json")
    raw = read_toml(path)
    if "peak_flop_per_s" in raw:
        chip = find_accelerator(str(path.resolve()))
        return "hardware", chip, (*_remarks(chip), *_chip_remarks(chip))
    if "config" in raw:
        model = find_model(str(path.resolve()))
        return "model", model, _remarks(model)
    raise DataFileError(
        f"{path}: neither an accelerator profile (a [peak_flop_per_s] table) nor a model (a [config] table)"
    )


def _remarks(record: Accelerator | ModelConfig) -> tuple[str, ...]:
    """Citations that lead nowhere."""
    own: Mapping[str, Any] = record.sources
    missing = sorted({c.source for c in record.cite.values()} - set(own) - set(all_sources()))
    remarks = [f"source {key!r} is cited but not described: add a [sources.{key}] table" for key in missing]
    if not record.cite:
        remarks.append("no number is cited: add a [cite] table, so that others can trust the file")
    return tuple(remarks)


def _chip_remarks(chip: Accelerator) -> tuple[str, ...]:
    """Magnitudes that look like a slip of units."""
    low, high = UNUSUAL_PEAK_FLOP_PER_S
    remarks = [
        f"peak_flop_per_s.{precision} = {peak:g} is unusual: it is FLOP/s, not TFLOP/s"
        for precision, peak in chip.peak_flop_per_s.items()
        if not low <= peak <= high
    ]
    if chip.tdp_w is not None and not UNUSUAL_TDP_W[0] <= chip.tdp_w <= UNUSUAL_TDP_W[1]:
        remarks.append(f"tdp_w = {chip.tdp_w:g} is unusual: it is watts of one {chip.unit}")
    if chip.tdp_w is None and chip.measured_w is None:
        remarks.append("neither tdp_w nor measured_w: every estimate will need --accelerator-power-w")
    return tuple(remarks)
