"""How long a text may be, and how much memory the texts of some rows need.

Parquet keeps equal texts once and compresses them, so a file of some kilobytes can hold terabytes of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from footprint.errors import DataFileError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

LONGEST_BYTES = 1 << 16
"""Most bytes of one text, such as the name of a run or of a model."""
MOST_OF_A_CHARACTER = 4
"""Most bytes of one character in UTF-8."""


def text_bytes(rows: pd.DataFrame) -> int:
    """Memory of the texts of some rows [byte], without categories, which are numbers in a list."""
    import pandas as pd

    return sum(
        int(cells.dropna().memory_usage(index=False, deep=True))
        for _, cells in rows.items()
        if cells.dtype.kind == "O" and not isinstance(cells.dtype, pd.CategoricalDtype)
    )


def unfolded_bytes(column: pa.ChunkedArray, name: str, origin: object, *, once: bool = False) -> int:
    """Length of all texts of a column of Arrow dictionaries [byte]; ``once`` counts equal texts one time.

    Raises:
        DataFileError: one of them is too long.
    """
    from pyarrow import compute

    found = 0
    for part in column.chunks:
        lengths = compute.binary_length(part.dictionary).cast("int64")
        longest = compute.max(lengths).as_py() or 0
        if longest > LONGEST_BYTES:
            raise too_long(origin, name, longest)
        found += compute.sum(lengths if once else compute.take(lengths, part.indices)).as_py() or 0
    return int(found)


def refuse_long(cells: pd.Series, name: str, origin: object) -> None:
    """DataFileError where a text of a column is too long."""
    import pandas as pd

    texts = cells.cat.categories.to_series() if isinstance(cells.dtype, pd.CategoricalDtype) else cells
    if texts.dtype.kind == "O" and len(texts):
        texts = texts.astype("str")
        texts = texts[texts.str.len() > LONGEST_BYTES // MOST_OF_A_CHARACTER]
        longest = max((len(text.encode()) for text in texts), default=0)
        if longest > LONGEST_BYTES:
            raise too_long(origin, name, longest)


def too_long(origin: object, name: str, found_bytes: float) -> DataFileError:
    """The error for one text."""
    return DataFileError(
        f"{origin}: the column {name} has a text of {found_bytes:,.0f} bytes, and a report takes at most "
        f"{LONGEST_BYTES:,}: shorten it"
    )


def too_many(origin: object, name: str, found_bytes: float, most_bytes: int) -> DataFileError:
    """The error for the texts of a column together."""
    return DataFileError(
        f"{origin}: the column {name} holds {found_bytes / 1e6:,.1f} MB of texts; those of rows that are in "
        f"memory together may need {most_bytes / 1e6:,.1f} MB more. Shorten them, or, if the files are not "
        "in parts yet, divide them, such as runs/month=2026-03/"
    )
