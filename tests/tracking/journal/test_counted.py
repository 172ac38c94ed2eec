"""What the programs below a supervisor have counted, from the ends of their journals."""

from __future__ import annotations

from pathlib import Path

import pytest

from footprint.tracking.journal.other_ranks import OtherRanks
from footprint.tracking.process.identity import identify
from footprint.tracking.process.liveness import boot_id
from footprint.tracking.run.run import Run
from footprint.tracking.settings.arguments import Settings


def count(folder: Path, steps: int, **environ: str) -> Run:
    """A program of a supervisor that counted steps of two samples."""
    run = Run(Settings(by_hooks=True, quiet=True, journal_dir=folder, flush_s=60.0))
    run.begin_unseen(identify({"FOOTPRINT_PARENT_RUN": f"{boot_id()}:whole", **environ}))
    for _ in range(steps):
        run.step(samples=2)
    run.end_unseen()
    return run


def test_ranks_count_the_same_steps_and_programs_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOOTPRINT_PARENT_RUN", f"{boot_id()}:whole")
    monkeypatch.setenv("FOOTPRINT_PARENT_DIR", str(tmp_path))
    assert OtherRanks(tmp_path / "whole").counted() is None
    for rank in ("0", "1"):
        ranks = {"TORCHELASTIC_RUN_ID": "none", "WORLD_SIZE": "2", "RANK": rank}
        count(tmp_path, 7, **ranks)
    count(tmp_path, 5)
    found = OtherRanks(tmp_path / "whole").counted()
    assert found is not None
    assert (found["steps"], found["samples"]) == (7 + 5, 2 * (7 + 7 + 5))
    assert OtherRanks(tmp_path / "whole").stepping() == []  # none of them can be asked to stop
