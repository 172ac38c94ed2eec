"""What an hour of an accelerator costs, rented or owned."""

from footprint.catalog.prices.find import (
    PURCHASES,
    PriceQuote,
    all_offers,
    find_price,
    interruption_factor,
)
from footprint.catalog.prices.ownership import OwnedPrice, owned_price
from footprint.catalog.prices.providers import find_provider, providers

__all__ = [
    "PURCHASES",
    "OwnedPrice",
    "PriceQuote",
    "all_offers",
    "find_price",
    "find_provider",
    "interruption_factor",
    "owned_price",
    "providers",
]
