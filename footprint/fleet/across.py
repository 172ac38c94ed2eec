"""Runs that lie in several parts of a folder, found and kept in bounded memory.

Of each run a hash is kept, and of a run in several parts its rows, in files of a temporary folder that each
hold one share of all runs; one share at a time is read back.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

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


class Seen:
    """The hashes of the runs of each part."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="footprint-")

    def __enter__(self) -> Seen:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._folder.cleanup()

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
                with self._file(number).open("ab") as file:
                    file.write(hashes[begin:end].tobytes())
            begin = end

    def in_several(self) -> np.ndarray:
        """The hashes of the runs that were added by more than one part, sorted."""
        import numpy as np

        found = []
        for number in range(1 << _FILES_BITS):
            path = self._file(number)
            if path.exists():
                hashes = np.sort(np.fromfile(path, dtype="uint64"))
                found.append(np.unique(hashes[1:][hashes[1:] == hashes[:-1]]))
        return np.concatenate(found) if found else np.empty(0, dtype="uint64")

    def _file(self, number: int) -> Path:
        return Path(self._folder.name) / f"{number:02d}"


class Apart:
    """Rows of runs that are in several parts: in memory while they are few, else in files, a share each."""

    def __init__(self, most_rows: int) -> None:
        self._most_rows = most_rows
        self._frames: list[pd.DataFrame] = []
        self._files = 0
        self._folder = tempfile.TemporaryDirectory(prefix="footprint-")

    def __enter__(self) -> Apart:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._folder.cleanup()

    def add(self, rows: pd.DataFrame) -> None:
        """Take some rows."""
        self._frames.append(rows)
        if sum(map(len, self._frames)) > self._most_rows:
            self._put_into_files()

    def shares(self) -> Iterator[pd.DataFrame]:
        """All rows of some runs, then those of others."""
        import pandas as pd

        if not self._files:
            if self._frames:
                yield pd.concat(self._frames, ignore_index=True)
            return
        self._put_into_files()
        for share in range(1 << _FILES_BITS):
            paths = sorted(Path(self._folder.name).glob(f"{share:02d}-*"))
            if paths:
                yield pd.concat([pd.read_parquet(path) for path in paths], ignore_index=True)

    def _put_into_files(self) -> None:
        import numpy as np
        import pandas as pd

        if not self._frames:
            return
        rows = pd.concat(self._frames, ignore_index=True)
        self._frames = []
        shares = (run_hashes(rows) >> np.uint64(64 - _FILES_BITS)).astype("int64")
        for share, some in rows.groupby(shares, sort=False):
            some.to_parquet(Path(self._folder.name) / f"{share:02d}-{self._files:06d}", index=False)
        self._files += 1
