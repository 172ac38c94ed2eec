"""A price list of one's own: a small CSV or TOML file, named where a provider is.

``--provider prices.csv``. Columns of the CSV: ``accelerator`` and ``usd_per_accelerator_h``, and if wanted
``purchase``, ``region``, ``dated``, ``note``. The TOML has the same as ``[[offers]]`` tables.
"""

from __future__ import annotations

import csv
import functools
import math
from collections.abc import Mapping
from typing import Any

from footprint.catalog.names import normalise
from footprint.catalog.prices.offer import PriceOffer
from footprint.catalog.prices.spread import PriceQuote, within_provider
from footprint.errors import DataFileError, FootprintError, MissingFactError
from footprint.vocabulary import PURCHASES

MOST_OFFERS = 5000
MOST_LINE = 2000
"""Characters of one line of a CSV."""
COLUMNS = ("accelerator", "usd_per_accelerator_h", "purchase", "region", "dated", "note")
NEEDED = ("accelerator", "usd_per_accelerator_h")
MOST_USD_PER_H = 1e5


@functools.lru_cache(maxsize=8)
def read_list(path: str) -> tuple[PriceOffer, ...]:
    """The offers of a file, whose accelerators are looked up.

    Raises DataFileError, which names the row and what is wrong with it.
    """
    rows = _toml_rows(path) if path.lower().endswith(".toml") else _csv_rows(path)
    if not rows:
        raise DataFileError(f"{path}: no offers")
    if len(rows) > MOST_OFFERS:
        raise DataFileError(f"{path}: more than {MOST_OFFERS:,} offers")
    return tuple(_offer(row, f"{path}: {where}", path) for where, row in rows)


def price_in_list(accelerator_id: str, purchase: str, path: str, region: str | None) -> PriceQuote:
    """The price in a list [USD per accelerator-hour]: of the region if the list names it, else of all.

    Raises MissingFactError if it has no such offer; the message says what it has.
    """
    known = read_list(path)
    offers = [offer for offer in known if offer.accelerator == accelerator_id and offer.purchase == purchase]
    if not offers:
        there = sorted({f"{offer.accelerator} {offer.purchase}" for offer in known})
        shown = ", ".join(there[:6]) + (", ..." if len(there) > 6 else "")
        raise MissingFactError(f"no {purchase} price of {accelerator_id} in {path}: it has {shown}")
    offers = [offer for offer in offers if normalise(offer.region) == normalise(region or "")] or offers
    name = offers[0].source
    quantity, interval = within_provider(offers, f"price:{name}:{purchase}")
    dates = sorted(offer.dated for offer in offers)
    return PriceQuote(
        usd_per_accelerator_h=quantity, purchase=purchase, provider=name, region=region, offers=len(offers),
        providers=1, oldest=dates[0], newest=dates[-1], interval=interval, source=name, warnings=(),
    )  # fmt: skip


def _csv_rows(path: str) -> list[tuple[str, Mapping[str, Any]]]:
    from footprint.catalog.files import read_text

    lines = [line for line in read_text(path).splitlines() if line.strip() and not line.startswith("#")]
    if any(len(line) > MOST_LINE for line in lines) or len(lines) > MOST_OFFERS + 1:
        raise DataFileError(
            f"{path}: no price list: more than {MOST_OFFERS:,} lines, or one of more than {MOST_LINE} letters"
        )
    try:
        head, *rows = list(csv.reader(lines, strict=True)) or [[]]
    except csv.Error as error:
        raise DataFileError(f"{path}: not a CSV: {error}") from None
    head = [name.strip().lower() for name in head]
    _require_columns(head, path)
    if len(set(head)) < len(head):
        raise DataFileError(f"{path}: a column stands twice")
    for number, row in enumerate(rows, start=1):
        if len(row) != len(head):
            raise DataFileError(f"{path}: offer {number}: {len(row)} fields where the head has {len(head)}")
    return [
        (f"offer {number}", dict(zip(head, row, strict=True))) for number, row in enumerate(rows, start=1)
    ]


def _toml_rows(path: str) -> list[tuple[str, Mapping[str, Any]]]:
    from footprint.catalog.files import read_toml

    raw = read_toml(path)
    offers = raw.get("offers")
    if (
        set(raw) - {"offers"}
        or not isinstance(offers, list)
        or not all(isinstance(one, dict) for one in offers)
    ):
        raise DataFileError(f"{path}: a price list holds [[offers]] tables and nothing else")
    for offer in offers:
        _require_columns(list(offer), path)
    return [(f"offer {number}", offer) for number, offer in enumerate(offers, start=1)]


def _require_columns(found: list[str], path: str) -> None:
    from footprint.catalog.names import unknown

    for name in found:
        if name not in COLUMNS:
            raise unknown("column", str(name), COLUMNS, path)
    for name in NEEDED:
        if name not in found:
            raise DataFileError(f"{path}: the column {name} is missing")


def _offer(row: Mapping[str, Any], where: str, path: str) -> PriceOffer:
    from footprint.catalog.hardware import find_accelerator
    from footprint.catalog.places.sites import name_of_file, require_day

    texts = {name: str(row.get(name, "")).strip() for name in COLUMNS}
    try:
        usd_per_h = _price(texts["usd_per_accelerator_h"])
        purchase = texts["purchase"].lower().replace("-", "_") or "on_demand"
        if purchase not in PURCHASES:
            raise FootprintError(f"purchase: one of {', '.join(PURCHASES)}, not {purchase[:40]!r}")
        require_day("dated", texts["dated"])
        return PriceOffer(
            provider=path, accelerator=find_accelerator(texts["accelerator"]).id,
            region=texts["region"] or "global",
            purchase=purchase,  # type: ignore[arg-type]
            usd_per_accelerator_h=usd_per_h, scope="instance", instance="", accelerators_per_instance=1.0,
            dated=texts["dated"], source=name_of_file(path), basis="datasheet",
            note=texts["note"],
        )  # fmt: skip
    except FootprintError as error:
        raise DataFileError(f"{where}: {error}") from None


def _price(text: str) -> float:
    try:
        usd_per_h = float(text.removeprefix("$"))
    except ValueError:
        usd_per_h = math.nan
    if not 0 < usd_per_h <= MOST_USD_PER_H:
        raise FootprintError(
            f"usd_per_accelerator_h: above 0 and at most {MOST_USD_PER_H:g}, not {text[:40]!r}"
        )
    return usd_per_h
