"""Parquet with the columns of a report: one file, or a folder of files by month."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from footprint.errors import DataFileError, FootprintError
from footprint.fleet.columns import joined, numbers_wanted, texts_wanted, tidy
from footprint.fleet.long_texts import LONGEST_BYTES, text_bytes, too_long, too_many, unfolded_bytes
from footprint.fleet.settings import Read, Settings
from footprint.results.report_columns import KEYS

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

FORM = "parquet"
MOST_ROWS = 20_000_000
"""Of files that are read whole; a few kilobytes of Parquet can say that they hold billions of rows."""
MOST_TEXT_BYTES = 2 << 30
"""Most bytes of all texts of files that are read whole. Parquet holds equal texts once, so a few kilobytes
can hold terabytes of them."""
_MAGIC = "PAR1"


def fits(path: Path, head: str) -> bool:
    """Whether it is a Parquet file, or a folder with some."""
    return head.startswith(_MAGIC) or (path.is_dir() and next(path.rglob("*.parquet"), None) is not None)


def read(path: Path, settings: Settings) -> Read:
    """The rows of every file."""
    files = files_of(path)
    count = sum(sum(rows_of_groups(file)) for file in files)
    if count > MOST_ROWS:
        raise DataFileError(
            f"{path}: {count:,} rows, more than the {MOST_ROWS:,} that are read whole: put them into a "
            "folder of parts, such as runs/month=2026-03/, which is read part by part"
        )
    frames: list[pd.DataFrame] = []
    room = MOST_TEXT_BYTES
    for file in files:
        frames.append(read_file(file, settings, room))
        room -= text_bytes(frames[-1])
    rows = joined(frames)
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


def read_file(path: Path, settings: Settings, most_text_bytes: int) -> pd.DataFrame:
    """The tidy rows of one file, of which only the wanted columns are read.

    Raises:
        DataFileError: it is no Parquet of report rows, or its texts need more memory.
    """
    with _opened(path) as file, _in_dictionaries(path, file, settings) as (texts, names, words):
        _refuse_large(path, texts, words, most_text_bytes, None)
        return _tidy(texts.read(columns=names, use_threads=False), path, settings, most_text_bytes)


def read_batches(
    path: Path, settings: Settings, groups: Sequence[int], most_rows: int, most_text_bytes: int
) -> Iterator[pd.DataFrame]:
    """The tidy rows of some row groups of a file, at most so many at a time; raises as `read_file`."""
    import pyarrow as pa

    with _opened(path) as file, _in_dictionaries(path, file, settings) as (texts, names, words):
        _refuse_large(path, texts, words, most_text_bytes, most_rows)
        for batch in texts.iter_batches(most_rows, row_groups=list(groups), columns=names, use_threads=False):
            yield _tidy(pa.Table.from_batches([batch]), path, settings, most_text_bytes)


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


@contextmanager
def _in_dictionaries(
    path: Path, file: pq.ParquetFile, settings: Settings
) -> Iterator[tuple[pq.ParquetFile, list[str], list[str]]]:
    """The file opened again to keep equal texts once; the wanted columns, and those of texts."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    wanted = {*texts_wanted(settings.extra), *numbers_wanted()}
    fields = [field for field in file.schema_arrow if field.name in wanted]
    names = [field.name for field in fields]
    if not set(KEYS) <= set(names):
        missing = ", ".join(sorted(set(KEYS) - set(names)))
        raise DataFileError(f"{path}: no Parquet of report rows: it has no column {missing}")
    texts = [field.name for field in fields if _is_text(field.type)]
    for field in fields:
        if field.name not in texts and not (pa.types.is_primitive(field.type) or pa.types.is_null(field.type)
                                            or pa.types.is_decimal(field.type)):  # fmt: skip
            raise DataFileError(
                f"{path}: the column {field.name} holds neither texts nor numbers: {field.type}"
            )
    with pq.ParquetFile(path, metadata=file.metadata, read_dictionary=texts) as again:
        yield again, names, texts


def _is_text(kind: pa.DataType) -> bool:
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return str(kind) in ("string", "large_string", "string_view")


def _refuse_large(
    path: Path, file: pq.ParquetFile, texts: Sequence[str], most_bytes: int, most_rows: int | None
) -> None:
    """DataFileError where the file says that a column holds more than is read, before it is unpacked."""
    sizes = dict.fromkeys(texts, 0)
    for number in range(file.num_row_groups):
        group = file.metadata.row_group(number)
        reads = max(1, group.num_rows // most_rows) if most_rows else 1
        for place in range(group.num_columns):
            column = group.column(place)
            name, size = column.path_in_schema, column.total_uncompressed_size
            if name not in sizes:
                continue
            if size > LONGEST_BYTES * (group.num_rows + 1):
                raise too_long(path, name, size / max(1, group.num_rows))
            sizes[name] = size if most_rows else sizes[name] + size
            if sizes[name] > most_bytes * reads:
                raise too_many(path, name, sizes[name], most_bytes)


def _tidy(table: pa.Table, path: Path, settings: Settings, most_text_bytes: int) -> pd.DataFrame:
    """Report rows; the columns of a few different texts stay numbers in a list, the others become texts."""
    import pyarrow as pa

    room = most_text_bytes
    for number, field in enumerate(table.schema):
        if not pa.types.is_dictionary(field.type):
            continue
        are_few = field.name in _WORDS
        needed = unfolded_bytes(table[field.name], field.name, path, once=are_few)
        if needed > room:
            raise too_many(path, field.name, needed, room)
        room -= needed
        if not are_few:
            table = table.set_column(number, field.name, table[field.name].cast(field.type.value_type))
    return tidy(table.unify_dictionaries().to_pandas(ignore_metadata=True), path, settings.extra)


_WORDS = ("kind", "boundary", "status", "model_name", "cluster_accelerator", "place_key", "region", "model",
          "hardware", "schema")  # fmt: skip
"""Columns of a few different texts, which are kept as their numbers in a list."""
