"""What a row of each table of places may hold."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Basis = Literal["datasheet", "measured", "derived", "assumed", "fitted"]


class Row(BaseModel):
    model_config = ConfigDict(extra="forbid")


class GridRow(Row):
    key: str = Field(pattern=r"^([A-Z]{3}|[A-Z]{2}-[A-Z]{2}|US-[A-Z]+(19|20)?\d*)$")
    year: int = Field(ge=2012, le=2025)
    accounting: Literal["lifecycle", "direct"]
    g_per_kwh: float = Field(gt=10, lt=1500)
    source: str = Field(min_length=3)
    basis: Basis


class PlaceRow(Row):
    key: str
    kind: Literal["world", "group", "country", "state", "province", "reference"]
    name: str = Field(min_length=3)
    alpha2: str = Field(pattern=r"^([A-Z]{2})?$")
    aliases: str
    generation_kwh: float | Literal[""]
    generation_year: int | Literal[""]
    groups: str = Field(pattern=r"^([A-Z-]+(\|EU)?)?$")


class TownRow(Row):
    town: str = Field(pattern=r"^[^,A-Z ]+$")
    name: str = Field(min_length=2)
    place: str = Field(pattern=r"^([A-Z]{3}|(US|CA|CN)-[A-Z]{2})$")
    people_count: int = Field(ge=0, lt=40_000_000)
    source: Literal["geonames-cities", "own-derivation"]
    basis: Basis


class TariffRow(Row):
    key: str = Field(pattern=r"^([A-Z]{3}|(US|CA)-[A-Z]{2})$")
    year: int = Field(ge=2022, le=2026)
    usd_per_kwh: float = Field(gt=0.02, lt=0.4)
    source: str
    basis: Basis
    note: str


class RegionRow(Row):
    key: str = Field(pattern=r"^(aws|azure|gcp):[a-z0-9-]+$")
    place: str
    location: str = Field(min_length=3)
    geography: str
    operational_g_per_kwh: float | Literal[""]
    cfe_share: float | Literal[""]
    market_g_per_kwh: float | Literal[""]
    market_year: int | Literal[""]
    market_source: str
    source: str
    basis: Basis
