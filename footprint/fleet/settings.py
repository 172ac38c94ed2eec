"""What a report is asked for, and what the reader of one input hands back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from footprint.records import field, record, state
from footprint.results.fleet import PowerSeries

if TYPE_CHECKING:
    import pandas as pd


@record
class Settings:
    """What the readers need to know."""

    extra: tuple[str, ...] = ()
    """Columns to group by that are not among those that are always read."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Fields of an estimate (``hw``, ``region``, ``pue``, ...) for inputs that hold time or watts alone."""


@state
class Read:
    """The tidy rows of one input."""

    rows: pd.DataFrame
    left_out: int = 0
    notes: list[str] = field(default_factory=list)
    series: list[PowerSeries] = field(default_factory=list)
