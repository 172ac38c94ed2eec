"""Places: the carbon intensity of their electricity, and the PUE and water of their data centres."""

from footprint.catalog.places.find import (
    all_places,
    find_place,
    given_place,
    grid_quantity,
    place_keys,
    search_places,
)
from footprint.catalog.places.pue import PueFact, find_pue

__all__ = [
    "PueFact",
    "all_places",
    "find_place",
    "find_pue",
    "given_place",
    "grid_quantity",
    "place_keys",
    "search_places",
]
