"""Parquet with the columns of a report: one file, or a folder of files by month."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from footprint.errors import DataFileError, FootprintError
from footprint.fleet.columns import KEYS, numbers_wanted, texts_wanted, tidy
from footprint.fleet.settings import Read, Settings

if TYPE_CHECKING:
    import pandas as pd

FORM = "parquet"
_MAGIC = "PAR1"


def fits(path: Path, head: str) -> bool:
    """Whether it is a Parquet file, or a folder with some."""
    return head.startswith(_MAGIC) or (path.is_dir() and next(path.rglob("*.parquet"), None) is not None)


def read(path: Path, settings: Settings) -> Read:
    """The rows of every file."""
    import pandas as pd

    files = files_of(path)
    frames = [read_file(file, settings) for file in files]
    rows = frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)
    if not len(rows):
        raise DataFileError(f"{path}: no row")
    return Read(rows)


def files_of(path: Path) -> list[Path]:
    """The Parquet files of a folder, in order of their names; a file is one."""
    return sorted(path.rglob("*.parquet")) if path.is_dir() else [path]


def rows_in(path: Path) -> int:
    """How many rows a file says it has.

    Raises:
        DataFileError: it is no Parquet file.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise FootprintError('to read Parquet: pip install "footprint-ml[parquet]"') from None
    try:
        return int(pq.read_metadata(path).num_rows)
    except (pa.ArrowException, OSError) as error:
        raise DataFileError(f"{path}: not a Parquet file that can be read: {str(error)[:200]}") from None


def read_file(path: Path, settings: Settings) -> pd.DataFrame:
    """The tidy rows of one file, of which only the wanted columns are read."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise FootprintError('to read Parquet: pip install "footprint-ml[parquet]"') from None
    wanted = {*texts_wanted(settings.extra), *numbers_wanted()}
    try:
        with pq.ParquetFile(path) as file:
            names = [name for name in file.schema_arrow.names if name in wanted]
            if not set(KEYS) <= set(names):
                missing = ", ".join(sorted(set(KEYS) - set(names)))
                raise DataFileError(f"{path}: no Parquet of report rows: it has no column {missing}")
            words = [name for name in names if name in _WORDS]
            table = file.read(columns=names, use_threads=False)
        for name in words:
            column = table[name]
            if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
                table = table.set_column(names.index(name), name, column.dictionary_encode())
        return tidy(table.to_pandas(ignore_metadata=True), path, settings.extra)
    except (pa.ArrowException, OSError) as error:
        raise DataFileError(f"{path}: not a Parquet file that can be read: {str(error)[:200]}") from None


_WORDS = ("kind", "boundary", "status", "model_name", "cluster_accelerator", "place_key", "region", "model",
          "hardware")  # fmt: skip
"""Columns of a few different texts, which are kept as their numbers in a list."""
