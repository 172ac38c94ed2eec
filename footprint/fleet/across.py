"""Runs that lie in several parts of a folder, found and kept in bounded memory.

Of each run a hash is kept, and of a run in several parts its rows, in temporary files that each hold one
share of all runs; one share at a time is read back.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING, Self

from footprint.errors import FootprintError
from footprint.fleet.columns import joined
from footprint.fleet.long_texts import text_bytes

if TYPE_CHECKING:
    from types import TracebackType

    import numpy as np
    import pandas as pd

_FILES_BITS = 6


def run_hashes(rows: pd.DataFrame) -> np.ndarray:
    """A hash of the run of each row; 0 for a row without one."""
    import numpy as np
    import pandas as pd

    runs = rows["run_id"].fillna("").astype("str")
    hashes = pd.util.hash_array(runs.to_numpy(object), categorize=False)  # few are the same
    return np.where((runs != "").to_numpy(), np.maximum(hashes, 1), 0).astype("uint64")


def each_once(hashes: np.ndarray) -> np.ndarray:
    """The hashes of some rows' runs without copies, sorted; numpy's own way is ten times slower for many."""
    import numpy as np

    ordered = np.sort(hashes[hashes != 0])
    return ordered[np.append(True, ordered[1:] != ordered[:-1])] if len(ordered) else ordered


@contextmanager
def _room() -> Iterator[None]:
    """Raise FootprintError where the temporary folder has no room."""
    try:
        yield
    except OSError as error:
        raise FootprintError(
            f"no room for the runs of the parts in the temporary folder: {error.strerror or error}; "
            "TMPDIR names another one"
        ) from None


class _Files:
    """Temporary files, each for one share of the runs. They have no name, so none is left after a kill."""

    def __init__(self) -> None:
        self._open: dict[int, IO[bytes]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in self._open.values():
            with suppress(OSError):  # a full disk was already reported
                file.close()

    def _file(self, share: int) -> IO[bytes]:
        if share not in self._open:
            self._open[share] = tempfile.TemporaryFile()  # noqa: SIM115 - closed at the end of the block
        return self._open[share]

    def _written(self) -> Iterator[IO[bytes]]:
        """Each file, from its beginning."""
        for share in sorted(self._open):
            with _room():
                self._open[share].seek(0)
            yield self._open[share]


class Seen(_Files):
    """The hashes of the runs of each part."""

    def add(self, hashes: np.ndarray) -> None:
        """The runs of a part, each once."""
        import numpy as np

        places = hashes >> np.uint64(64 - _FILES_BITS)
        order = np.argsort(places, kind="stable")
        hashes, places = hashes[order], places[order]
        ends = np.searchsorted(places, np.arange(1 << _FILES_BITS, dtype="uint64"), side="right")
        begin = 0
        for number, end in enumerate(ends):
            if end > begin:
                with _room():
                    self._file(number).write(hashes[begin:end].tobytes())
            begin = end

    def in_several(self) -> np.ndarray:
        """The hashes of the runs that were added by more than one part, sorted."""
        import numpy as np

        found = []
        for file in self._written():
            hashes = np.sort(np.frombuffer(file.read(), dtype="uint64"))
            found.append(np.unique(hashes[1:][hashes[1:] == hashes[:-1]]))
        return np.concatenate(found) if found else np.empty(0, dtype="uint64")


class Apart(_Files):
    """Rows of runs that are in several parts: in memory while they are few, else in files, a share each."""

    def __init__(self, most_rows: int, most_text_bytes: int) -> None:
        super().__init__()
        self._most_rows, self._most_text_bytes = most_rows, most_text_bytes
        self._frames: list[pd.DataFrame] = []

    def add(self, rows: pd.DataFrame) -> None:
        """Take some rows."""
        self._frames.append(rows)
        texts = sum(map(text_bytes, self._frames))
        if sum(map(len, self._frames)) > self._most_rows or texts > self._most_text_bytes:
            self._put_into_files()

    def shares(self) -> Iterator[pd.DataFrame]:
        """All rows of some runs, then those of others."""
        from pyarrow import ipc

        if not self._open:
            if self._frames:
                yield joined(self._frames)
            return
        self._put_into_files()
        for file in self._written():
            end = file.seek(0, os.SEEK_END)
            file.seek(0)
            frames = []
            while file.tell() < end:
                with ipc.open_stream(file) as stream:
                    frames.append(stream.read_pandas())
            yield joined(frames)

    def _put_into_files(self) -> None:
        import numpy as np
        import pyarrow as pa
        from pyarrow import ipc

        if not self._frames:
            return
        rows = joined(self._frames)
        self._frames = []
        shares = (run_hashes(rows) >> np.uint64(64 - _FILES_BITS)).astype("int64")
        options = ipc.IpcWriteOptions(compression="zstd")
        for share in np.unique(shares).tolist():
            table = pa.Table.from_pandas(rows[shares == share], preserve_index=False)
            with _room(), ipc.new_stream(self._file(share), table.schema, options=options) as stream:
                stream.write_table(table)
