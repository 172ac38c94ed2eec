"""Rebuild every fitted constant of the time model from the published tables.

    python -m benchmarks.calibrate            # print what would change
    python -m benchmarks.calibrate --write    # write time_fitted.toml and fitted_folds.csv

Coordinate search from fixed starting points: no random numbers, so two runs give the same file.
"""

from __future__ import annotations

import argparse
import sys
import time

from footprint.catalog.files import reference_folder
from footprint.validation.calibration import calibrate, render, render_folds, render_goodput


def main(arguments: list[str] | None = None) -> int:
    """Fit, compare with the shipped file and, if asked, write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the file instead of comparing with it")
    options = parser.parse_args(arguments)
    started = time.process_time()
    found = calibrate()
    print(f"fitted in {time.process_time() - started:.0f} s of CPU time")
    files = {
        reference_folder() / "assumptions" / "time_fitted.toml": render(found.rows),
        reference_folder() / "assumptions" / "goodput_fitted.toml": render_goodput(),
        reference_folder() / "fitted_folds.csv": render_folds(found.folds),
    }
    changed = [path for path, text in files.items() if not path.is_file() or path.read_text("utf-8") != text]
    for path in changed:
        if options.write:
            path.write_text(files[path], encoding="utf-8")
        print(f"{'wrote' if options.write else 'differs from what the data give:'} {path.name}")
    if not changed:
        print("the shipped files are what the data give")
    return 0 if options.write or not changed else 1


if __name__ == "__main__":
    sys.exit(main())
