"""Accuracy that must not be lost, on sources each prediction has not seen; and the calibration itself."""

from __future__ import annotations

import math
import tomllib

import pytest

from footprint.catalog.files import reference_folder
from footprint.validation import datasets
from footprint.validation.report import ValidationReport
from footprint.validation.throughput import baselines, countable_cases, fold_constants, rows


@pytest.fixture(scope="module")
def given() -> ValidationReport:
    return ValidationReport(dataset="throughput", rows=rows(found=False))


def test_step_times_with_the_layout_given(given):
    assert len(given.rows) > 800
    assert given.median_error < 0.10
    assert given.within(1.25) > 0.83
    assert given.within(1.5) > 0.93


def test_intervals_hold(given):
    # 90 % nominal; a band that covers everything would be no use either.
    assert given.coverage is not None
    assert 0.88 <= given.coverage <= 0.98
    widths = [math.log(row.high / row.low) for row in given.rows if row.low and row.high]
    assert sum(widths) / len(widths) < 0.9


def test_every_baseline_is_beaten(given):
    for name, scores in baselines().items():
        assert given.median_error < 0.6 * scores["median_error"], name


def test_dense_models_on_recent_stacks(given):
    recent = {
        one.case.id
        for one in countable_cases()
        if one.case.year >= 2023 and one.case.kind == "decoder" and one.case.precision in ("bf16", "fp16")
    }
    part = ValidationReport(dataset="dense", rows=tuple(row for row in given.rows if row.id in recent))
    assert len(part.rows) > 250
    assert part.median_error < 0.08


@pytest.mark.slow
def test_step_times_with_the_layout_found():
    report = ValidationReport(dataset="throughput-found", rows=rows(found=True))
    assert report.median_error < 0.12
    assert report.within(1.25) > 0.77


@pytest.mark.parametrize("by", ["publisher", "generation"])
def test_other_folds_are_no_worse(given, by):
    report = ValidationReport(dataset=by, rows=rows(found=False, by=by))
    assert report.median_error < given.median_error + 0.02


def test_no_fold_saw_its_own_rows():
    # A fold's constants exist for each family that is predicted, and differ from the others'.
    constants = fold_constants("family")
    families = {
        one.case.family for one in countable_cases() if one.case.scope == "step" and not one.case.sealed
    }
    assert set(constants) == families
    assert constants["mosaic"]["software_native"] != constants["bigscience"]["software_native"]


def test_datasets_are_listed():
    assert {"strubell", "throughput", "throughput-found", "runs"} <= set(datasets())


@pytest.mark.slow
def test_the_calibration_gives_the_shipped_constants():
    # A corrected chip or count moves constants a little before the next calibration is written;
    # a larger difference means that the shipped numbers are not what the data give.
    from footprint.validation.calibration import calibrate, render, render_goodput
    from footprint.validation.fit import priors

    # Flat directions of the posterior are free within half the width of their prior.
    loose = {name: max(0.05, 0.5 * prior.sigma) for name, prior in priors().items()}
    shipped = reference_folder() / "assumptions"
    for name, text in (
        ("time_fitted", render(calibrate().rows)),
        ("goodput_fitted", render_goodput()),
    ):
        fitted = tomllib.loads(text)
        table = tomllib.loads((shipped / f"{name}.toml").read_text("utf-8"))
        assert set(fitted) == set(table)
        for key, row in table.items():
            for end in ("value", "low", "high"):
                assert fitted[key][end] == pytest.approx(row[end], rel=loose.get(key, 0.06)), (key, end)
