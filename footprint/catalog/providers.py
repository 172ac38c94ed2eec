"""Who rents accelerators: canonical ids, the other names they go by, and what kind they are."""

from __future__ import annotations

import functools
from typing import Any

from footprint.catalog.files import read_toml, reference_folder
from footprint.catalog.names import normalise, unknown
from footprint.catalog.offers import sellers


@functools.cache
def provider_table() -> dict[str, dict[str, Any]]:
    """The tables of ``reference_data/providers.toml`` by id."""
    return read_toml(reference_folder() / "providers.toml")


def providers() -> list[str]:
    """Ids of the providers with at least one offer, sorted."""
    return list(sellers())


def find_provider(name: str) -> str:
    """Canonical id of a provider, from its id or another name it goes by.

    Raises:
        UnknownNameError: no provider has this name; the message names the nearest.
    """
    wanted = normalise(name)
    for key, entry in provider_table().items():
        if wanted in (key, normalise(entry["name"]), *entry["aliases"]):
            return key
    names = [n for key, entry in provider_table().items() for n in (key, entry["name"], *entry["aliases"])]
    raise unknown("provider", name, names, "`footprint prices list` shows them all")


def is_table(provider: str) -> bool:
    """True for prices that a publication used, which nobody offers."""
    return bool(provider_table()[provider]["kind"] == "table")


def only_seller(accelerator_id: str) -> str | None:
    """Id of the one provider that rents this accelerator, where its maker sells it to nobody."""
    for key, entry in provider_table().items():
        if accelerator_id.startswith(tuple(entry.get("only_seller_of", ()))):
            return key
    return None
