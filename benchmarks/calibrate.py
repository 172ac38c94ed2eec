"""Rebuild every fitted constant from the published tables.

    python -m benchmarks.calibrate            # print what would change
    python -m benchmarks.calibrate --write    # write the files

First the time model and the constants of each fold, then what rests on its predictions: goodput
and the worth of an anchor. Coordinate search from fixed starting points and a grid: no random
numbers, so two runs give the same files.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from footprint.catalog.__main__ import main as write_indices
from footprint.catalog.files import reference_folder
from footprint.validation.calibration import calibrate, forget, render, render_folds, render_goodput


def main(arguments: list[str] | None = None) -> int:
    """Fit, compare with the shipped files and, if asked, write them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the files instead of comparing with them")
    options = parser.parse_args(arguments)
    started = time.process_time()
    changed = _settle(time_model(), options.write)
    forget()
    changed += _settle(what_rests_on_it(), options.write)
    if options.write:
        write_indices()
    print(f"fitted in {time.process_time() - started:.0f} s of CPU time")
    if not changed:
        print("the shipped files are what the data give")
    return 0 if options.write or not changed else 1


def time_model() -> dict[Path, str]:
    """The texts of what is fitted on step times."""
    found = calibrate()
    return {
        reference_folder() / "assumptions" / "time_fitted.toml": render(found.rows),
        reference_folder() / "fitted_folds.csv": render_folds(found.folds),
    }


def what_rests_on_it() -> dict[Path, str]:
    """The texts of what is fitted on the time model's predictions, as shipped."""
    from footprint.validation.anchored import fit_anchoring
    from footprint.validation.anchored import render as render_anchor

    return {
        reference_folder() / "assumptions" / "goodput_fitted.toml": render_goodput(),
        reference_folder() / "assumptions" / "anchor_fitted.toml": render_anchor(fit_anchoring()),
    }


def _settle(files: dict[Path, str], write: bool) -> int:
    """Compare texts with the shipped files, write those that differ if asked, and count them."""
    differ = [path for path, text in files.items() if not path.is_file() or path.read_text("utf-8") != text]
    for path in differ:
        if write:
            path.write_text(files[path], encoding="utf-8")
        print(f"{'wrote' if write else 'differs from what the data give:'} {path.name}")
    return len(differ)


if __name__ == "__main__":
    sys.exit(main())
