"""The generated index of accelerator names: ``python -m footprint.catalog.index`` writes it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from footprint.catalog.files import hardware_folder, read_toml
from footprint.catalog.hardware import INDEX_FILE, build_accelerator, compact
from footprint.catalog.names import normalise
from footprint.errors import DataFileError, FootprintError


def build_index(folder: Path) -> dict[str, dict[str, str]]:
    """Names of the accelerators of a folder -> their ids: ``aliases`` (and ids), ``devices`` (driver names).

    Raises
    ------
    DataFileError
        If a profile is broken or two profiles share a name.
    """
    owner: dict[str, str] = {}
    index: dict[str, dict[str, str]] = {"aliases": {}, "devices": {}}
    for path in sorted(folder.glob("*.toml")):
        chip = build_accelerator(read_toml(path), path.name)
        given = {
            "aliases": (chip.id, *chip.aliases),
            "devices": (*chip.nvml_names, *chip.torch_names),
        }
        for part, names in given.items():
            for name in names:
                other = owner.setdefault(compact(name), chip.id)
                if other != chip.id:
                    raise DataFileError(f"{path.name}: the name {name!r} is already that of {other}")
                index[part][normalise(name)] = chip.id
    return {part: dict(sorted(names.items())) for part, names in index.items()}


def index_text(folder: Path) -> str:
    """The index of a folder as the text of its file."""
    return json.dumps(build_index(folder), indent=0, ensure_ascii=False) + "\n"


def main() -> int:
    """Write the index of the shipped profiles; exit code 0, or 2 when a profile is broken."""
    folder = hardware_folder()
    try:
        (folder / INDEX_FILE).write_text(index_text(folder), encoding="utf-8")
    except FootprintError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
