"""The price of an accelerator-hour, from dated offers with their sources.

``hardware_profiles/prices.csv`` holds one row per offer (the fields of `PriceOffer`). The price is found
in these steps (see ``docs/prices.md``):

1. the current offers (or those of the year asked for), of one scope: whole instances, or
   bare accelerators where nothing else is offered;
2. the newest of each provider, accelerator, purchase and region;
3. of several host sizes with the same chips, the cheapest;
4. the median of each provider; one that sells only another variant of the same silicon counts with its
   price, scaled;
5. the median over the providers of the commonest kind: hyperscalers, GPU clouds or marketplaces.

Spot is never above on demand.
"""

from __future__ import annotations

from collections.abc import Sequence

from footprint.catalog.assumptions import assumed
from footprint.catalog.names import nearest, normalise, unknown
from footprint.catalog.prices import offers as rules
from footprint.catalog.prices.evidence import commonest_kinds, variant_offers, with_variants
from footprint.catalog.prices.offer import PriceOffer
from footprint.catalog.prices.providers import (
    find_provider,
    is_own_list,
    is_table,
    only_seller,
    provider_table,
)
from footprint.catalog.prices.spread import PriceQuote, over_providers, within_provider
from footprint.errors import MissingFactError, UnknownNameError
from footprint.records import replace
from footprint.results import Assumption, Quantity
from footprint.vocabulary import PURCHASES

ANY_REGION = "global"
"""Region of an offer whose price list is the same for all regions."""


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
        if is_own_list(provider):
            from footprint.catalog.prices.own_list import price_in_list

            return price_in_list(accelerator_id, purchase, provider, region)
    quote = _quote(accelerator_id, purchase, provider, region, year)
    return quote if purchase == "on_demand" else _beside_on_demand(quote, accelerator_id, year)


def _quote(
    accelerator_id: str, purchase: str, provider: str | None, region: str | None, year: int | None
) -> PriceQuote:
    """The price of one way to buy, not yet compared with another."""
    warnings: list[str] = []
    chosen = _own_offers(accelerator_id, purchase, provider, region, year, warnings)
    medians = rules.provider_medians(chosen)
    if provider is None and region is None and not _of_a_table(chosen):
        medians, chosen = _with_variants(accelerator_id, chosen, purchase, year, warnings)
    seller = next(iter(medians))
    if len(medians) == 1 and (seller in (provider, only_seller(accelerator_id)) or is_table(seller)):
        quantity, interval = within_provider(chosen, f"price:{seller}:{purchase}")
    else:
        quantity, interval = over_providers(medians, f"price:{purchase}:all", *commonest_kinds(medians))
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


def _own_offers(
    accelerator_id: str,
    purchase: str,
    provider: str | None,
    region: str | None,
    year: int | None,
    warnings: list[str],
) -> list[PriceOffer]:
    """The offers of the accelerator itself that count; none where only variants of it are offered."""
    try:
        chosen = _matching(accelerator_id, purchase, provider, region)
    except MissingFactError:
        if provider is not None or region is not None or not variant_offers(accelerator_id, purchase):
            raise
        return []
    chosen = _of_time(chosen, year, warnings)
    if provider is None:
        chosen = _without_tables(chosen, year, warnings)
    chosen = rules.one_scope(chosen)
    if chosen[0].scope == "accelerator_only":
        of_now = provider is None and region is None and year is None
        if of_now and not is_table(chosen[0].provider) and variant_offers(accelerator_id, purchase):
            return []  # another variant with its host is nearer to what a run costs
        warnings.append(f"price of {accelerator_id} without its host, for which the provider charges extra")
    return rules.cheapest_sizes(rules.newest_each(chosen))


def _of_a_table(chosen: Sequence[PriceOffer]) -> bool:
    """Whether these are prices of a published table, or of bare accelerators: nothing is added to them."""
    return any(is_table(offer.provider) or offer.scope != "instance" for offer in chosen)


