"""A program that uses ``track()`` under ``footprint run``: what it takes from the supervisor.

The supervisor reads the meter, so there is one run, one folder and one report; whatever the
program gave for these is set aside, and said in one line.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from footprint.catalog.files import RUNS_VARIABLE
from footprint.records import replace
from footprint.tracking.chain.estimator_calls import says_its_size
from footprint.tracking.process.identity import PARENT_RUN, RUN_ID
from footprint.tracking.process.liveness import boot_id
from footprint.tracking.settings.arguments import LEAST_FLUSH_S, MOST_FLUSH_S, Settings

PARENT_FOLDER = "FOOTPRINT_PARENT_DIR"
PARENT_FLUSH = "FOOTPRINT_PARENT_FLUSH_S"
PARENT_QUIET = "FOOTPRINT_PARENT_QUIET"
HOOKS = "FOOTPRINT_HOOKS"
"""The folder of the package, for a program whose steps torch's hooks are to count."""
TRACES = "FOOTPRINT_HOOKS_TRACE"
"""Set where a call of the trained module is to be traced."""
PACKAGE = Path(__file__).resolve().parents[2]
INJECTED = PACKAGE / "tracking" / "hooks" / "injected"
"""A folder with a ``sitecustomize.py``, to stand first on a program's PYTHONPATH."""
COMPLAINT = "hooks.txt"
"""Beside the journals: why the hooks of a program could not begin."""
LOOK_S = 0.5
"""A program that joined looks so often whether the supervisor wants it to stop, however seldom it flushes."""


def handed_down(run_id: str, folder: Path | None, settings: Settings) -> dict[str, str]:
    """The environment that a supervisor's program, and every process of it, joins by."""
    found = {
        PARENT_RUN: f"{boot_id()}:{run_id}",
        PARENT_FLUSH: repr(settings.flush_s),
        PARENT_QUIET: "1" if settings.quiet else "",
    }
    if folder is not None:
        found[PARENT_FOLDER] = found[RUNS_VARIABLE] = str(folder.parent)
    return found


def with_hooks(settings: Settings, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment by which every Python below the supervisor counts torch's optimiser steps.

    A run that was told what it trains needs no trace.
    """
    known = says_its_size({"model": settings.model, **settings.scenario})
    others = [part for part in environ.get("PYTHONPATH", "").split(os.pathsep) if part]
    return {
        "PYTHONPATH": os.pathsep.join([str(INJECTED), *others]),
        HOOKS: str(PACKAGE),
        TRACES: "" if known else "1",
    }


def join(settings: Settings, environ: Mapping[str, str]) -> tuple[Settings, str]:
    """The settings of a program that joins, and the line that says what of its own is not used."""
    folder = Path(environ.get(PARENT_FOLDER) or settings.journal_dir)
    asked = Path(environ.get(RUNS_VARIABLE) or folder)
    aside = []
    if settings.journal_dir.absolute() not in (folder.absolute(), asked.absolute()):
        aside.append(f"journal_dir {settings.journal_dir}")
    run_id = environ[PARENT_RUN].split(":", 1)[1]
    if settings.run_id not in (None, run_id, environ.get(RUN_ID)):
        aside.append(f"run_id {settings.run_id}")
    if settings.meter != "codecarbon":
        aside.append("meter")
    note = f"footprint run keeps this run, so not used: {', '.join(aside)}" if aside else ""
    if settings.budget is not None and settings.budget.quantity in ("energy_kwh", "co2e_kg"):
        what = "a budget of energy or CO2e is watched by who reads the meter: give it to footprint run"
        note = "; ".join(part for part in (note, what) if part)
    return (
        replace(
            settings,
            journal_dir=folder,
            run_id=None,
            flush_s=settings.flush_s if "flush_s" in settings.said else _seconds(environ, settings.flush_s),
            quiet=settings.quiet or bool(environ.get(PARENT_QUIET)),
        ),
        note,
    )


def _seconds(environ: Mapping[str, str], default: float) -> float:
    try:
        seconds = float(environ.get(PARENT_FLUSH, ""))
    except ValueError:
        return default
    return seconds if LEAST_FLUSH_S <= seconds <= MOST_FLUSH_S else default
