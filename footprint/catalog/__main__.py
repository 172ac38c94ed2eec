"""Write the index of every folder of records: ``python -m footprint.catalog``."""

from __future__ import annotations

import sys

from footprint.catalog.files import hardware_folder, reference_folder
from footprint.catalog.folder import INDEX, Names, index_text
from footprint.catalog.hardware.find import NAMES as HARDWARE
from footprint.catalog.laws import NAMES as LAWS
from footprint.catalog.models.find import NAMES as MODELS
from footprint.catalog.prices.offers import about_offers
from footprint.catalog.stacks import NAMES as STACKS
from footprint.errors import FootprintError

ENGINES = Names({"aliases": ("id", "aliases")}, dashes=True)
"""As in `footprint.serving.engine`, a higher floor."""


def main() -> int:
    """Write the indices; exit code 0, or 2 if a file is broken."""
    hardware, reference = hardware_folder(), reference_folder()
    try:
        indices = {
            hardware: index_text(hardware, HARDWARE.scan(hardware), {"prices.csv": about_offers()}),
            (models := reference / "models"): index_text(models, MODELS.scan(models)),
            (numbers := reference / "assumptions"): index_text(numbers),
            (sources := reference / "sources"): index_text(sources),
            (laws := reference / "laws"): index_text(laws, LAWS.scan(laws)),
            (scale := reference / "scale"): index_text(scale),
            (engines := reference / "engines"): index_text(engines, ENGINES.scan(engines)),
            (stacks := reference / "stacks"): index_text(stacks, STACKS.scan(stacks)),
            (techniques := reference / "techniques"): index_text(techniques),
            (stages := reference / "stages"): index_text(stages),
        }
    except FootprintError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    for folder, text in indices.items():
        (folder / INDEX).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
