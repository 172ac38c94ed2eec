"""Accelerators by name, and clusters of them."""

from footprint.catalog.hardware.cluster import GIVEN_BESIDE, parse_cluster, variants_of
from footprint.catalog.hardware.find import (
    accelerator_ids,
    all_accelerators,
    find_accelerator,
    is_path,
    known_names,
)

__all__ = [
    "GIVEN_BESIDE",
    "accelerator_ids",
    "all_accelerators",
    "find_accelerator",
    "is_path",
    "known_names",
    "parse_cluster",
    "variants_of",
]
