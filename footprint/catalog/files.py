"""Where the data folders are, and how their files are read.

Shipped files are trusted (a test checks every one with pydantic); files of the user go
through `footprint.catalog.check` first. Only ``tomllib`` and ``csv``: this is the hot path.
"""

from __future__ import annotations

import csv
import functools
import os
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from footprint.errors import DataFileError

_PACKAGE = Path(__file__).resolve().parents[1]
MAX_FILE_BYTES = 8 * 1024 * 1024


@functools.cache
def data_root() -> Path:
    """Folder that holds ``hardware_profiles`` and ``reference_data``: in the wheel, else the checkout."""
    inside = _PACKAGE / "_data"
    return inside if inside.is_dir() else _PACKAGE.parent


def hardware_folder() -> Path:
    """Folder of the accelerator profiles and ``prices.csv``."""
    return data_root() / "hardware_profiles"


def reference_folder() -> Path:
    """Folder of models, grid, PUE, assumptions and published tables."""
    return data_root() / "reference_data"


def user_folder() -> Path:
    """The user's own data: ``FOOTPRINT_DATA``, else the platform's data folder for footprint."""
    given = os.environ.get("FOOTPRINT_DATA")
    if given:
        return Path(given).expanduser()
    import platformdirs

    return Path(platformdirs.user_data_dir("footprint", appauthor=False))


def read_text(path: Path) -> str:
    """Text of a file; DataFileError if it is missing, too large, unreadable or not UTF-8."""
    try:
        if path.exists() and not path.is_file():
            raise DataFileError(f"{path}: not a file")  # a device or a pipe could be read for ever
        if path.stat().st_size > MAX_FILE_BYTES:
            raise DataFileError(f"{path}: larger than {MAX_FILE_BYTES} bytes, so not a file of ours")
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DataFileError(f"{path}: not a text file (UTF-8)") from None
    except OSError as error:
        raise DataFileError(f"{path}: {error.strerror or error}") from None


def read_toml(path: Path) -> dict[str, Any]:
    """Tables of a TOML file; DataFileError names the line that is broken."""
    try:
        return tomllib.loads(read_text(path))
    except RecursionError:
        raise DataFileError(f"{path}: not valid TOML: nested too deeply") from None
    except ValueError as error:  # TOMLDecodeError, and numbers of thousands of digits
        raise DataFileError(f"{path}: not valid TOML: {error}") from None


def read_csv(path: Path) -> Iterator[dict[str, str]]:
    """Rows of a shipped CSV table, as text."""
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)
