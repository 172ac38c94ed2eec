"""Names that a run was given, looked up before it starts: an unknown one is an error with the nearest."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from footprint.errors import FootprintError
from footprint.tracking.chain.estimator_calls import check_anchors


def check_names(given: Mapping[str, Any], csv: Path | None) -> None:
    """Look each name up that was given; what nobody named costs nothing.

    Raises:
        FootprintError: a name that no catalogue holds, or a CSV in a folder that does not exist.
    """
    _look_up(given)
    if csv is not None:
        check_ending(csv)
    if csv is not None and not csv.absolute().parent.is_dir():
        raise FootprintError(f"csv: the folder {csv.absolute().parent} does not exist; make it first")


def check_ending(csv: Path) -> None:
    """FootprintError for a report CSV that is named like another kind of file."""
    if csv.suffix.lower() not in ("", ".csv"):
        raise FootprintError(f"{csv}: rows are written as CSV: end it in .csv, not {csv.suffix}")


def _look_up(given: Mapping[str, Any]) -> None:
    if given.get("hw"):
        from footprint.catalog.hardware import parse_cluster

        parse_cluster(given["hw"])
    if given.get("model"):
        from footprint.catalog.models import find_model

        find_model(given["model"])
    place = None
    if given.get("region"):
        from footprint.catalog.places import find_place

        place, _ = find_place(given["region"])
    if given.get("provider"):
        from footprint.catalog.prices import find_provider

        provider = find_provider(given["provider"])
        if place is not None and place.provider not in (None, provider):
            raise FootprintError(f"region {place.key} is one of {place.provider}, not of {provider}")
    if given.get("anchor"):
        check_anchors(given["anchor"])
