"""A price as a table or a list states it."""

from __future__ import annotations

from typing import ClassVar, Literal

from footprint.records import record
from footprint.schema import STRICT, require_positive
from footprint.vocabulary import Basis, Purchase


@record
class PriceOffer:
    """One dated price of one accelerator-hour."""

    __pydantic_config__: ClassVar[dict[str, str]] = STRICT
    provider: str
    accelerator: str
    region: str
    purchase: Purchase
    usd_per_accelerator_h: float
    scope: Literal["instance", "accelerator_only"]
    instance: str
    accelerators_per_instance: float
    dated: str
    """ISO 8601 day, month or year."""
    source: str
    basis: Basis
    note: str = ""

    def __post_init__(self) -> None:
        require_positive(self, "usd_per_accelerator_h", "accelerators_per_instance")
