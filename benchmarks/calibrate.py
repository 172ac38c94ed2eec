"""Rebuild every fitted constant of the time model from the published tables.

    python -m benchmarks.calibrate            # print what would change
    python -m benchmarks.calibrate --write    # write reference_data/assumptions/time_fitted.toml

Coordinate search from fixed starting points: no random numbers, so two runs give the same file.
"""

from __future__ import annotations

import argparse
import sys
import time

from footprint.catalog.files import reference_folder
from footprint.validation.calibration import calibrate, render


def main(arguments: list[str] | None = None) -> int:
    """Fit, compare with the shipped file and, if asked, write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the file instead of comparing with it")
    options = parser.parse_args(arguments)
    started = time.process_time()
    text = render(calibrate())
    path = reference_folder() / "assumptions" / "time_fitted.toml"
    print(f"fitted in {time.process_time() - started:.0f} s of CPU time")
    if options.write:
        path.write_text(text, encoding="utf-8")
        print(f"wrote {path}")
        return 0
    same = path.read_text(encoding="utf-8") == text
    print(
        "the shipped file is what the data give"
        if same
        else "the shipped file differs from what the data give"
    )
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
