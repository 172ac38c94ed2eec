"""Which edition of the program and of its data an output rests on."""

from __future__ import annotations

__version__ = "0.1.0"

DATA_VERSION = "2026.11"
"""Year and month of the newest edition of ``hardware_profiles`` and ``reference_data``."""

DATA_YEAR = int(DATA_VERSION[:4])
"""Year whose techniques, prices and factors an estimate takes where none is given."""


def footprint_version() -> str:
    """Version of the installed distribution, or of the checkout."""
    return __version__
