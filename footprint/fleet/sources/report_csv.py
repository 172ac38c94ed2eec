"""Report CSVs, full and short, of this version and of older ones: columns are found by their names."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from footprint.errors import DataFileError
from footprint.fleet.columns import numbers_wanted, texts_wanted, tidy
from footprint.fleet.long_texts import refuse_long
from footprint.fleet.settings import Read, Settings
from footprint.fleet.sources import HEAD_BYTES, header_of
from footprint.results.report_columns import COLUMNS, KEYS
from footprint.results.row_reader import refuse_later

if TYPE_CHECKING:
    import pandas as pd

FORM = "report-csv"
LARGEST_BYTES = 8 << 30
MOST_NAMED = 5
"""Of rows with too many cells."""
_SINGLE = ("run_id", "started_at")
_UNIQUE = (*_SINGLE, "name")
"""Columns whose cells are seldom the same; the others are kept as one of a few words."""
_BLOCK_BYTES = 1 << 20


def fits(_: Path, head: str) -> bool:
    """Whether the header is that of report rows."""
    columns = header_of(head)
    return columns[-1:] == ["schema"] and set(KEYS) <= set(columns)


def read(path: Path, settings: Settings) -> Read:
    """The complete rows; those that a crash cut off, and those with too many cells, are left out and said."""
    if path.stat().st_size > LARGEST_BYTES:
        raise DataFileError(f"{path}: larger than {LARGEST_BYTES >> 30} GiB: write it as Parquet, by month")
    for line in _head_of(path).splitlines()[1:3]:
        refuse_later(line.rpartition(",")[2].strip('"'), path)
    texts = texts_wanted(settings.extra)
    frame, torn, long = _frame(path, texts)
    whole = frame["schema"].isin(COLUMNS).to_numpy()
    for schema in frame.loc[~whole, "schema"].dropna().unique():
        refuse_later(str(schema), path)
    torn += int((~whole).sum())
    rows = frame if whole.all() else frame[whole]
    del frame
    if not len(rows):
        raise DataFileError(f"{path}: a report without a complete row")
    rows = rows.assign(
        **{name: _unguarded(rows[name]) for name in texts if name in rows and name not in KEYS}
    )
    for name in texts:
        if name in rows:
            refuse_long(rows[name], name, path)
    notes = [f"{path}: {torn:,} torn rows left out"] if torn else []
    notes += [
        f"{path}: line {line} has {cells} cells and the header {columns}, so the row was left out"
        for line, cells, columns in long[:MOST_NAMED]
    ]
    if len(long) > MOST_NAMED:
        notes.append(f"{path}: {len(long) - MOST_NAMED:,} more rows with too many cells were left out")
    return Read(tidy(rows, path, settings.extra), torn + len(long), notes)


def _unguarded(cells: pd.Series) -> pd.Series:
    """The cells without the apostrophe that keeps spreadsheets from running a formula."""
    import pandas as pd

    known = cells.cat.categories if isinstance(cells.dtype, pd.CategoricalDtype) else cells
    if not known.astype("str").str.startswith("'", na=False).any():
        return cells
    texts = cells.astype("str").str.replace(r"^'(?=[=+\-@])", "", regex=True)
    return texts.where(cells.notna())  # an empty cell is not the text "nan"


def _frame(path: Path, texts: list[str]) -> tuple[pd.DataFrame, int, list[tuple[int, int, int]]]:
    """The wanted columns, the number of rows with too few cells, and the rows with too many.

    pyarrow reads a file of plain rows several times as fast as pandas; what it refuses, and every file where
    it is not installed, pandas reads.
    """
    numbers = [name for name in numbers_wanted() if name not in texts]
    words = list(texts)
    found = _by_arrow(path, numbers, words)
    if found is not None:
        frame, short, has_long = found
        return frame, short, _long_rows(path) if has_long else []
    long = _long_rows(path)
    types: dict[str, Any] = {name: "str" if name in _UNIQUE else "category" for name in words}
    try:
        return _parsed(path, {**types, **dict.fromkeys(numbers, "float64")}, is_plain=not long), 0, long
    except ValueError:
        # A row that was cut off may end inside a number: read texts, and let `tidy` judge the whole rows.
        return _parsed(path, {**types, **dict.fromkeys(numbers, "str")}, is_plain=not long), 0, long


def _by_arrow(path: Path, numbers: list[str], words: list[str]) -> tuple[pd.DataFrame, int, bool] | None:
    """The wanted columns, how many rows have too few cells, and whether some have too many."""
    try:
        import pyarrow as pa
        from pyarrow import csv
    except ImportError:
        return None
    columns = header_of(_head_of(path))
    known = pa.dictionary(pa.int32(), pa.string())
    types = {name: pa.string() if name in _SINGLE else known for name in words}
    types |= dict.fromkeys(numbers, pa.float64())
    differences: list[int] = []

    def skip(row: Any) -> str:
        differences.append(row.actual_columns - row.expected_columns)
        return "skip"

    wanted = [name for name in dict.fromkeys(columns) if name in types]
    try:
        table = csv.read_csv(
            path,
            read_options=csv.ReadOptions(
                column_names=columns, skip_rows=1, block_size=_BLOCK_BYTES, use_threads=False
            ),
            parse_options=csv.ParseOptions(newlines_in_values=True, invalid_row_handler=skip),
            convert_options=csv.ConvertOptions(
                include_columns=wanted, column_types=types, null_values=[""], strings_can_be_null=True
            ),
        )
    except (pa.ArrowException, OSError):
        return None  # pandas says what is wrong with it
    frame = table.unify_dictionaries().to_pandas(ignore_metadata=True, split_blocks=True)
    return frame, sum(one < 0 for one in differences), any(one > 0 for one in differences)


def _long_rows(path: Path) -> list[tuple[int, int, int]]:
    """The rows with more cells than the header: line, cells, and cells of the header."""
    import csv

    found: list[tuple[int, int, int]] = []
    try:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            reader = csv.reader(file)
            count = len(next(reader, []))
            found += [(reader.line_num, len(row), count) for row in reader if len(row) > count]
    except csv.Error:
        return []  # the parser says more
    except OSError as error:
        raise DataFileError(f"{path}: {error.strerror or error}") from None
    return found


def _without_long_rows(path: Path) -> io.StringIO:
    """The text of a file without the rows that have more cells than the header."""
    import csv

    kept = io.StringIO()
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        header = next(reader, [])
        csv.writer(kept).writerows([header, *(row for row in reader if len(row) <= len(header))])
    kept.seek(0)
    return kept


def _parsed(path: Path, types: dict[str, Any], *, is_plain: bool) -> pd.DataFrame:
    """The wanted columns; of a file that is not plain, without the rows that have too many cells."""
    import pandas as pd

    columns = header_of(_head_of(path))
    wanted = [name for name in columns if name in types]
    try:
        return pd.read_csv(
            path if is_plain else _without_long_rows(path), names=columns, skiprows=1, usecols=wanted,
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
