"""Rebuild every fitted constant from the published tables.

    python -m calibration                 # fit, and compare with the shipped files
    python -m calibration --if-changed    # the same, unless the last verified fit had the same inputs
    python -m calibration --write         # fit, and write the files

First it fits the time model and the constants of each fold, then the constants that depend on its
predictions: goodput and anchors, then how several anchors combine, of step times and of memory. The search
begins at the priors and has no random numbers, so two runs give the same files. If a fit agrees with the
shipped files, it is recorded in verified.txt, which is committed with them.
"""

from __future__ import annotations

import argparse
import csv
import io
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

from calibration import anchor, defaults, goodput, inputs, memory, nearness
from calibration.fit import FACTORS, PHYSICS, resolution
from calibration.time_model import calibrate, render, render_folds
from footprint.catalog import assumptions
from footprint.catalog.__main__ import main as write_indices
from footprint.catalog.files import reference_folder
from footprint.performance import anchoring
from footprint.performance.roofline.constants import load_constants
from footprint.validation.published.throughput import fold_constants

ASSUMPTIONS = reference_folder() / "assumptions"
CLOSE = 0.06
"""Accepted relative difference from the shipped number, for numbers without a resolution [1]."""


def main(arguments: list[str] | None = None) -> int:
    """Fit, then compare with the shipped files or write them; exit code 1 if they differ from the fit."""
    parser = argparse.ArgumentParser(prog="python -m calibration", description=__doc__.partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="write the files instead of comparing with them")
    parser.add_argument("--if-changed", action="store_true", help="only if the last verified fit had others")
    options = parser.parse_args(arguments)
    if options.if_changed and inputs.digest() == inputs.verified():
        print("nothing to fit: the last verified fit had these inputs")
        return 0
    started = time.monotonic()
    apart = []
    for fitted in (time_model, what_rests_on_it, what_rests_on_anchors, what_rests_on_nearness):
        for path, text in fitted().items():
            if options.write:
                path.write_text(text, encoding="utf-8")
                print(f"wrote {path.name}")
            else:
                apart += [f"{path.name}: {what}" for what in differences(path, text)]
        assumptions.forget()  # the files may have just been written anew
        for cached in (load_constants, fold_constants, anchoring.nearness):
            cached.cache_clear()
    print(f"fitted in {time.monotonic() - started:.0f} s", *apart, sep="\n")
    if apart:
        print("the shipped files are not what the data give: python -m calibration --write")
        return 1
    if options.write:
        write_indices()
    inputs.keep()
    print(f"verified; {inputs.VERIFIED.name} is to be committed")
    return 0


def time_model() -> dict[Path, str]:
    """The files that are fitted on step times, with their texts."""
    found = calibrate()
    return {
        ASSUMPTIONS / "time_fitted.toml": render(found.rows),
        reference_folder() / "fitted_folds.csv": render_folds(found.folds),
    }


def what_rests_on_it() -> dict[Path, str]:
    """The files that are fitted on predictions of the shipped time model, with their texts."""
    return {
        ASSUMPTIONS / "defaults_fitted.toml": defaults.render(),
        ASSUMPTIONS / "goodput_fitted.toml": goodput.render(),
        ASSUMPTIONS / "anchor_fitted.toml": anchor.render(anchor.fit_anchoring()),
    }


def what_rests_on_anchors() -> dict[Path, str]:
    """The files that are fitted with the shipped numbers of anchors, with their texts."""
    fit, folds, note = nearness.fit_nearness()
    return {
        ASSUMPTIONS / "nearness_fitted.toml": nearness.render(fit, folds, note),
        reference_folder() / "nearness_folds.csv": nearness.render_folds(folds),
    }


def what_rests_on_nearness() -> dict[Path, str]:
    """The files that are fitted with the shipped correlation of step times, with their texts."""
    rows, folds = memory.fit_memory()
    return {
        ASSUMPTIONS / "memory_fitted.toml": memory.render(rows),
        reference_folder() / "memory_folds.csv": memory.render_folds(folds),
    }


def differences(path: Path, text: str) -> Iterator[str]:
    """Lines on fitted numbers that differ from the shipped file by more than their resolution."""
    shipped, found = (dict(_numbers(path.name, whole)) for whole in (path.read_text("utf-8"), text))
    if shipped.keys() != found.keys():
        yield f"only in one of the two: {', '.join(sorted(map(str, shipped.keys() ^ found.keys())))}"
    for key in shipped.keys() & found.keys():
        name = key[-1] if path.suffix == ".csv" else key[0]
        close = resolution(name) if name in (*FACTORS, *PHYSICS) else CLOSE
        if abs(found[key] - shipped[key]) > close * abs(shipped[key]):
            yield f"{'.'.join(key)} is {shipped[key]:g}, the data give {found[key]:g}"


def _numbers(name: str, text: str) -> Iterator[tuple[tuple[str, ...], float]]:
    """The numbers of a fitted file, each with its path of keys."""
    if name.endswith(".csv"):
        for row in csv.DictReader(io.StringIO(text)):
            yield (row["by"], row["fold"], row["name"]), float(row["factor"])
    else:
        for key, row in tomllib.loads(text).items():
            for end in ("value", "low", "high"):
                yield (key, end), float(row[end])


if __name__ == "__main__":
    sys.exit(main())
