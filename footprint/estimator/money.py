"""What the run costs: rented by the accelerator-hour, or owned."""

from __future__ import annotations

from dataclasses import replace

from footprint import equations
from footprint.catalog.prices import PriceQuote, find_price, owned_price
from footprint.errors import MissingFactError, UnknownNameError
from footprint.estimator.request import EstimateRequest
from footprint.records import record
from footprint.results import Assumption, Quantity
from footprint.results.estimate import PriceSummary
from footprint.schema import Cluster, Place


@record
class Cost:
    """Price and cost; None where nobody offers the hardware."""

    price: PriceSummary | None
    cost_usd: Quantity | None
    assumptions: tuple[Assumption, ...] = ()
    warnings: tuple[str, ...] = ()


def cost_of(
    request: EstimateRequest, cluster: Cluster, accelerator_h: Quantity, energy_kwh: Quantity, place: Place
) -> Cost:
    """Cost of the run [USD].

    A chip that nobody rents out has no cost, and a warning says which option supplies it;
    a purchase, provider or region that was asked for and is not offered is an error.
    """
    if request.usd_per_hour is not None:
        hourly = Quantity(request.usd_per_hour)
        return Cost(
            price=_summary(hourly, "given", "given by the user"),
            cost_usd=equations.cost_usd(accelerator_h, hourly),
        )
    if request.capital_usd is not None:
        owned = owned_price(
            capital_usd=request.capital_usd,
            lifetime_years=request.lifetime_years,
            utilisation=request.utilisation,
            electricity_usd_per_kwh=request.electricity_usd_per_kwh,
        )
        cost = owned.cost_usd(accelerator_h, energy_kwh)
        capital, tariff = owned.capital_usd_per_accelerator_h.mid, owned.electricity_usd_per_kwh.mid
        parts = f"capital {capital:.4g} USD an accelerator-hour, electricity {tariff:.4g} USD/kWh"
        return Cost(
            price=_summary(cost / accelerator_h, "owned", "capital share and electricity", parts),
            cost_usd=cost,
            assumptions=owned.assumptions,
        )
    purchase = request.purchase or "on_demand"
    try:
        quote = _quote(request, cluster, purchase, place)
    except MissingFactError as error:
        if request.purchase or request.provider:
            raise
        return Cost(price=None, cost_usd=None, warnings=(f"no price: {error}",))
    rows: tuple[Assumption, ...] = ()
    if request.purchase is None:
        rows = (
            Assumption(
                name="purchase",
                value=purchase,
                unit="",
                basis="assumed",
                source="default",
                option="--purchase",
            ),
        )
    price = PriceSummary(
        usd_per_accelerator_h=quote.usd_per_accelerator_h,
        provider=quote.provider,
        purchase=quote.purchase,
        offers=quote.offers,
        providers=quote.providers,
        dated=quote.oldest if quote.oldest == quote.newest else f"{quote.oldest}/{quote.newest}",
        interval=quote.interval,
        source=quote.source,
    )
    return Cost(
        price=price,
        cost_usd=equations.cost_usd(accelerator_h, quote.usd_per_accelerator_h),
        assumptions=rows,
        warnings=quote.warnings,
    )


def _quote(request: EstimateRequest, cluster: Cluster, purchase: str, place: Place) -> PriceQuote:
    """The price where the run is: the region's own, else its provider's, else everybody's.

    Raises MissingFactError where a provider that was asked for, or nobody, offers the hardware.
    """
    chip = cluster.accelerator.id
    provider = request.provider or place.provider
    notes: tuple[str, ...] = ()
    if provider is not None and ":" in place.key:
        region = place.key.partition(":")[2]
        try:
            return find_price(chip, purchase=purchase, provider=provider, region=region, year=request.year)
        except (MissingFactError, UnknownNameError):
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


def _summary(price: Quantity, purchase: str, source: str, interval: str = "") -> PriceSummary:
    """A price that no offer stands behind."""
    return PriceSummary(
        usd_per_accelerator_h=price, provider=None, purchase=purchase, offers=None, providers=None,
        dated=None, interval=interval, source=source,
    )  # fmt: skip
