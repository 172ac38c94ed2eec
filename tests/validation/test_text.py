"""What `validate` prints and how its band of coverage is computed."""

from __future__ import annotations

import pytest
from scipy.stats import binomtest

from footprint.validation import ValidationReport, ValidationRow
from tests.cli.run import footprint


def report(held: int, count: int) -> ValidationReport:
    rows = tuple(
        ValidationRow(
            id=f"r{i}",
            published=1.0 if i < held else 9.0,
            predicted=1.0,
            unit="h",
            fold="f",
            low=0.5,
            high=2.0,
        )
        for i in range(count)
    )
    return ValidationReport(dataset="made-up", rows=rows)


@pytest.mark.parametrize(("held", "count"), [(0, 5), (5, 5), (9, 12), (83, 91), (860, 900)])
def test_the_band_of_coverage_is_wilsons(held: int, count: int) -> None:
    """Against scipy's interval of a proportion."""
    expected = binomtest(held, count).proportion_ci(0.95, method="wilson")
    assert report(held, count).coverage_band == pytest.approx((expected.low, expected.high), abs=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize(
    "dataset", ["strubell", "strubell-blind", "runs", "power", "mlperf-time", "patterson", "energy"]
)
def test_every_dataset_fits_80_columns_and_marks_what_it_missed(dataset: str) -> None:
    done = footprint("validate", dataset)
    assert done.code == 0
    lines = done.out.splitlines()
    assert max(map(len, lines)) <= 80
    missed = sum(line.endswith("*") for line in lines)
    hold = next((line for line in lines if line.startswith("90 % intervals hold")), None)
    if hold is not None:
        rows = next(int(line.split()[1].strip(",")) for line in lines if line.startswith("rows "))
        share = float(hold.split("hold ")[1].split("%")[0]) / 100
        assert 1 - missed / rows == pytest.approx(share, abs=0.006)
