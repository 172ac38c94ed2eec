"""The price of an accelerator-hour with its origin."""

from __future__ import annotations

from footprint.records import record
from footprint.results import Quantity


@record
class PriceQuote:
    """The price of one accelerator-hour and its origin."""

    usd_per_accelerator_h: Quantity
    purchase: str
    provider: str | None
    """The requested provider; None means all providers."""
    region: str | None
    offers: int
    """Number of offers used."""
    providers: int
    oldest: str
    newest: str
    """ISO 8601 dates of the oldest and newest offer used."""
    interval: str
    """Description of the interval: percentiles, a range, or an assumed spread."""
    source: str
    """Keys of the sources, joined by ``; ``."""
    warnings: tuple[str, ...]
