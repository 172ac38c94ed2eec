"""What the commands that read journals share."""

from __future__ import annotations

import os
from pathlib import Path

import click

FOLDERS = click.Path(path_type=Path)


def folders_or_default(folders: tuple[Path, ...]) -> tuple[Path, ...]:
    """The folders given, else ``FOOTPRINT_DIR``, else ``./footprint-runs``."""
    return folders or (Path(os.environ.get("FOOTPRINT_DIR") or "footprint-runs"),)
