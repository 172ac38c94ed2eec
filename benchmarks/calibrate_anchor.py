"""Refit what a measurement of the same stack is worth; ``--write`` stores it as data.

Grid search over three constants, every pair of published rows of one source, chip and precision
as (anchor, target), each target weighing one. Deterministic: no randomness is involved.

    python -m benchmarks.calibrate_anchor [--write]
"""

from __future__ import annotations

import sys

from footprint.catalog.files import reference_folder
from footprint.validation.anchored import fit_anchoring, render

if __name__ == "__main__":
    text = render(fit_anchoring())
    if "--write" in sys.argv[1:]:
        (reference_folder() / "assumptions" / "anchor_fitted.toml").write_text(text, encoding="utf-8")
    print(text)
