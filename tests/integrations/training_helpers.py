"""Small trainings for the adapters: options of a run, and how its journal reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

WATTS = 3600.0
"""Of the constant meter: 1 Wh a second."""


def options(folder: Path, **more: Any) -> dict[str, Any]:
    """A quiet run with a meter of constant power, flushed often."""
    return {
        "hw": "xeon-platinum-8480plus:2", "region": "FRA", "meter": f"constant:{WATTS:g}W", "flush_s": 0.05,
        "journal_dir": folder / "runs", "quiet": True, **more,
    }  # fmt: skip
