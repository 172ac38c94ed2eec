"""Shared parts of the commands that read journals."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from footprint.catalog.files import runs_folder
from footprint.cli.shared.options import Renamed
from footprint.cli.shared.say import note

if TYPE_CHECKING:
    from footprint.tracking.report.archive import Archive
    from footprint.tracking.report.summary_file import Listed

FOLDERS = click.Path(path_type=Path)


def folders_option(*older: str) -> Callable[[Any], Any]:
    """The option ``--dir`` of commands that read journals, with the name that it had before."""
    return click.option(
        "--dir", "folders", cls=Renamed, older=older, multiple=True, type=FOLDERS,
        help="Folder of journals (repeat for several; ./footprint-runs).",
    )  # fmt: skip


def csv_option(text: str) -> Callable[[Any], Any]:
    """The option ``-o`` of commands that add rows to a report CSV."""

    def checked(_: click.Context, __: click.Parameter, path: Path | None) -> Path | None:
        from footprint.tracking.settings.known_names import check_ending

        if path is not None:
            check_ending(path)
        return path

    return click.option(
        "-o", "--csv", "csv", cls=Renamed, older=("--output",), type=click.Path(path_type=Path), help=text,
        callback=checked,
    )  # fmt: skip


def folder_option(text: str) -> Callable[[Any], Any]:
    """The option ``--dir`` of commands that write journals."""
    return click.option(
        "--dir", "journal_dir", cls=Renamed, older=("--journal-dir",), type=FOLDERS, help=text
    )


def folders_or_default(folders: tuple[Path, ...]) -> tuple[Path, ...]:
    """The folders given, else ``FOOTPRINT_DIR``, else ``./footprint-runs``."""
    return folders or (Path(runs_folder()),)


def open_runs(folders: tuple[Path, ...]) -> Archive:
    """The runs of the folders; prints their problems, and a note if the default folder does not exist.

    Raises FootprintError if a named folder does not exist.
    """
    from footprint.tracking.report.archive import Archive, open_archive

    places = folders_or_default(folders)
    if _none_yet(folders, places[0]):
        return Archive({})
    archive = open_archive(places)
    note_each(archive.problems)
    return archive


def listed_runs(folders: tuple[Path, ...]) -> list[Listed]:
    """Like `open_runs`, but only what a list shows of each run."""
    from footprint.tracking.report.summaries import list_runs

    places = folders_or_default(folders)
    if _none_yet(folders, places[0]):
        return []
    runs, problems = list_runs(places)
    note_each(problems)
    return runs


def note_each(problems: Iterable[str]) -> None:
    """A line for each thing that is wrong."""
    for problem in dict.fromkeys(problems):
        note(problem)


def _none_yet(folders: tuple[Path, ...], first: Path) -> bool:
    if folders or first.exists():
        return False
    note(f"no runs were recorded in {first} yet")
    return True
