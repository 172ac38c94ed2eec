"""One price with its interval, from the medians of providers.

The choice of the provider is by far the largest uncertainty of a price. So the interval is the spread
between providers if there are several.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from footprint.catalog.assumptions import assumed
from footprint.catalog.prices.offer import PriceOffer
from footprint.catalog.prices.offers import median, percentile
from footprint.records import record
from footprint.results import Quantity

ENOUGH_PROVIDERS = 5
"""With fewer providers the interval is their range instead of percentiles."""


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


def over_providers(
    medians: Mapping[str, float], cause: str, chosen: Iterable[str] | None = None, kind: str = ""
) -> tuple[Quantity, str]:
    """The median over the chosen providers [USD per accelerator-hour], and a description of its interval.

    The interval is that of all providers. ``kind`` names the chosen ones, unless all are.
    """
    prices = sorted(medians.values())
    mid = median(prices if chosen is None else [medians[provider] for provider in chosen])
    of_kind = f"median of {kind}; " if kind else ""
    if len(prices) == 1:
        factor = assumed("prices.one_provider_factor")
        wide = Quantity.between(mid * factor.low, mid, mid * factor.high, cause)
        return wide, f"single provider, widened by how providers of other chips differ ({factor.basis})"
    if len(prices) < ENOUGH_PROVIDERS:
        whole = Quantity.between(prices[0], mid, prices[-1], cause)
        return whole, f"{of_kind}min-max over {len(prices)} providers"
    low, high = min(mid, percentile(prices, 0.05)), max(mid, percentile(prices, 0.95))
    return Quantity.between(low, mid, high, cause), f"{of_kind}p5-p95 over {len(prices)} providers"


def within_provider(offers: Sequence[PriceOffer], cause: str) -> tuple[Quantity, str]:
    """The median of one provider's offers [USD per accelerator-hour], with their range."""
    prices = sorted(offer.usd_per_accelerator_h for offer in offers)
    mid = median(prices)
    if prices[0] == prices[-1]:
        return Quantity(mid), "single provider, one list price"
    whole = Quantity.between(prices[0], mid, prices[-1], cause)
    return whole, f"single provider, min-max over its {len(prices)} offers"
