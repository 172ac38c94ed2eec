"""Runs that were really recorded: one that completed, one that failed, with their CSV."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

import footprint


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``runs.csv`` and ``journals``."""
    folder = tmp_path_factory.mktemp("recorded")
    for name, fails in (("first", False), ("=1+1", True)):
        try:
            with footprint.track(
                model="bert-base", hw="v100:8", region="FRA", csv=folder / "runs.csv", name=name,
                journal_dir=folder / "journals", meter="constant:360W", flush_s=0.05, quiet=True,
                total_steps=5,
            ) as run:  # fmt: skip
                for _ in range(3):
                    time.sleep(0.03)
                    run.step(tokens=100)
                if fails:
                    raise InterruptedError
        except InterruptedError:
            pass
    return folder
