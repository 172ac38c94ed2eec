"""What `validate` prints."""

from __future__ import annotations

import pytest

from tests.cli.run import footprint


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
