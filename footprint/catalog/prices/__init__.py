"""Prices of an accelerator-hour, rented or owned."""

from footprint.catalog.prices.find import (
    all_offers,
    find_price,
    interruption_factor,
)
from footprint.catalog.prices.providers import find_provider, is_own_list, providers
from footprint.catalog.prices.spread import PriceQuote
from footprint.vocabulary import PURCHASES

__all__ = [
    "PURCHASES",
    "PriceQuote",
    "all_offers",
    "find_price",
    "find_provider",
    "interruption_factor",
    "is_own_list",
    "providers",
]
