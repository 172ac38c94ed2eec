"""Parquet with the columns of a report: one file, or a folder of files by month."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from footprint.errors import DataFileError, FootprintError
from footprint.fleet.columns import numbers_wanted, texts_wanted, tidy
from footprint.fleet.settings import Read, Settings
from footprint.results.report_columns import KEYS

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

FORM = "parquet"
MOST_ROWS = 20_000_000
"""Of files that are read whole; a few kilobytes of Parquet can say that they hold billions of rows."""
_MAGIC = "PAR1"


def fits(path: Path, head: str) -> bool:
    """Whether it is a Parquet file, or a folder with some."""
    return head.startswith(_MAGIC) or (path.is_dir() and next(path.rglob("*.parquet"), None) is not None)


def read(path: Path, settings: Settings) -> Read:
    """The rows of every file."""
    import pandas as pd

    files = files_of(path)
    count = sum(sum(rows_of_groups(file)) for file in files)
    if count > MOST_ROWS:
        raise DataFileError(
            f"{path}: {count:,} rows, more than the {MOST_ROWS:,} that are read whole: put them into a "
            "folder of parts, such as runs/month=2026-03/, which is read part by part"
        )
    frames = [read_file(file, settings) for file in files]
    rows = frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)
    if not len(rows):
        raise DataFileError(f"{path}: no row")
    return Read(rows)


def files_of(path: Path) -> list[Path]:
    """The Parquet files of a folder, in order of their names; a file is one."""
    return sorted(path.rglob("*.parquet")) if path.is_dir() else [path]


def rows_of_groups(path: Path) -> list[int]:
    """How many rows each row group of a file says it has.

    Raises:
        DataFileError: it is no Parquet file.
    """
    with _opened(path) as file:
        return [file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)]


def read_file(path: Path, settings: Settings) -> pd.DataFrame:
    """The tidy rows of one file, of which only the wanted columns are read."""
    with _opened(path) as file:
        names = _names(path, file, settings)
        return _tidy(file.read(columns=names, use_threads=False), path, settings)


def read_batches(
    path: Path, settings: Settings, groups: Sequence[int], most_rows: int
) -> Iterator[pd.DataFrame]:
    """The tidy rows of some row groups of a file, at most so many at a time."""
    import pyarrow as pa

    with _opened(path) as file:
        names = _names(path, file, settings)
        for batch in file.iter_batches(most_rows, row_groups=list(groups), columns=names, use_threads=False):
            yield _tidy(pa.Table.from_batches([batch]), path, settings)


@contextmanager
def _opened(path: Path) -> Iterator[pq.ParquetFile]:
    """A Parquet file; what pyarrow cannot read within the block is an error of the file."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise FootprintError('to read Parquet: pip install "footprint-ml[parquet]"') from None
    try:
        with pq.ParquetFile(path) as file:
            yield file
    except (pa.ArrowException, OSError) as error:
        raise DataFileError(f"{path}: not a Parquet file that can be read: {str(error)[:200]}") from None


def _names(path: Path, file: pq.ParquetFile, settings: Settings) -> list[str]:
    """The wanted columns that a file has."""
    wanted = {*texts_wanted(settings.extra), *numbers_wanted()}
    names = [name for name in file.schema_arrow.names if name in wanted]
    if not set(KEYS) <= set(names):
        missing = ", ".join(sorted(set(KEYS) - set(names)))
        raise DataFileError(f"{path}: no Parquet of report rows: it has no column {missing}")
    return names


def _tidy(table: pa.Table, path: Path, settings: Settings) -> pd.DataFrame:
    import pyarrow as pa

    for number, name in enumerate(table.column_names):
        column = table[name]
        if name in _WORDS and (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
            table = table.set_column(number, name, column.dictionary_encode())
    return tidy(table.to_pandas(ignore_metadata=True), path, settings.extra)


_WORDS = ("kind", "boundary", "status", "model_name", "cluster_accelerator", "place_key", "region", "model",
          "hardware")  # fmt: skip
"""Columns of a few different texts, which are kept as their numbers in a list."""
