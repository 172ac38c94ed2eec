"""Providers that rent accelerators: their ids, their other names, and their kind.

The data are in ``reference_data/providers.csv``; ``kind`` is hyperscaler, gpu_cloud, marketplace (hosts
of third parties) or table (prices printed in a publication, which are no offers).
"""

from __future__ import annotations

import functools

from footprint.catalog.files import read_csv, shipped
from footprint.catalog.names import nearest, normalise
from footprint.catalog.prices.offers import sellers
from footprint.errors import UnknownNameError
from footprint.records import record


@record
class Provider:
    """A provider that rents accelerators, or a published table of prices."""

    id: str
    name: str
    kind: str
    aliases: tuple[str, ...]
    only_seller_of: tuple[str, ...]
    """Prefixes of the ids of accelerators that only this provider rents out."""


@functools.cache
def provider_table() -> dict[str, Provider]:
    """Every provider by its id."""
    return {
        row["provider"]: Provider(
            id=row["provider"],
            name=row["name"],
            kind=row["kind"],
            aliases=tuple(filter(None, row["aliases"].split(";"))),
            only_seller_of=tuple(filter(None, row["only_seller_of"].split(";"))),
        )
        for row in read_csv(shipped("reference_data/providers.csv"))
    }


def providers() -> list[str]:
    """Ids of the providers with at least one offer, sorted."""
    return list(sellers())


OWN_ENDINGS = (".csv", ".toml")


def is_own_list(provider: str) -> bool:
    """Whether a provider names a file, which is a price list of the user's own."""
    return provider.strip().lower().endswith(OWN_ENDINGS)


def find_provider(name: str) -> str:
    """Canonical id of a provider, from its id or another name; the name of a price list is its own.

    Raises:
        UnknownNameError: no provider has this name; the message names the nearest.
    """
    if is_own_list(name):
        return name.strip()
    wanted = normalise(name)
    for provider in provider_table().values():
        if wanted in (provider.id, normalise(provider.name), *provider.aliases):
            return provider.id
    names = {
        normalise(one): provider.id
        for provider in provider_table().values()
        for one in (provider.id, provider.name, *provider.aliases)
    }
    close = dict.fromkeys(names[one] for one in nearest(name[:80], names))
    raise UnknownNameError("provider", name[:80], [*close], "`footprint prices list` shows them all")


@functools.cache
def is_table(provider: str) -> bool:
    """Whether this is a published table of prices and not a provider."""
    return not is_own_list(provider) and provider_table()[provider].kind == "table"


def only_seller(accelerator_id: str) -> str | None:
    """Id of the only provider that rents this accelerator; None if there may be several."""
    for provider in provider_table().values():
        if provider.only_seller_of and accelerator_id.startswith(provider.only_seller_of):
            return provider.id
    return None
