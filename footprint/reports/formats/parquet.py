"""Parquet of the rows of a report, written by pyarrow."""

from __future__ import annotations

import io

from footprint.errors import FootprintError
from footprint.reports.formats import Answer

KINDS: tuple[str, ...] = ("report",)
ENDING = ".parquet"


def write(_: Answer) -> str:
    """No text: a Parquet file is written with ``-o``."""
    raise FootprintError("Parquet is no text: name a file that ends in .parquet")


def write_bytes(answer: Answer) -> bytes:
    """The rows as the bytes of a Parquet file."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise FootprintError('to write Parquet: pip install "footprint-ml[parquet]"') from None
    assert answer.frame is not None  # noqa: S101 - the kinds above have one
    target = io.BytesIO()
    pq.write_table(pa.Table.from_pandas(answer.frame(), preserve_index=False), target, compression="zstd")
    return target.getvalue()
