"""Prices of an accelerator-hour, rented or owned."""

from footprint.catalog.prices.find import (
    PURCHASES,
    PriceQuote,
    all_offers,
    find_price,
    interruption_factor,
)
from footprint.catalog.prices.providers import find_provider, providers

__all__ = [
    "PURCHASES",
    "PriceQuote",
    "all_offers",
    "find_price",
    "find_provider",
    "interruption_factor",
    "providers",
]
