"""Many scenarios through the rooms at once."""

from footprint.estimator.columns.joining import (
    OnMachine,
    can_be_joined,
    stacked,
    stacked_prices,
    stacked_sites,
)
from footprint.estimator.columns.outcomes import Columns, columns_of

__all__ = [
    "Columns",
    "OnMachine",
    "can_be_joined",
    "columns_of",
    "stacked",
    "stacked_prices",
    "stacked_sites",
]
