"""What the end of a run needs is imported while the run goes on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from footprint.results.row_reader import read_rows
from tests.tracking.fault_harness import start

LOADED = "footprint.tracking.run.end_report"
WAIT = f"""
end = time.monotonic() + 30
while not hasattr(sys.modules.get({LOADED!r}), 'whole_report') and time.monotonic() < end:
    time.sleep(0.01)
import atexit, json
before = set(sys.modules)
atexit.register(lambda: print(json.dumps(sorted(m for m in set(sys.modules) - before if 'footprint' in m))))
"""
NO_IMPORT = f"""
import importlib.abc
class Refusing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == {LOADED!r}:
            run.tried = run.__dict__.get('tried', 0) + 1
            raise OSError('the disk of the environment is away')
sys.meta_path.insert(0, Refusing())
"""


@pytest.mark.slow
@pytest.mark.parametrize("rank", ["0", "1"])
def test_the_end_imports_nothing_of_ours(tmp_path: Path, rank: str) -> None:
    """64 ranks that end at one moment would each import it then."""
    ranks = {"WORLD_SIZE": "2", "RANK": rank, "LOCAL_RANK": rank, "TORCHELASTIC_RUN_ID": "r"}
    out, err = start(tmp_path, seconds=0.0, then=WAIT, **ranks).communicate(timeout=60)
    assert json.loads(out.splitlines()[-1]) == [], err


def test_what_cannot_be_imported_meanwhile_is_imported_at_the_end(tmp_path: Path) -> None:
    """An environment on a shared disk that is away for a while."""
    code = NO_IMPORT + "while not run.__dict__.get('tried'): time.sleep(0.01)\ndel sys.meta_path[0]"
    process = start(tmp_path, arguments="{'flush_s': 0.5}", seconds=0.0, then=code)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "after" in out
    rows, _ = read_rows(tmp_path / "runs.csv", kind="measurement")
    assert len(rows) == 1
    assert rows[0]["status"] == "completed"
    assert "away" not in err
