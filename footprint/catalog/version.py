"""The versions of the program and of its data."""

from __future__ import annotations

__version__ = "0.1.0"

DATA_VERSION = "2026.11"
"""Year and month of the newest edition of ``hardware_profiles`` and ``reference_data``."""

DATA_YEAR = int(DATA_VERSION[:4])
"""The default year of an estimate's techniques, prices and factors."""


def footprint_version() -> str:
    """Version of the installed distribution, or of the checkout."""
    return __version__


def versions() -> dict[str, str]:
    """The versions of the program and of its data, as every answer and every row of one says them."""
    return {"footprint_version": footprint_version(), "data_version": DATA_VERSION}


def headed(schema: str) -> dict[str, str]:
    """What every answer in JSON begins with: its schema, and the versions that computed it."""
    return {"schema": schema, **versions()}
