"""Strubell et al. 2019: hours predicted from model, recipe and hardware alone.

The hours of the table come from other papers. The predictions use the config, the published recipe and
the chips that ran it. Rows without a published recipe cannot be predicted; notes name them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from footprint.catalog.files import read_csv, reference_folder
from footprint.errors import FootprintError
from footprint.validation.report import ValidationReport, ValidationRow

DATASET = "strubell-blind"
RUNS: Mapping[str, tuple[dict[str, Any], str]] = {
    "transformer-base": (
        {"model": "transformer-base", "hw": "p100-sxm2-16gb:8", "year": 2017, "precision": "fp32"},
        "fp32 in Tensor2Tensor; the big model is among the eight runs that set the factor of that time",
    ),
    "transformer-big": (
        {"model": "transformer-big", "hw": "p100-sxm2-16gb:8", "year": 2017, "precision": "fp32"},
        "the same 84 h are among the eight runs that set the factor of before 2020: not blind",
    ),
    "elmo": (
        {"model": "elmo", "hw": "gtx-1080:3", "year": 2018},
        "trained on three GTX 1080 for two weeks; the table names P100",
    ),
    "bert-base-gpu": (
        {
            "model": "bert-large", "hw": "v100-sxm3-32gb-450w:64", "year": 2019,
            "steps": 1_144_000, "batch_size": 224, "seq_len": 512,
        },
        "NVIDIA's recipe for BERT-large on four DGX-2H, which the 79.2 h fit; labelled base in the table",
    ),
    "bert-base-tpu": (
        {
            "model": "bert-base", "hw": "tpu-v2:16", "year": 2018,
            "steps": 1_000_000, "batch_size": 256, "seq_len": 512,
        },
        "every step at 512 tokens, as the hours suggest; with 90 % of them at 128 it is a third",
    ),
}  # fmt: skip


def validate_blind() -> ValidationReport:
    """Hours of Strubell's rows, predicted from recipe and hardware."""
    from footprint.estimator import estimate

    rows = []
    notes = []
    for line in read_csv(reference_folder() / "published" / "strubell.csv"):
        if line["id"] not in RUNS:
            notes.append(f"{line['id']}: no published recipe ({line['note']})")
            continue
        inputs, why = RUNS[line["id"]]
        try:
            hours = estimate(region="US", **inputs).duration_h
        except FootprintError as error:
            notes.append(f"{line['id']}: {error}")
            continue
        rows.append(
            ValidationRow.of(
                id=line["id"], published=float(line["duration_h"]), predicted=hours, unit="h",
                fold="strubell", note=why,
            )
        )  # fmt: skip
        notes.append(f"{line['id']}: {why}")
    return ValidationReport(dataset=DATASET, rows=tuple(rows), notes=tuple(notes))
