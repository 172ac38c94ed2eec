"""Shared parts of the commands that read journals."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from footprint.cli.shared.say import note

if TYPE_CHECKING:
    from footprint.tracking.report.archive import Archive

FOLDERS = click.Path(path_type=Path)


def folders_or_default(folders: tuple[Path, ...]) -> tuple[Path, ...]:
    """The folders given, else ``FOOTPRINT_DIR``, else ``./footprint-runs``."""
    return folders or (Path(os.environ.get("FOOTPRINT_DIR") or "footprint-runs"),)


def open_runs(folders: tuple[Path, ...]) -> Archive:
    """The runs of the folders; prints their problems, and a note if the default folder does not exist.

    Raises FootprintError if a named folder does not exist.
    """
    from footprint.tracking.report.archive import Archive, open_archive

    (first, *_) = places = folders_or_default(folders)
    if not folders and not first.exists():
        note(f"no runs were recorded in {first} yet")
        return Archive({})
    archive = open_archive(places)
    for problem in archive.problems:
        note(problem)
    return archive
