"""The price of an accelerator-hour, from dated offers with their sources.

``hardware_profiles/prices.csv`` holds one row per offer (the fields of `PriceOffer`). The price is found
in these steps (see ``docs/prices.md``):

1. the current offers (or those of the year asked for), of one scope: whole instances, or
   bare accelerators where nothing else is offered;
2. the newest of each provider, accelerator, purchase and region;
3. of several host sizes with the same chips, the cheapest;
4. the median of each provider, then the median over providers.
"""

from __future__ import annotations

from collections.abc import Sequence

from footprint.catalog.assumptions import assumed
from footprint.catalog.names import nearest, normalise, unknown
from footprint.catalog.prices import offers as rules
from footprint.catalog.prices.providers import find_provider, is_table, only_seller, provider_table
from footprint.catalog.prices.spread import over_providers, within_provider
from footprint.errors import MissingFactError
from footprint.records import record
from footprint.results import Assumption, Quantity
from footprint.schema import PriceOffer

PURCHASES = ("on_demand", "spot", "reserved_1y", "reserved_3y")
ANY_REGION = "global"
"""Region of an offer whose price list is the same for all regions."""


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


def all_offers() -> list[PriceOffer]:
    """All shipped offers in the file's order [USD per accelerator-hour]."""
    return list(rules.shipped_offers())


def find_purchase(name: str) -> str:
    """Canonical way to buy: on_demand, spot, reserved_1y or reserved_3y.

    Raises:
        UnknownNameError: not one of the four.
    """
    wanted = normalise(name).replace("-", "_")
    if wanted in PURCHASES:
        return wanted
    raise unknown("purchase", name, PURCHASES, f"one of {', '.join(PURCHASES)}")


def find_price(
    accelerator_id: str,
    *,
    purchase: str = "on_demand",
    provider: str | None = None,
    region: str | None = None,
    year: int | None = None,
) -> PriceQuote:
    """The price of one accelerator-hour [USD/h]; accelerators are counted in their profile's ``unit``.

    ``region`` is the provider's name of the region. ``year`` selects the offers of that year, or those
    of the nearest year with a warning; without it the current offers are used.

    Raises:
        MissingFactError: no offer matches; the message names the nearest alternatives.
        UnknownNameError: no offer has this provider, purchase or region.
    """
    purchase = find_purchase(purchase)
    if provider is not None:
        provider = find_provider(provider)
    warnings: list[str] = []
    chosen = _matching(accelerator_id, purchase, provider, region)
    chosen = _of_time(chosen, year, warnings)
    if provider is None:
        chosen = _without_tables(chosen, year, warnings)
    chosen = rules.one_scope(chosen)
    if chosen[0].scope == "accelerator_only":
        warnings.append(f"price of {accelerator_id} without its host, for which the provider charges extra")
    chosen = rules.cheapest_sizes(rules.newest_each(chosen))
    medians = rules.provider_medians(chosen)
    seller = next(iter(medians))
    if len(medians) == 1 and (seller in (provider, only_seller(accelerator_id)) or is_table(seller)):
        quantity, interval = within_provider(chosen, f"price:{seller}:{purchase}")
    else:
        quantity, interval = over_providers(medians, f"price:{purchase}:all")
    if provider is None and year is None and purchase != "on_demand":
        warnings += _dearer_than_on_demand(accelerator_id, purchase, quantity.mid, sorted(medians), region)
    dates = sorted(offer.dated for offer in chosen)
    return PriceQuote(
        usd_per_accelerator_h=quantity,
        purchase=purchase,
        provider=provider,
        region=region,
        offers=len(chosen),
        providers=len(medians),
        oldest=dates[0],
        newest=dates[-1],
        interval=interval,
        source="; ".join(dict.fromkeys(offer.source for offer in chosen)),
        warnings=tuple(warnings),
    )


