"""Every dataset of the validation against what was published, with the accuracy that must not be lost."""

from __future__ import annotations

import pytest

from footprint.validation import datasets
from footprint.validation.report import ValidationReport


@pytest.fixture(scope="module")
def reports() -> dict[str, ValidationReport]:
    known = datasets()
    return {
        name: known[name]()
        for name in ("runs", "power", "mlperf-time", "patterson", "energy", "strubell-blind")
    }


def test_whole_runs(reports):
    report = reports["runs"]
    assert len(report.rows) >= 30
    assert report.median_error < 0.25
    assert report.within(2.0) > 0.85
    # 35 runs: the binomial 90 % band of a true 90 % coverage.
    assert 0.80 <= (report.coverage or 0) <= 1.0
    assert report.median_error < report.baselines["6ND at MFU 0.35"]["median_error"]


def test_node_power(reports):
    report = reports["power"]
    assert len(report.rows) == 12
    assert report.median_error < 0.08
    one_node = [row for row in report.rows if row.id.startswith("1x")]
    assert max(row.error for row in one_node) < 0.09
    for name, scores in report.baselines.items():
        assert report.median_error < scores["median_error"], name


def test_mlperf_times(reports):
    report = reports["mlperf-time"]
    assert len(report.rows) > 40
    assert report.median_error < 0.13
    dgx1 = next(row for row in report.rows if row.id == "nvidia-dgx1_ngc20.06_mxnet-resnet")
    assert dgx1.error < 0.05


def test_pattersons_energies(reports):
    report = reports["patterson"]
    assert len(report.rows) == 9
    assert report.median_error < 0.12
    assert (report.coverage or 0) >= 0.9


def test_whole_energies_lie_in_their_intervals(reports):
    assert all(row.low <= row.published <= row.high for row in reports["energy"].rows if row.low and row.high)


def test_strubells_rows_blind(reports):
    report = reports["strubell-blind"]
    assert {row.id for row in report.rows} == {
        "transformer-base", "transformer-big", "elmo", "bert-base-gpu", "bert-base-tpu",
    }  # fmt: skip
    for row in report.rows:
        assert row.factor < 1.6, row.id
        assert row.low is not None
        assert row.high is not None
        assert row.low <= row.published <= row.high, row.id
        assert row.note


def test_rows_that_cannot_be_predicted_say_why(reports):
    notes = " ".join(reports["strubell-blind"].notes)
    assert all(name in notes for name in ("nas-gpu", "nas-tpu", "gpt2"))
