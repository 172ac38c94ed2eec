"""Report CSVs, full and short, of this version and of older ones: columns are found by their names."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from footprint.errors import DataFileError
from footprint.fleet.columns import KEYS, numbers_wanted, texts_wanted, tidy
from footprint.fleet.settings import Read, Settings
from footprint.fleet.sources import HEAD_BYTES, header_of
from footprint.results.report_columns import COLUMNS

if TYPE_CHECKING:
    import pandas as pd

FORM = "report-csv"
LARGEST_BYTES = 8 << 30
_UNIQUE = ("run_id", "started_at", "name")
"""Columns whose cells are seldom the same; the others are kept as one of a few words."""


def fits(_: Path, head: str) -> bool:
    """Whether the header is that of report rows."""
    columns = header_of(head)
    return columns[-1:] == ["schema"] and set(KEYS) <= set(columns)


def read(path: Path, settings: Settings) -> Read:
    """The complete rows; those that a crash cut off are counted."""
    if path.stat().st_size > LARGEST_BYTES:
        raise DataFileError(f"{path}: larger than {LARGEST_BYTES >> 30} GiB: write it as Parquet, by month")
    _refuse_later(path)
    texts = texts_wanted(settings.extra)
    frame = _frame(path, texts)
    whole = frame["schema"].isin(COLUMNS)
    torn = int((~whole).sum())
    rows = frame[whole.to_numpy()]
    del frame
    if not len(rows):
        raise DataFileError(f"{path}: a report without a complete row")
    rows = rows.assign(
        **{name: _unguarded(rows[name]) for name in texts if name in rows and name not in KEYS}
    )
    notes = [f"{path}: {torn:,} torn rows left out"] if torn else []
    return Read(tidy(rows, path, settings.extra), torn, notes)


def _unguarded(cells: pd.Series) -> pd.Series:
    """The cells without the apostrophe that keeps spreadsheets from running a formula."""
    import pandas as pd

    known = cells.cat.categories if isinstance(cells.dtype, pd.CategoricalDtype) else cells
    if not known.astype("str").str.startswith("'", na=False).any():
        return cells
    return cells.astype("str").str.replace(r"^'(?=[=+\-@])", "", regex=True)


def _frame(path: Path, texts: list[str]) -> pd.DataFrame:
    numbers = [name for name in numbers_wanted() if name not in texts]
    words = [*texts, "schema"]
    types: dict[str, Any] = {name: "str" if name in _UNIQUE else "category" for name in words}
    try:
        return _parsed(path, {**types, **dict.fromkeys(numbers, "float64")})
    except ValueError:
        # A row that was cut off may end inside a number: read texts, and let `tidy` judge the whole rows.
        return _parsed(path, {**types, **dict.fromkeys(numbers, "str")})


def _parsed(path: Path, types: dict[str, Any]) -> pd.DataFrame:
    """The wanted columns; cells beyond the header are not read."""
    import pandas as pd

    columns = header_of(_head_of(path))
    try:
        return pd.read_csv(
            path, names=columns, header=0, usecols=[name for name in columns if name in types],
            dtype={name: kind for name, kind in types.items() if name in columns}, keep_default_na=False,
            na_values=[""], encoding="utf-8", engine="c", index_col=False,
        )  # fmt: skip
    except UnicodeDecodeError:
        raise DataFileError(f"{path}: not a text file (UTF-8)") from None
    except pd.errors.ParserError as error:
        raise DataFileError(f"{path}: not a CSV file: {error}") from None
    except OSError as error:
        raise DataFileError(f"{path}: {error.strerror or error}") from None


def _head_of(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(HEAD_BYTES).decode("utf-8-sig", "replace")


def _refuse_later(path: Path) -> None:
    """DataFileError for a file of rows of a later schema."""
    for line in _head_of(path).splitlines()[1:3]:
        schema = line.rpartition(",")[2].strip('"')
        found = re.fullmatch(r"footprint/(report|report-short)/(\d{1,6})", schema)
        if found and int(found[2]) > 1:
            raise DataFileError(
                f"{path}: rows of schema {schema}, which a later version wrote (this one reads "
                f"footprint/{found[1]}/1): install that version"
            )
