"""Which edition of the data an output rests on."""

from __future__ import annotations

DATA_VERSION = "2026.11"
"""Year and month of the newest edition of ``hardware_profiles`` and ``reference_data``."""

DATA_YEAR = int(DATA_VERSION[:4])
"""Year whose techniques, prices and factors an estimate takes where none is given."""


def footprint_version() -> str:
    """Version of the installed distribution, or of the checkout."""
    from footprint import __version__

    return __version__
