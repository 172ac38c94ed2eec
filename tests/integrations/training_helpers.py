"""Small trainings for the adapters: options of a run, and how its journal reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from footprint.tracking.recorder.losses import Losses

WATTS = 3600.0
"""Of the constant meter: 1 Wh a second."""


def options(folder: Path, **more: Any) -> dict[str, Any]:
    """A quiet run with a meter of constant power, flushed often."""
    return {
        "hw": "xeon-platinum-8480plus:2", "region": "FRA", "meter": f"constant:{WATTS:g}W", "flush_s": 0.05,
        "journal_dir": folder / "runs", "quiet": True, **more,
    }  # fmt: skip


def named_losses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Every loss that an adapter names from now on."""
    named: list[float] = []
    log = Losses.log

    def noted(self: Losses, *, loss: Any) -> None:
        named.append(float(loss))
        log(self, loss=loss)

    monkeypatch.setattr(Losses, "log", noted)
    return named