def _with_variants(
    accelerator_id: str, own: list[PriceOffer], purchase: str, year: int | None, warnings: list[str]
) -> tuple[dict[str, float], list[PriceOffer]]:
    """The price of each provider, with those that sell only other variants; of the time of the own offers."""
    others = variant_offers(accelerator_id, purchase)
    if year is not None:
        used = rules.of_nearest_year(own or others, year)[0].dated[:4]
        others = [offer for offer in others if offer.dated.startswith(used)]
    else:
        others = rules.current(others, rules.data_date()) or ([] if own else _of_time(others, None, warnings))
    medians, chosen = with_variants(accelerator_id, own, rules.cheapest_sizes(rules.newest_each(others)))
    if not own:
        named = ", ".join(sorted({offer.accelerator for offer in chosen}))
        warnings.append(f"no price of {accelerator_id} with its host is known: that of {named} is taken")
    return medians, chosen


def _beside_on_demand(quote: PriceQuote, accelerator_id: str, year: int | None) -> PriceQuote:
    """Spot, which is never dearer than on demand: then nobody takes it; a dear reservation says so."""
    try:
        usual = _quote(accelerator_id, "on_demand", quote.provider, quote.region, year)
    except (MissingFactError, UnknownNameError):
        return quote
    usual_usd_per_h = usual.usd_per_accelerator_h.mid
    if quote.usd_per_accelerator_h.mid <= usual_usd_per_h:
        return quote
    if quote.purchase == "spot":
        why = f"spot is no cheaper than on demand at {usual_usd_per_h:.2f} USD/h, which is taken"
        return replace(usual, purchase="spot", warnings=(*usual.warnings, why))
    if quote.provider is not None or year is not None:
        return quote
    bought = rules.offers_of(accelerator_id, quote.purchase)
    sold = {offer.provider for offer in bought or variant_offers(accelerator_id, quote.purchase)}
    why = (
        f"{quote.purchase} costs more here than the on_demand median of {usual.providers} providers "
        f"({usual_usd_per_h:.2f} USD/h): the only known prices are from {', '.join(sorted(sold))}"
    )
    return replace(quote, warnings=(*quote.warnings, why))


def _matching(
    accelerator_id: str, purchase: str, provider: str | None, region: str | None
) -> list[PriceOffer]:
    """The offers of this accelerator that match the provider, purchase and region."""
    bought = [
        offer for offer in rules.offers_of(accelerator_id, purchase) if provider in (None, offer.provider)
    ]
    if not bought:
        raise _nothing_matches(accelerator_id, purchase, provider)
    return bought if region is None else _in_region(bought, region, with_global=provider is not None)


def _nothing_matches(accelerator_id: str, purchase: str, provider: str | None) -> MissingFactError:
    """The error for an offer that nobody makes, with what there is instead."""
    found = list(rules.offers_of(accelerator_id))
    if not found:
        family = accelerator_id[:3]  # a chip of another family says nothing about the price of this one
        known = [one for one in rules.accelerators() if one.startswith(family)]
        similar = nearest(accelerator_id, sorted(known))
        like = f", or price it as one of {', '.join(similar)}" if similar else ""
        return MissingFactError(
            f"no price of {accelerator_id[:80]} in our data: give `usd_per_hour=` (an accelerator-hour){like}"
        )
    if provider is not None:
        here = [offer for offer in found if offer.provider == provider]
        if not here:
            sellers = ", ".join(sorted({offer.provider for offer in found}))
            return MissingFactError(
                f"no price of {accelerator_id} at {provider}: known are {sellers}; or give `usd_per_hour=`"
            )
        found = here
    ways = ", ".join(way for way in PURCHASES if any(offer.purchase == way for offer in found))
    where = f" at {provider}" if provider else ""
    return MissingFactError(
        f"no {purchase} price of {accelerator_id}{where}: known are {ways} (`purchase=`); "
        "or give `usd_per_hour=`"
    )


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
