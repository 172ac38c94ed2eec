"""Accuracy that must not be lost, on sources each prediction has not seen."""

from __future__ import annotations

import pytest

from footprint.validation import datasets
from footprint.validation.report import ValidationReport
from footprint.validation.throughput import baselines, countable_cases, fold_constants, rows


@pytest.fixture(scope="module")
def given() -> ValidationReport:
    return ValidationReport(dataset="throughput", rows=rows(found=False))


def test_step_times_with_the_layout_given(given):
    assert len(given.rows) > 800
    assert given.median_error < 0.093
    assert given.median_over_folds < 0.11
    assert given.within(1.25) > 0.85
    assert given.within(1.5) > 0.94
    assert given.ninety_percent_factor < 1.30


def test_intervals_hold(given):
    # Within the binomial band of 90 %; a band that covers everything would be no use either.
    low, high = given.coverage_band
    assert low <= given.coverage <= high
    assert given.interval_score < 0.65


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
    assert part.median_error < 0.065


@pytest.mark.slow
def test_step_times_with_the_layout_found():
    report = ValidationReport(dataset="throughput-found", rows=rows(found=True))
    assert report.median_error < 0.107
    assert report.median_over_folds < 0.125
    assert report.within(1.25) > 0.80
    low, high = report.coverage_band
    assert low <= report.coverage <= high


@pytest.mark.parametrize(("by", "median_error"), [("stack", 0.13), ("model", 0.18)])
def test_mixtures_of_experts_of_another_release_or_model(by, median_error):
    # All of one family of releases: left out whole, only priors are left; these say what a new
    # release, and a new model, of a known stack would have met.
    mixtures = tuple(row for row in rows(found=False, by=by) if row.note == "moe")
    assert len(mixtures) > 120
    assert ValidationReport(dataset=by, rows=mixtures).median_error < median_error


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
