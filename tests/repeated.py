"""Long repetitions of a proof: made again where the code that they try has changed.

    python -m tests.repeated          # repeat what is not kept for this code, and keep what passes
    FOOTPRINT_REPEAT=1 pytest         # repeat everything

Each has a shorter test of the same kind beside it, which always runs. A repetition depends on the code of the
whole package, on its test and what that shares with others, and on the version of Python.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from calibration.inputs import ROOT, bare_code

FILE = Path(__file__).with_name("repeated.json")
ANEW = "FOOTPRINT_REPEAT" in os.environ
TESTS = {
    "test_forty_signals_at_random_moments": ("tracking/faults/test_faults.py", "tracking/fault_harness.py"),
    "test_two_thousand_journals_with_edited_values": (
        "tracking/journal/test_hostile_journals.py", "tracking/journal_cluster.py",
    ),
}  # fmt: skip
"""Each repetition, with its file and those that this shares, below the folder of the tests."""


def kept() -> dict[str, str]:
    """Repetition -> digest of what it depended on when it passed."""
    return json.loads(FILE.read_text("utf-8")) if FILE.is_file() else {}


def digest(name: str) -> str:
    """What a repetition depends on, as a hash."""
    files = sorted((ROOT / "footprint").rglob("*.py"))
    files += [ROOT / "tests" / path for path in TESTS[name]]
    whole = hashlib.sha256(f"{sys.version_info[:2]} {sys.platform}".encode())
    for path in files:
        whole.update(f"{path.relative_to(ROOT).as_posix()}\0{bare_code(path)}\0".encode())
    return whole.hexdigest()[:16]


def repeated(test: Any) -> Any:
    """The test, skipped where it passed on this code."""
    name = test.__name__

    @functools.wraps(test)
    def unless_kept(*arguments: Any, **keywords: Any) -> None:
        if not ANEW and kept().get(name) == digest(name):
            pytest.skip("passed on this code: see tests/repeated.py")
        test(*arguments, **keywords)

    return unless_kept


def main() -> int:
    """Run what is not kept; the number of repetitions that failed."""
    found = {name: value for name, value in kept().items() if name in TESTS}
    failed = 0
    for name, (file, *_) in TESTS.items():
        if found.get(name) == digest(name):
            continue
        command = [sys.executable, "-m", "pytest", "-n0", "-q", f"tests/{file}", "-k", name]
        if subprocess.run(command, cwd=ROOT, check=False).returncode:
            failed += 1
        else:
            found[name] = digest(name)
            FILE.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", "utf-8")
    return failed


if __name__ == "__main__":
    sys.exit(main())
