"""Read the blocks of pages, and write their outputs anew: ``python -m tests.architecture.readme``."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
DECIDING = ROOT / "docs" / "deciding.md"
PROJECT = ROOT / "docs" / "project.md"
PROJECT_FILE = ROOT / "tests" / "projects" / "small.toml"
"""The file that the page shows; its command reads it as project.toml."""
OUTPUT = re.compile(r"<!-- output: ([^\n]+) -->\n```\n(.*?)```\n<!-- end -->", re.DOTALL)
COMMAND = re.compile(r"<!-- begin: (.+) -->\n```bash\n(.+)\n```\n<!-- end -->")


def outputs(page: Path = README) -> dict[str, str]:
    """The outputs that a page shows, by their commands."""
    return dict(OUTPUT.findall(page.read_text(encoding="utf-8")))


def commands() -> dict[str, str]:
    """The README's marked commands, by what they do."""
    return dict(COMMAND.findall(README.read_text(encoding="utf-8")))


def real_output(command: str, folder: Path) -> str:
    """What a command prints on stdout."""
    words = shlex.split(command)
    assert words[0] == "footprint", command
    words = [str(PROJECT_FILE) if word == "project.toml" else word for word in words]
    return subprocess.run(
        [sys.executable, "-m", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def main() -> None:
    """Write the real outputs into the pages."""

    def renew(match: re.Match[str]) -> str:
        return f"<!-- output: {match[1]} -->\n```\n{real_output(match[1], ROOT)}```\n<!-- end -->"

    for page in (README, DECIDING, PROJECT):
        page.write_text(OUTPUT.sub(renew, page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
