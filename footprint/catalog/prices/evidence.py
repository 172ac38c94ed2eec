"""What each provider asks for a chip, with the variants of its silicon, and the kind of provider that counts.

Few providers sell any one variant of an older chip, and one odd list would decide its price. So a provider
that sells only another variant of the same silicon (V100 with 32 GB, or as a PCIe card) counts too, with
its price times the ratio of the two variants at the providers that sell both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from footprint.catalog.prices import offers as rules
from footprint.catalog.prices.offer import PriceOffer
from footprint.catalog.prices.providers import is_table, provider_table

KINDS = {"hyperscaler": "hyperscaler", "gpu_cloud": "GPU cloud", "marketplace": "marketplace"}
"""Kinds of providers, as people call them."""
LEAST_BOTH = 2
"""Providers that sell two variants, below which their prices count as equal."""


def silicon(accelerator_id: str) -> str:
    """The chip without form and memory: ``v100`` of ``v100-sxm2-16gb``; ``tpu-v4`` has no variants."""
    parts = accelerator_id.split("-")
    for place, part in enumerate(parts[1:], start=1):
        if part.startswith(("sxm", "pcie")) or part in ("nvl", "workstation") or _is_memory(part):
            return "-".join(parts[:place])
    return accelerator_id


def _is_memory(part: str) -> bool:
    return part.endswith("gb") and part[:-2].isdigit()


def variant_offers(accelerator_id: str, purchase: str) -> list[PriceOffer]:
    """The offers of other variants of the same silicon, with their hosts."""
    found = [offer for name in _variants(accelerator_id) for offer in rules.offers_of(name, purchase)]
    return [offer for offer in found if offer.scope == "instance" and not is_table(offer.provider)]


def _variants(accelerator_id: str) -> list[str]:
    chip = silicon(accelerator_id)
    return [name for name in rules.variants(chip) if name != accelerator_id and silicon(name) == chip]


def with_variants(
    accelerator_id: str, own: Sequence[PriceOffer], others: Sequence[PriceOffer]
) -> tuple[dict[str, float], list[PriceOffer]]:
    """The price of each provider [USD per accelerator-hour], and every offer behind the prices.

    ``own`` are the offers of the variant itself, ``others`` those of other variants. A provider that sells
    several other variants counts with the one that most providers sell beside this one.
    """
    medians, used = rules.provider_medians(own), list(own)
    new = {offer.accelerator for offer in others if offer.provider not in medians}
    ratios = _ratios(accelerator_id, new) if new else {}
    for variant in sorted(ratios, key=lambda name: (-ratios[name][1], name)):
        chosen = [offer for offer in others if offer.accelerator == variant and offer.provider not in medians]
        for provider, median in rules.provider_medians(chosen).items():
            medians[provider] = ratios[variant][0] * median
        used += chosen
    return medians, used


def _ratios(accelerator_id: str, variants: Iterable[str]) -> dict[str, tuple[float, int]]:
    """Each of these variants: this variant's price over its, and the number of providers that sell both.

    The ratio is the median over these providers of their current on-demand prices; 1 where there are fewer
    than two, because one odd list would decide it.
    """
    mine = _on_demand(accelerator_id)
    found = {}
    for variant in variants:
        theirs = _on_demand(variant)
        both = [mine[provider] / theirs[provider] for provider in mine if provider in theirs]
        found[variant] = (rules.median(both) if len(both) >= LEAST_BOTH else 1.0, len(both))
    return found


def _on_demand(accelerator_id: str) -> Mapping[str, float]:
    """Each provider's current on-demand price of one variant, with its host."""
    offers = [
        offer
        for offer in rules.offers_of(accelerator_id, "on_demand")
        if offer.scope == "instance" and not is_table(offer.provider)
    ]
    current = rules.current(offers, rules.data_date())
    return rules.provider_medians(rules.cheapest_sizes(rules.newest_each(current)))


def commonest_kinds(providers: Iterable[str]) -> tuple[set[str], str]:
    """The providers of the kind that most of them are, and its name; of kinds that tie, all of them.

    The name is empty where every provider counts.
    """
    of_kind: dict[str, set[str]] = {}
    everyone = set(providers)
    for provider in everyone:
        of_kind.setdefault(provider_table()[provider].kind, set()).add(provider)
    most = max(map(len, of_kind.values()))
    kinds = sorted(kind for kind, members in of_kind.items() if len(members) == most)
    chosen = set().union(*(of_kind[kind] for kind in kinds))
    if chosen == everyone:
        return chosen, ""
    named = " and ".join(f"{most} {KINDS[kind]}{'s' if most > 1 else ''}" for kind in kinds)
    return chosen, named
