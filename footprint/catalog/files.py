"""Where the data folders are, and how their files are read.

Shipped files are trusted (a test checks every one with pydantic); files of the user go
through `footprint.catalog.check` first. This is the hot path: the shipped files are named by
text and read in their plain form, since importing pathlib and a TOML parser takes as long as
everything else that is read (see docs/decisions/start-up.md).
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from footprint.catalog.plain import plain_toml
from footprint.errors import DataFileError

if TYPE_CHECKING:
    from pathlib import Path

_PACKAGE = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
MAX_FILE_BYTES = 8 * 1024 * 1024


@functools.cache
def _root() -> str:
    """Path of the folder that holds the two data folders: in the wheel, else the checkout."""
    inside = f"{_PACKAGE}/_data"
    return inside if os.path.isdir(inside) else os.path.dirname(_PACKAGE)


def shipped(name: str) -> str:
    """Path of a shipped file or folder, such as ``reference_data/grid.csv``."""
    return f"{_root()}/{name}"


@functools.cache
def data_root() -> Path:
    """Folder that holds ``hardware_profiles`` and ``reference_data``: in the wheel, else the checkout."""
    from pathlib import Path

    return Path(_root())


def hardware_folder() -> Path:
    """Folder of the accelerator profiles and ``prices.csv``."""
    return data_root() / "hardware_profiles"


def reference_folder() -> Path:
    """Folder of models, grid, PUE, assumptions and published tables."""
    return data_root() / "reference_data"


def user_folder() -> Path:
    """The user's own data: ``FOOTPRINT_DATA``, else the platform's data folder for footprint."""
    from pathlib import Path

    given = os.environ.get("FOOTPRINT_DATA")
    if given:
        return Path(given).expanduser()
    import platformdirs

    return Path(platformdirs.user_data_dir("footprint", appauthor=False))


def read_text(path: Path | str) -> str:
    """Text of a file; DataFileError if it is missing, too large, unreadable or not UTF-8."""
    try:
        if os.path.exists(path) and not os.path.isfile(path):
            raise DataFileError(f"{path}: not a file")  # a device or a pipe could be read for ever
        if os.path.getsize(path) > MAX_FILE_BYTES:
            raise DataFileError(f"{path}: larger than {MAX_FILE_BYTES} bytes, so not a file of ours")
        with open(path, "rb") as file:
            return file.read().decode().removeprefix("\ufeff")
    except UnicodeDecodeError:
        raise DataFileError(f"{path}: not a text file (UTF-8)") from None
    except OSError as error:
        raise DataFileError(f"{path}: {error.strerror or error}") from None


def read_toml(path: Path | str) -> dict[str, Any]:
    """Tables of a TOML file; DataFileError names the line that is broken."""
    text = read_text(path)
    import tomllib

    try:
        return tomllib.loads(text)
    except RecursionError:
        raise DataFileError(f"{path}: not valid TOML: nested too deeply") from None
    except ValueError as error:  # TOMLDecodeError, and numbers of thousands of digits
        raise DataFileError(f"{path}: not valid TOML: {error}") from None


def shipped_toml(name: str) -> dict[str, Any]:
    """Tables of a shipped TOML file, such as ``reference_data/models/bert-base.toml``."""
    return tables(read_text(shipped(name)))


def tables(text: str) -> dict[str, Any]:
    """Tables of a trusted TOML text."""
    plain = plain_toml(text)
    if plain is not None:
        return plain
    import tomllib

    return tomllib.loads(text)


def read_csv(path: Path | str) -> Iterator[dict[str, str]]:
    """Rows of a shipped CSV table, as text."""
    import csv

    with open(path, encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def parsed(lines: Sequence[str]) -> list[dict[str, str]]:
    """Rows of the lines of a shipped CSV table, its head first; csv is imported only where it is needed."""
    columns = lines[0].split(",")
    rows = [_cells(line, len(columns)) for line in lines[1:]]
    if all(rows):
        return [dict(zip(columns, row, strict=True)) for row in rows]
    import csv

    return list(csv.DictReader(lines))


def _cells(line: str, width: int) -> list[str]:
    """Cells of a line of which none, or only the last, is quoted; empty if it is another line."""
    cells = line.split(",", width - 1)
    if len(cells) != width:
        return []
    if '"' not in line:
        return cells if "," not in cells[-1] else []
    last = cells.pop()
    inside = last[1:-1].replace('""', "\0")
    if (
        last[:1] != '"'
        or last[-1:] != '"'
        or len(last) < 2
        or '"' in inside
        or any('"' in cell for cell in cells)
    ):
        return []
    return [*cells, inside.replace("\0", '"')]
