"""List and search prices of accelerator-hours; show the quote of one accelerator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from footprint.cli.shared.catalogue import Catalogue, Filter, Row, any_of, catalogue_group


def _rows() -> list[Row]:
    from footprint.catalog.prices import all_offers
    from footprint.catalog.prices.offer import PriceOffer

    names = [field.name for field in fields(PriceOffer)]
    return [{name: getattr(offer, name) for name in names} for offer in all_offers()]


def _show(name: str) -> Mapping[str, Any]:
    """The current quote of an accelerator for each way to buy it."""
    from footprint.catalog.hardware import find_accelerator
    from footprint.catalog.prices import PURCHASES, find_price
    from footprint.errors import MissingFactError

    chip = find_accelerator(name)
    record: dict[str, Any] = {"accelerator": chip.id, "name": chip.name, "unit": chip.unit}
    for purchase in PURCHASES:
        try:
            quote = find_price(chip.id, purchase=purchase)
        except MissingFactError:
            record[purchase] = None
            continue
        fields = {
            k: getattr(quote, k) for k in ("offers", "providers", "oldest", "newest", "interval", "source")
        }
        record[purchase] = {"usd_per_accelerator_h": quote.usd_per_accelerator_h.to_json(), **fields}
    return record


def _names() -> list[str]:
    from footprint.catalog.hardware import accelerator_ids

    return accelerator_ids()


def _of_accelerator(name: str) -> Callable[[Row], bool]:
    """Offers of accelerators whose ids begin with the name; without such ids, of the one that it means."""
    from footprint.catalog.hardware import accelerator_ids, find_accelerator

    wanted = name.strip().lower()
    chips = {chip for chip in accelerator_ids() if chip == wanted or chip.startswith(f"{wanted}-")}
    chips = chips or {find_accelerator(name).id}
    return lambda row: row["accelerator"] in chips


def _of_provider(name: str) -> Callable[[Row], bool]:
    from footprint.catalog.prices import find_provider

    provider = find_provider(name)
    return lambda row: row["provider"] == provider


command = catalogue_group(
    Catalogue(
        kind="prices",
        about="Dated, sourced prices of one accelerator-hour.",
        rows=_rows,
        show=_show,
        card="price_card",
        names=_names,
        columns=("accelerator", "provider", "purchase", "usd_per_accelerator_h", "region", "dated"),
        example="a100",
        filters=(
            Filter(flag="--accelerator", help="Only this accelerator.", test=_of_accelerator),
            Filter(flag="--provider", help="Only this provider.", test=_of_provider),
            Filter(flag="--region", help="Only regions with this text.", test=any_of("region")),
            Filter(
                flag="--purchase",
                help="on_demand, spot, reserved_1y or reserved_3y.",
                test=any_of("purchase"),
                metavar="KIND",
                names=("purchase",),
            ),
        ),
    )
)
