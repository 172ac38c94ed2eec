"""Runs that lie in several parts of a folder, found in bounded memory.

Of each run only a hash is kept, in files of a temporary folder that each hold one share of all hashes; one
file at a time is read back.
"""

from __future__ import annotations

import tempfile
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
    hashes = pd.util.hash_array(runs.to_numpy(object))
    return np.where((runs != "").to_numpy(), np.maximum(hashes, 1), 0).astype("uint64")


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
