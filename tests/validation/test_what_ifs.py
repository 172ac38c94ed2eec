"""Published pairs that differ in one thing: the change is predicted in the right direction and size."""

from __future__ import annotations

import pytest

from footprint.validation.published.what_ifs import right_direction, validate_what_ifs
from footprint.validation.report import ValidationReport


@pytest.fixture(scope="module")
def pairs() -> dict[str, list]:
    found: dict[str, list] = {}
    for row in validate_what_ifs().rows:
        found.setdefault(row.note, []).append(row)
    return found


@pytest.mark.parametrize(
    ("change", "least", "median_error", "near", "direction"),
    [
        ("chips", 30, 0.034, 0.95, 0.92),
        ("batch", 8, 0.0475, 0.87, 0.98),
        ("length", 100, 0.019, 0.95, 0.97),
        # Nine of NVIDIA's encoders and convolutions in fp32 and fp16 are farther off than 1.25.
        ("precision", 50, 0.084, 0.85, 0.97),
        ("accelerator", 150, 0.0796, 0.87, 0.93),
        ("DGX-1 to DGX A100", 3, 0.065, 0.95, 1.0),
    ],
)
def test_ratios_of_published_pairs(pairs, change, least, median_error, near, direction):
    rows = pairs[change]
    assert len(rows) >= least
    report = ValidationReport(dataset=change, rows=tuple(rows))
    assert report.median_error < median_error
    assert report.within(1.25) > near
    assert right_direction(rows) >= direction


def test_lora_on_eight_nodes_is_faster_cooler_and_dearer(pairs):
    # MLPerf 4.0, AC: 28.11 to 5.31 min, 7,159 to 5,816 W a node, 3.36 to 4.11 kWh.
    ratios = {row.id.split(": ")[1]: row.predicted for row in pairs["LoRA, 1 to 8 nodes"]}
    assert ratios["minutes"] == pytest.approx(5.31 / 28.11, rel=0.26)
    # the layout that is found on eight nodes has context ranks and no bubble, so its accelerators wait less
    assert ratios["node W"] == pytest.approx(5816 / 7159, rel=0.20)
    assert ratios["node W"] < 1
    assert ratios["kWh"] == pytest.approx(4.11 / 3.36, rel=0.12)
    assert ratios["kWh"] > 1
