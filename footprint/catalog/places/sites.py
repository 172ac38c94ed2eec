"""A site of one's own: what its electricity, its PUE and its tariff are, in a small TOML file.

``--region machine-room.toml``, or ``--region machine-room`` for ``sites/machine-room.toml`` of the user's
data folder. What the file leaves out is that of the ``place`` it names, else the world's.
"""

from __future__ import annotations

import math
from typing import ClassVar

from footprint.errors import DataFileError, FootprintError
from footprint.records import record
from footprint.schema import STRICT

SCHEMA = "footprint/site/1"
FOLDER = "sites"
REACH = {"grid_g_per_kwh": (0.0, 3000.0), "pue": (1.0, 5.0), "electricity_usd_per_kwh": (0.0, 100.0)}
"""The least and the most that each number may be."""


@record
class OwnSite:
    """The facts of a site that its owner knows; what is None is that of ``place``."""

    __pydantic_config__: ClassVar[dict[str, str]] = STRICT
    schema: str
    name: str
    place: str | None = None
    """Country, state, town or cloud region where it stands."""
    grid_g_per_kwh: float | None = None
    pue: float | None = None
    electricity_usd_per_kwh: float | None = None
    valid_from: str = ""
    valid_until: str = ""
    """ISO 8601 days between which the numbers hold."""
    source: str = ""

    def __post_init__(self) -> None:
        if self.schema != SCHEMA:
            raise FootprintError(
                f'its schema is {self.schema[:40]!r}: a site starts with schema = "{SCHEMA}"'
            )
        if not (self.name.strip() and self.name.isprintable() and len(self.name) <= 80):
            raise FootprintError("name: a printable text of at most 80 letters")
        for field, (least, most) in REACH.items():
            number = getattr(self, field)
            if number is not None and not (math.isfinite(number) and least <= number <= most):
                raise FootprintError(f"{field}: must be between {least:g} and {most:g}, not {number:g}")
        for field in ("valid_from", "valid_until"):
            require_day(field, getattr(self, field))
        if self.valid_from and self.valid_until and self.valid_from > self.valid_until:
            raise FootprintError(f"valid_from = {self.valid_from} is after valid_until = {self.valid_until}")
        if self.place is not None and is_site_file(self.place):
            raise FootprintError("place: a country, state, town or cloud region, not another site")


def require_day(field: str, text: str) -> None:
    """FootprintError unless a text is empty or a day such as 2026-01-31."""
    if not text:
        return
    from datetime import date

    try:
        date.fromisoformat(text)
    except ValueError:
        raise FootprintError(f"{field}: a day such as 2026-01-31, not {text[:40]!r}") from None


def is_site_file(text: str) -> bool:
    """Whether a place is the name of a file."""
    return text.lower().endswith(".toml")


def name_of_file(path: str) -> str:
    """The last part of a path, of whatever system."""
    return path.replace("\\", "/").rpartition("/")[2]


def read_site(path: str) -> OwnSite:
    """The site of a file.

    Raises DataFileError, which names the wrong field.
    """
    from footprint.catalog.build import checked
    from footprint.catalog.files import read_toml

    raw = read_toml(path)
    numbers = {key: float(value) if type(value) is int else value for key, value in raw.items()}
    if "schema" not in numbers:
        raise DataFileError(f'{path}: not a site: a site starts with the line schema = "{SCHEMA}"')
    return checked(OwnSite, numbers, path)


def named_site(name: str) -> OwnSite | None:
    """The site of this name in the user's data folder; None if there is none."""
    from footprint.catalog.files import user_folder

    wanted = name.strip().lower()
    if not wanted or wanted[0] == "." or any(sign in wanted for sign in "/\\\0:"):
        return None
    path = user_folder() / FOLDER / f"{wanted}.toml"
    return read_site(str(path)) if path.is_file() else None


def outside_its_dates(site: OwnSite, day: str) -> str:
    """A warning if the day is outside the dates of the site; empty if it is not."""
    if site.valid_until and day > site.valid_until:
        return f"the facts of {site.name} were valid until {site.valid_until}: it is {day}"
    if site.valid_from and day < site.valid_from:
        return f"the facts of {site.name} are valid from {site.valid_from}: it is {day}"
    return ""
