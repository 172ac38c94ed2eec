"""Inputs of a report: each file of this folder is a form of input, found by its name.

A form is a module with ``FORM``, its name for people, ``fits``, which says by the beginning of a file
whether it is one, and ``read``. To add a form is to add a file.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, cast

from footprint.errors import DataFileError

if TYPE_CHECKING:
    from typing import Protocol

    from footprint.fleet.settings import Read, Settings

    class Form(Protocol):
        """The names that the module of a form defines."""

        FORM: str

        @staticmethod
        def fits(path: Path, head: str) -> bool:
            """Whether a file, or a folder, that begins like this is of this form."""

        @staticmethod
        def read(path: Path, settings: Settings) -> Read:
            """Its tidy rows."""


HEAD_BYTES = 65536
_TAKEN = (
    "a report CSV, a folder of journals, JSON of estimates or measurements, codecarbon's emissions.csv, "
    "the text of sacct -P, a power log of nvidia-smi or DCGM, Parquet with the columns of a report"
)


def forms() -> Iterator[Form]:
    """Every form of input, by name."""
    for path in sorted(Path(__file__).parent.glob("*.py")):
        if path.name[0] != "_":
            yield cast("Form", import_module(f"{__name__}.{path.stem}"))


def form_of(path: Path) -> Form:
    """The form of an input.

    Raises:
        DataFileError: it does not exist, cannot be read, is empty, or is none that is known.
    """
    head = _head(path)
    found = next((form for form in forms() if form.fits(path, head)), None)
    if found is None:
        raise DataFileError(f"{path}: not an input of a report; it reads {_TAKEN}")
    return found


def _head(path: Path) -> str:
    """The beginning of a file as text; empty for a folder."""
    try:
        about = path.stat()
        if stat.S_ISDIR(about.st_mode):
            return ""
        if not stat.S_ISREG(about.st_mode):
            raise DataFileError(f"{path}: neither a file nor a folder")
        with path.open("rb") as file:
            data = file.read(HEAD_BYTES)
    except FileNotFoundError:
        raise DataFileError(f"{path}: no such file or folder") from None
    except (OSError, ValueError) as error:
        raise DataFileError(f"{path}: {getattr(error, 'strerror', None) or error}") from None
    if not data.strip():
        raise DataFileError(f"{path}: empty")
    return data.decode("utf-8-sig", "replace")


def header_of(head: str) -> list[str]:
    """The cells of the first line of a CSV."""
    import csv

    try:
        return next(csv.reader([head.partition("\n")[0].rstrip("\r")]), [])
    except csv.Error:
        return []
