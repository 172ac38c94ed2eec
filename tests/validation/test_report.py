"""Scores, bands and plots of a validation against numbers worked out by hand or with exact fractions."""

from __future__ import annotations

import json
from fractions import Fraction
from math import comb, e, log

import pytest

from footprint.errors import FootprintError
from footprint.validation.baselines import beside, llmcarbon_s, node_w
from footprint.validation.plot import plot_validation
from footprint.validation.report import ValidationReport, ValidationRow, binomial_band
from tests.cli.run import footprint
from tests.performance.helpers import cluster


def row(name: str, published: float, predicted: float, fold: str = "a", **ends: float) -> ValidationRow:
    return ValidationRow(id=name, published=published, predicted=predicted, unit="s", fold=fold, **ends)


@pytest.mark.parametrize("count", [4, 10, 35, 860, 1100])
def test_the_band_is_the_binomial_one(count):
    # Exact fractions: P(hits <= k) reaches 5 % and 95 % at the two ends, and not one earlier.
    def below(hits: int) -> Fraction:
        nine = Fraction(9, 10)
        return sum(
            (comb(count, k) * nine**k * (1 - nine) ** (count - k) for k in range(hits + 1)), Fraction()
        )

    for end, tail in zip(binomial_band(count), (Fraction(1, 20), Fraction(19, 20)), strict=True):
        hits = round(end * count)
        assert below(hits) >= tail
        assert hits == 0 or below(hits - 1) < tail


def test_a_long_fold_counts_as_one():
    rows = (*(row(f"l{i}", 1.0, 1.5, "long") for i in range(9)), row("s", 1.0, 1.1, "short"))
    report = ValidationReport(dataset="x", rows=rows)
    assert report.median_error == pytest.approx(0.5)
    assert report.median_over_folds == pytest.approx(0.3)
    assert report.ninety_percent_factor == pytest.approx(1.5)


def test_the_interval_score_is_width_and_twenty_times_what_is_missed():
    inside = row("in", 1.0, 1.0, low=1 / e, high=e)
    missed = row("out", e**2, 1.0, low=1 / e, high=e)
    assert ValidationReport(dataset="x", rows=(inside,)).interval_score == pytest.approx(2.0)
    assert ValidationReport(dataset="x", rows=(missed,)).interval_score == pytest.approx(2.0 + 20.0)
    assert log(e) == 1


def test_a_rule_is_scored_where_it_says_something():
    rows = [row("a", 1.0, 1.0), row("b", 2.0, 2.0)]
    found = beside(rows, {"double": lambda r: 2 * r.published, "one": lambda r: 1.0 if r.id == "a" else None})
    assert found["double"]["median_error"] == pytest.approx(1.0)
    assert found["one"]["within_1_25"] == 1.0
    assert beside(rows, {"nothing": lambda r: None}) == {}


def test_rules_of_others_are_their_formulas():
    watts = node_w(cluster("h100-sxm5-80gb:8"))
    assert watts["sum of the TDPs (ML CO2 Impact)"] == 8 * 700
    assert watts["Epoch: TDP x 1.82 x 0.75"] == pytest.approx(8 * 700 * 1.82 * 0.75)
    # Narayanan et al. 2021, Table 1: 163 TFLOP/s a GPU at 1008 B parameters, 3,072 GPUs; the quadratic
    # of LLMCarbon goes through that end, so 450 B tokens take 84 days with 6ND (they print 84 with 8).
    seconds = llmcarbon_s(1008e9, 450e9, cluster("a100-sxm4-80gb:3072"), "fp16")
    assert seconds == pytest.approx(6 * 1008e9 * 450e9 / (3072 * 163e12), rel=0.03)


def test_the_command_prints_headline_band_and_baselines(tmp_path):
    done = footprint("validate", "mlperf-time", "--plot", str(tmp_path / "times.png"), "--fail-under", "0.7")
    assert done.code == 0, done.err
    shown = " ".join(done.out.split())
    for words in (
        "over folds",
        "nine in ten within",
        "expected for this number of rows",
        "baseline exact FLOPs",
    ):
        assert words in shown
    assert (tmp_path / "times.png").stat().st_size > 10_000
    again = footprint("validate", "mlperf-time", "--plot", str(tmp_path / "times.png"))
    assert again.code == 2
    assert "--overwrite" in again.err
    assert footprint("validate", "mlperf-time", "--fail-under", "0.99").code == 3


def test_the_json_has_the_headline_and_the_band():
    report = json.loads(footprint("validate", "patterson", "--format", "json").out)
    assert report["schema"] == "footprint/validation/1"
    assert {"median_over_folds", "ninety_percent_factor", "coverage_band"} <= report.keys()
    assert report["coverage_band"] == list(binomial_band(9))


def test_a_plot_is_a_picture(tmp_path):
    with pytest.raises(FootprintError, match=r"\.png, \.svg, \.pdf"):
        plot_validation(ValidationReport(dataset="x", rows=(row("a", 1.0, 1.0),)), tmp_path / "x.txt")