def _matching(
    accelerator_id: str, purchase: str, provider: str | None, region: str | None
) -> list[PriceOffer]:
    """The offers of this accelerator that match the provider, purchase and region."""
    found = list(rules.offers_of(accelerator_id))
    if not found:
        family = accelerator_id[:3]  # a chip of another family says nothing about the price of this one
        known = [one for one in rules.accelerators() if one.startswith(family)]
        similar = nearest(accelerator_id, sorted(known))
        like = f", or price it as one of {', '.join(similar)}" if similar else ""
        raise MissingFactError(
            f"no price of {accelerator_id[:80]} in our data: give `usd_per_hour=` (an accelerator-hour){like}"
        )
    if provider is not None:
        here = [offer for offer in found if offer.provider == provider]
        if not here:
            sellers = ", ".join(sorted({offer.provider for offer in found}))
            raise MissingFactError(
                f"no price of {accelerator_id} at {provider}: known are {sellers}; or give `usd_per_hour=`"
            )
        found = here
    bought = [offer for offer in found if offer.purchase == purchase]
    if not bought:
        ways = ", ".join(way for way in PURCHASES if any(offer.purchase == way for offer in found))
        where = f" at {provider}" if provider else ""
        raise MissingFactError(
            f"no {purchase} price of {accelerator_id}{where}: known are {ways} (`purchase=`); "
            "or give `usd_per_hour=`"
        )
    return bought if region is None else _in_region(bought, region, with_global=provider is not None)


def _in_region(offers: Sequence[PriceOffer], region: str, *, with_global: bool) -> list[PriceOffer]:
    """The offers of a region; if there are none and ``with_global`` is set, the offers for all regions."""
    wanted = normalise(region)
    found = [offer for offer in offers if normalise(offer.region) == wanted]
    if not found and with_global:
        found = [offer for offer in offers if offer.region == ANY_REGION]
    if not found:
        raise unknown(
            "price region",
            region,
            {offer.region for offer in offers},
            "a region as its provider names it; without one, the median over regions is taken",
        )
    return found


def _of_time(offers: list[PriceOffer], year: int | None, warnings: list[str]) -> list[PriceOffer]:
    """The offers of the year, or the current ones; if there are none, others are used with a warning."""
    if year is not None:
        found = rules.of_nearest_year(offers, year)
        if not found[0].dated.startswith(f"{year:04d}"):
            warnings.append(f"no price of {year}: those of {found[0].dated[:4]}, the nearest year, are used")
        return found
    found = rules.current(offers, rules.data_date())
    if not found:
        warnings.append(
            f"the price is old: the newest offer is of {max(offer.dated for offer in offers)}, more than "
            f"{12 * rules.CURRENT_YEARS} months before our newest prices ({rules.data_date()})"
        )
    return found or offers


def _without_tables(offers: list[PriceOffer], year: int | None, warnings: list[str]) -> list[PriceOffer]:
    """The offers of providers, or those of a published table of prices; never a mixture of both.

    A table is used for its own year, so that the paper which used it can be reproduced.
    """
    printed = [offer for offer in offers if is_table(offer.provider)]
    rented = [offer for offer in offers if not is_table(offer.provider)]
    if not printed or (rented and year is None):
        return rented
    table, note = provider_table()[printed[0].provider].name, printed[0].note
    warnings.append(f"price as charged in {table}" + (f": {note}" if note else ""))
    return printed


def _dearer_than_on_demand(
    accelerator_id: str, purchase: str, usd_per_h: float, sellers: Sequence[str], region: str | None
) -> list[str]:
    """A warning if the price exceeds the on-demand median, which happens where few providers have one."""
    found = [offer for offer in rules.offers_of(accelerator_id) if offer.purchase == "on_demand"]
    found = [offer for offer in found if region is None or offer.region == region]
    found = rules.current([offer for offer in found if not is_table(offer.provider)], rules.data_date())
    medians = rules.provider_medians(rules.cheapest_sizes(rules.newest_each(rules.one_scope(found))))
    if not medians or usd_per_h <= (on_demand := rules.median(medians.values())):
        return []
    return [
        f"{purchase} costs more here than the on_demand median of {len(medians)} providers "
        f"({on_demand:.2f} USD/h): the only known prices are from {', '.join(sellers)}"
    ]


def interruption_factor(purchase: str) -> tuple[Quantity, Assumption | None]:
    """Factor on the hours of a run due to interruptions of spot capacity [1], with its assumption row.

    It is 1 except for spot. As it multiplies hours, it affects energy, CO2e and cost alike.

    Raises:
        UnknownNameError: an unknown way to buy.
    """
    if find_purchase(purchase) != "spot":
        return Quantity(1.0), None
    factor = assumed("prices.spot_interruption_factor")
    return factor.quantity, factor.row("--purchase")
