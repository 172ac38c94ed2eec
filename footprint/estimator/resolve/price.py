"""What the hardware costs where the run is: rented by the accelerator-hour, or owned."""

from __future__ import annotations

from footprint.catalog.prices import PriceQuote, find_price, is_own_list
from footprint.errors import MissingFactError, UnknownNameError
from footprint.estimator.facts import Price
from footprint.estimator.fields import OWNING, is_set
from footprint.estimator.request import EstimateRequest
from footprint.records import replace
from footprint.results import Quantity, chosen_row
from footprint.results.estimate import PriceSummary
from footprint.schema import Place

PRICED_BY = (
    "usd_per_hour", "purchase", "provider", "year", "lifetime_years", "utilisation", *OWNING,
)  # fmt: skip
"""Fields of a request that set the price of a chip at a place."""


def price_of(request: EstimateRequest, chip: str, place: Place) -> tuple[Price | None, tuple[str, ...]]:
    """The price of one accelerator-hour; None, and the warning that says why, where nobody offers the chip.

    Raises MissingFactError or UnknownNameError for a purchase, provider or region that was asked for
    and is not offered.
    """
    if request.usd_per_hour is not None:
        hourly = Quantity(request.usd_per_hour)
        return Price(usd_per_accelerator_h=hourly, summary=summary(hourly, "given", "given by the user")), ()
    if any(is_set(getattr(request, name)) for name in OWNING):
        from footprint.catalog.prices.ownership import owned_price

        owned = owned_price(
            capital_usd=request.capital_usd,
            lifetime_years=request.lifetime_years,
            utilisation=request.utilisation,
            electricity_usd_per_kwh=request.electricity_usd_per_kwh,
            place=place,
        )
        return Price(
            usd_per_accelerator_h=owned.capital_usd_per_accelerator_h,
            electricity_usd_per_kwh=owned.electricity_usd_per_kwh,
            rows=owned.assumptions,
        ), ()
    purchase = request.purchase or "on_demand"
    try:
        quote = _quote(request, chip, purchase, place)
    except MissingFactError as error:
        if request.purchase or request.provider:
            raise
        return None, (str(error),)
    row = chosen_row("purchase", purchase, "default", "--purchase")
    return Price(
        usd_per_accelerator_h=quote.usd_per_accelerator_h,
        summary=PriceSummary(
            usd_per_accelerator_h=quote.usd_per_accelerator_h,
            provider=quote.provider,
            purchase=quote.purchase,
            offers=quote.offers,
            providers=quote.providers,
            dated=(quote.oldest if quote.oldest == quote.newest else f"{quote.oldest}/{quote.newest}")
            or None,
            interval=quote.interval,
            source=quote.source,
        ),
        rows=(row,) if request.purchase is None else (),
        warnings=quote.warnings,
    ), ()


def _quote(request: EstimateRequest, chip: str, purchase: str, place: Place) -> PriceQuote:
    """The price where the run is: the region's own, else its provider's, else everybody's.

    Raises MissingFactError where a provider that was asked for, or nobody, offers the hardware.
    """
    provider = request.provider or place.provider
    notes: tuple[str, ...] = ()
    if provider is not None and ":" in place.key:
        region = place.key.partition(":")[2]
        try:
            return find_price(chip, purchase=purchase, provider=provider, region=region, year=request.year)
        except (MissingFactError, UnknownNameError):
            if is_own_list(provider):
                raise
            notes = (
                f"no price of {chip} in {region} is known: the price is {provider}'s over all its regions",
            )
    try:
        quote = find_price(chip, purchase=purchase, provider=provider, year=request.year)
    except MissingFactError:
        if request.provider is not None or provider is None:
            raise
        notes = (f"{provider} has no price of {chip} that we know: the price is the median over providers",)
        quote = find_price(chip, purchase=purchase, year=request.year)
    return replace(quote, warnings=(*quote.warnings, *notes))


def summary(price: Quantity, purchase: str, source: str, interval: str = "") -> PriceSummary:
    """A price that no offer stands behind."""
    return PriceSummary(
        usd_per_accelerator_h=price, provider=None, purchase=purchase, offers=None, providers=None,
        dated=None, interval=interval, source=source,
    )  # fmt: skip
