"""Write the index of every folder of records: ``python -m footprint.catalog``."""

from __future__ import annotations

import sys

from footprint.catalog.files import hardware_folder, reference_folder
from footprint.catalog.folder import INDEX, index_text
from footprint.catalog.hardware.find import NAMES as HARDWARE_NAMES
from footprint.catalog.models.find import NAMES as MODEL_NAMES
from footprint.errors import FootprintError


def main() -> int:
    """Exit code 0, or 2 when a file is broken."""
    reference = reference_folder()
    kinds = (
        (hardware_folder(), HARDWARE_NAMES),
        (reference / "models", MODEL_NAMES),
        (reference / "assumptions", None),
        (reference / "sources", None),
    )
    try:
        for folder, names in kinds:
            text = index_text(folder, names.scan(folder) if names else {})
            (folder / INDEX).write_text(text, encoding="utf-8")
    except FootprintError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
