"""The dated price offers, and the rules that select some of them.

Each rule is a function from offers to offers or to medians, so that each can be read and tested alone.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from footprint.catalog.files import lines_with, parse_csv, shipped, shipped_text
from footprint.catalog.folder import indexed
from footprint.catalog.prices.offer import PriceOffer

CURRENT_YEARS = 2
"""An offer more than 24 months older than the newest of the file is not current."""


def _text() -> str:
    """The table as text; each line is one row, since no field contains a line break."""
    return shipped_text("hardware_profiles/prices.csv")


@functools.cache
def shipped_offers() -> tuple[PriceOffer, ...]:
    """All offers of ``hardware_profiles/prices.csv``, in the file's order."""
    return tuple(map(_offer, table_rows()))


@functools.cache
def offers_of(accelerator_id: str, purchase: str = "") -> tuple[PriceOffer, ...]:
    """The offers of one accelerator, and of one way to buy if it is named; no other line is parsed."""
    head, *lines = lines_with(_text(), f",{accelerator_id},")
    if purchase:
        lines = [line for line in lines if f",{purchase}," in line]
    rows = [row for row in parse_csv([head, *lines]) if row["accelerator"] == accelerator_id]
    return tuple([_offer(row) for row in rows if purchase in ("", row["purchase"])])


def table_rows() -> list[dict[str, str]]:
    """The rows of the table as text, in the file's order."""
    return parse_csv(_text().splitlines())


def _offer(row: Mapping[str, Any]) -> PriceOffer:
    return PriceOffer(
        provider=row["provider"],
        accelerator=row["accelerator"],
        region=row["region"],
        purchase=row["purchase"],
        usd_per_accelerator_h=float(row["usd_per_accelerator_h"]),
        scope=row["scope"],
        instance=row["instance"],
        accelerators_per_instance=float(row["accelerators_per_instance"]),
        dated=row["dated"],
        source=row["source"],
        basis=row["basis"],
        note=row["note"],
    )


def variants(silicon: str) -> list[str]:
    """Ids that begin with this name and have an offer, sorted."""
    known = _indexed()
    return [
        name
        for name in (known["accelerators"] if known else sorted(accelerators()))
        if name.startswith(silicon)
    ]


def accelerators() -> set[str]:
    """Ids of the accelerators that have an offer."""
    return {offer.accelerator for offer in shipped_offers()}


def rented_out() -> list[str]:
    """Ids of the accelerators that have a current offer, sorted."""
    return sorted({offer.accelerator for offer in current(shipped_offers(), data_date())})


@functools.cache
def sellers() -> tuple[str, ...]:
    """Ids of the providers that have an offer, sorted."""
    return tuple(sorted({offer.provider for offer in shipped_offers()}))


@functools.cache
def data_date() -> str:
    """Date of the newest shipped offer, ISO 8601; `current` measures the age of offers from it."""
    known = _indexed()
    return known["newest"] if known else newest()


@functools.cache
def _indexed() -> dict[str, Any] | None:
    """What the index says of the table; None if it says nothing of the table as it is."""
    return indexed(shipped("hardware_profiles"), "prices.csv", _text())


def about_offers() -> dict[str, Any]:
    """What the index says of the table: its newest date and the accelerators with an offer."""
    return {"newest": newest(), "accelerators": sorted(accelerators())}


def newest() -> str:
    """Date of the newest offer, from all offers."""
    return max(offer.dated for offer in shipped_offers())


def current(offers: Iterable[PriceOffer], data_date: str) -> list[PriceOffer]:
    """The offers dated at most 24 months before ``data_date``.

    Dates are compared as text. A date without a day or month ("2024") sorts before every day of that
    year, so it counts as the first day.
    """
    oldest = f"{int(data_date[:4]) - CURRENT_YEARS:04d}{data_date[4:]}"
    return [offer for offer in offers if offer.dated >= oldest]


def of_nearest_year(offers: Sequence[PriceOffer], year: int) -> list[PriceOffer]:
    """The offers of ``year``, or of the nearest year that has some (the later of two)."""
    nearest = min({int(offer.dated[:4]) for offer in offers}, key=lambda y: (abs(y - year), -y))
    return [offer for offer in offers if int(offer.dated[:4]) == nearest]


def one_scope(offers: Iterable[PriceOffer]) -> list[PriceOffer]:
    """The whole instances among the offers, or the bare accelerators if there are no others."""
    offers = list(offers)
    return [offer for offer in offers if offer.scope == "instance"] or offers


def newest_each(offers: Iterable[PriceOffer]) -> list[PriceOffer]:
    """The offers of the newest date of each provider, accelerator, purchase and region."""
    offers = list(offers)
    newest: dict[tuple[str, str, str, str], str] = {}
    for offer in offers:
        key = _key(offer)
        newest[key] = max(newest.get(key, ""), offer.dated)
    return [offer for offer in offers if offer.dated == newest[_key(offer)]]


def _key(offer: PriceOffer) -> tuple[str, str, str, str]:
    return offer.provider, offer.accelerator, offer.purchase, offer.region


def cheapest_sizes(offers: Iterable[PriceOffer]) -> list[PriceOffer]:
    """For each provider, accelerator, purchase, region and chip count, its cheapest instance.

    A provider sells one accelerator with hosts of several sizes (AWS's g4dn.xlarge to g4dn.16xlarge have
    one T4 each). A buyer who needs the accelerator takes the smallest host.
    """
    best: dict[tuple[object, ...], PriceOffer] = {}
    for offer in offers:
        key = (*_key(offer), offer.accelerators_per_instance)
        if key not in best or offer.usd_per_accelerator_h < best[key].usd_per_accelerator_h:
            best[key] = offer
    return list(best.values())


def provider_medians(offers: Iterable[PriceOffer]) -> dict[str, float]:
    """The median of each provider's offers [USD per accelerator-hour]."""
    prices: dict[str, list[float]] = {}
    for offer in offers:
        prices.setdefault(offer.provider, []).append(offer.usd_per_accelerator_h)
    return {provider: median(values) for provider, values in prices.items()}


def median(values: Iterable[float]) -> float:
    """The middle value, or the mean of the two middle ones (``statistics`` takes 8 ms to import)."""
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def percentile(values: Iterable[float], share: float) -> float:
    """The value below which ``share`` of the values lie, interpolated linearly."""
    ordered = sorted(values)
    position = share * (len(ordered) - 1)
    below = int(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (position - below) * (ordered[above] - ordered[below])
