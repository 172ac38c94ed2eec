"""One record that a command was pointed at: a JSON file, or a recorded run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_ENDINGS = (".json",)


def find_record(name: str, folders: tuple[Path, ...]) -> Path | Mapping[str, Any]:
    """The path of a JSON file, or the measurement of a run by its id, its name or ``last``.

    Raises FootprintError if there is neither.
    """
    path = Path(name)
    if path.suffix.lower() in _ENDINGS or "/" in name or path.is_file():
        return path
    from footprint.cli.shared.journals import open_runs

    return open_runs(folders).report(name).measurement.to_json()
