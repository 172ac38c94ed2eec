"""A quick way to track: a constant meter, short flushes, journals in the test's own folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from footprint.tracking import Run, track


@pytest.fixture
def quick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Run]:
    """``track()`` with a 360 W node, so that a second is 0.1 Wh, on a machine whose processor is unknown.

    A known processor is modelled where the meter says nothing, on this machine and not on the next one.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("footprint.tracking.process.detected_hardware.processor_name", lambda: "")

    def make(**arguments: Any) -> Run:
        return track(**{"meter": "constant:360W", "flush_s": 0.05, "quiet": True, **arguments})

    return make
