"""Files that can be read in one sitting, and words that may not stand in any of them."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT

USUAL, MOST = 300, 330
"""Lines of a file of code: usually two files above the first, always above the second."""
LONGER_THAN_USUAL = 12
"""How many files may be between the two."""
FULL = 16
"""Files and folders of code in a folder, beside its ``__init__.py``."""
CATALOGUES = {
    "footprint": "the floors of the house, which docs/architecture.md shows",
    "footprint/flops/families": "a file is a model family, found by its name",
    "footprint/cli/commands": "a file is a command, found by its name",
}
"""Folders in which nobody reads one file after the other; CONTRIBUTING.md says what a new file in them is."""
CODE = sorted(
    path
    for folder in ("footprint", "tests", "benchmarks", "calibration")
    for path in (ROOT / folder).rglob("*.py")
)
TEXT = {".py", ".md", ".toml", ".csv", ".cff", ".txt", ".yaml", ".yml", ".json", ".sh", ""}

# Split, so that this file does not hold them.
BARE_INSTALL = re.compile(r"pip3? +install +(?:-\S+ +)*[\"']?foot" + r"print(?![-\w])", re.IGNORECASE)
OURS_ALONE = re.compile("/work/" + r"(shared|main)\b|\bpyp" + r"i\.org\b|files\.python" + "hosted")


def texts() -> list[Path]:
    """Files that git tracks or would track, if this is a checkout; all that could be text, else."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode == 0 and listed.stdout:
        paths = [ROOT / line for line in listed.stdout.splitlines()]
    else:
        # Caches of tools and environments begin with a dot.
        paths = [
            path
            for path in ROOT.rglob("*")
            if not any(part.startswith(".") for part in path.relative_to(ROOT).parts)
        ]
    return [path for path in paths if path.is_file() and path.suffix in TEXT]


def lines(path: Path) -> int:
    return path.read_text(encoding="utf-8").count("\n")


def test_every_file_is_short_enough_to_read() -> None:
    assert len(CODE) > 100
    assert not [str(path.relative_to(ROOT)) for path in CODE if lines(path) > MOST]


def test_few_files_are_longer_than_usual() -> None:
    longer = [str(path.relative_to(ROOT)) for path in CODE if lines(path) > USUAL]
    assert len(longer) <= LONGER_THAN_USUAL, longer


def folders(top: str) -> dict[str, set[str]]:
    """Each folder of code from one on, and the names of the files and folders of code in it."""
    holds: dict[str, set[str]] = {}
    for path in (ROOT / top).rglob("*.py"):
        inside = path.relative_to(ROOT / top).parts
        for depth, name in enumerate(inside):
            holds.setdefault("/".join((top, *inside[:depth])), set()).add(name)
    return {folder: names - {"__init__.py"} for folder, names in holds.items()}


def test_a_folder_can_be_taken_in_at_a_glance() -> None:
    full = {folder: names for folder, names in folders("footprint").items() if len(names) > FULL}
    assert full.keys() == CATALOGUES.keys(), full


def test_no_room_of_tracking_is_full() -> None:
    rooms = folders("footprint/tracking")
    assert {"footprint/tracking", "footprint/tracking/recorder", "footprint/tracking/report"} <= rooms.keys()
    assert sum(name.endswith(".py") for names in rooms.values() for name in names) > 60
    assert not {folder: names for folder, names in rooms.items() if len(names) > FULL}


def found(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
        for path in texts()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if pattern.search(line)
    ]


def test_nothing_tells_anyone_to_install_another_projects_package() -> None:
    assert not found(BARE_INSTALL)


def test_nothing_names_this_or_that_machine_or_a_registry() -> None:
    assert not found(OURS_ALONE)


NAME = "foot" + "print"


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        (f"pip install {NAME}", True),
        (f"pip install -U {NAME}", True),
        (f'pip install "{NAME}[torch]"', True),
        (f"pip3 install  {NAME}==1", True),
        (f"pip install {NAME}-ml", False),
        (f"pip install '{NAME}-ml[torch]'", False),
        ("pip install .", False),
    ],
)
def test_the_rule_itself(text: str, bare: bool) -> None:
    assert bool(BARE_INSTALL.search(text)) is bare
