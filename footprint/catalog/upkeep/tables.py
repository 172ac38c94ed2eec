"""What a downloaded table changes in a shipped one, row by row, and which rows cannot be true."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

from footprint.catalog.hardware import find_accelerator
from footprint.catalog.places.names import names, places
from footprint.catalog.places.sites import require_day
from footprint.catalog.places.tables import table
from footprint.catalog.prices import find_provider, is_own_list
from footprint.catalog.prices.find import find_purchase
from footprint.catalog.prices.offers import median, table_rows
from footprint.catalog.upkeep.age import today
from footprint.errors import DataFileError, FootprintError
from footprint.named_tuples import NamedTuple

Row = dict[str, str]
GRID_REACH_G_PER_KWH = (1.0, 1500.0)
PRICE_REACH_USD_PER_H = (0.01, 200.0)
MOST_CHANGE = {"grid": 2.0, "prices": 4.0}
"""A factor between neighbouring years, or between a price and those of its kind, that is refused above."""
FIRST_YEAR = 2000


class Change(NamedTuple):
    """One row of the downloaded table: new (+), changed (~), or refused (!)."""

    sign: str
    text: str

    @property
    def taken(self) -> bool:
        """Whether the row goes into the table."""
        return self.sign != "!"


class Figure(NamedTuple):
    """A carbon intensity as a downloaded table has it."""

    line: int
    place: str
    year: str
    g_per_kwh: str


# --------------------------------------------------------------------------------- grid


def grid_changes(
    downloaded: Sequence[Row], source: str, accepted: frozenset[str]
) -> tuple[list[Row], list[Change]]:
    """The rows of ``grid.csv`` after the update [gCO2e/kWh, life-cycle], and what changed."""
    known = {(row["key"], row["year"], row["accounting"]): row for row in table("grid.csv")}
    rows = {place: dict(row) for place, row in known.items()}
    changes: list[Change] = []
    seen: dict[tuple[str, int], float] = {}
    for figure in _figures(downloaded):
        try:
            key, year, value = _checked(figure)
            if seen.setdefault((key, year), value) != value:
                raise FootprintError(f"{key} {year} stands twice, with {seen[key, year]:g} and {value:g}")
            before = known.get((key, str(year), "lifecycle"))
            if before is not None and math.isclose(float(before["g_per_kwh"]), value, rel_tol=1e-4):
                continue
            changes.append(_grid_change(key, year, value, known, accepted))
        except FootprintError as error:
            changes.append(Change("!", f"line {figure.line}: {error}"))
            continue
        rows[key, str(year), "lifecycle"] = {
            "key": key, "year": str(year), "accounting": "lifecycle", "g_per_kwh": f"{value:g}",
            "source": source, "basis": "datasheet",
        }  # fmt: skip
    return _in_the_order_of(known, rows), changes


def _in_the_order_of(
    known: Mapping[tuple[str, str, str], Row], rows: Mapping[tuple[str, str, str], Row]
) -> list[Row]:
    """The rows with the old ones where they were, and a new one after its place's last."""
    last = {key[0]: number for number, key in enumerate(known)}
    at = {key: (number, "") for number, key in enumerate(known)}
    return [rows[key] for key in sorted(rows, key=lambda key: at.get(key, (last[key[0]], key[1])))]


def _figures(downloaded: Sequence[Row]) -> list[Figure]:
    """The figures of one of the known forms; DataFileError if the head is of none."""
    head = {name.lower(): name for name in downloaded[0]}
    for needed, places_, year, value, wanted in _FORMS:
        spelt = [head[name] for name in places_ if name in head]
        if spelt and {*needed, year} <= set(head):
            return [
                Figure(
                    line,
                    next((row[name] for name in spelt if row[name]), ""),
                    row[head[year]],
                    row[head[value]],
                )
                for line, row in enumerate(downloaded, start=2)
                if wanted({name: row[head[name]] for name in head}) and row[head[value]]
            ]
    shown = ", ".join(list(downloaded[0])[:8])
    raise DataFileError(f"the columns {shown[:200]} are of no form of docs/ages.md")


def _is_intensity(row: Mapping[str, str]) -> bool:
    return row["variable"].lower() == "co2 intensity" and row["unit"].lower().startswith("gco2")


def _any(_: Mapping[str, str]) -> bool:
    return True


_EMAPS = "carbon intensity gco₂eq/kwh (life cycle)"
_OWID_COLUMN = "carbon_intensity_elec"
_OWID_CHART = "carbon intensity of electricity"
_Names = tuple[str, ...]
_FORMS: tuple[tuple[_Names, _Names, str, str, Callable[[Mapping[str, str]], bool]], ...] = (
    # Ember's yearly table in its long form.
    (("variable", "unit", "value"), ("iso 3 code", "country code", "area"), "year", "value", _is_intensity),
    # Our World in Data: energy dataset, or one chart.
    ((_OWID_COLUMN,), ("iso_code", "code", "country"), "year", _OWID_COLUMN, _any),
    ((_OWID_CHART,), ("code", "entity"), "year", _OWID_CHART, _any),
    # Electricity Maps' yearly file.
    ((_EMAPS,), ("zone id", "zone name", "country"), "datetime (utc)", _EMAPS, _any),
    # Ours, and any table with these three names.
    (("g_per_kwh",), ("key",), "year", "g_per_kwh", _any),
)  # fmt: skip


def _checked(figure: Figure) -> tuple[str, int, float]:
    """Key, year and carbon intensity of a figure that may be true."""
    candidates = names().get("-".join(figure.place.lower().replace("_", "-").split()), ())
    if (
        len(candidates) != 1
        or ":" in candidates[0]
        or places()[candidates[0]]["kind"] in ("group", "reference")
    ):
        raise FootprintError(f"no place of grid.csv is called {figure.place[:40]!r}")
    text = figure.year[:4]
    year = int(text) if text.isascii() and text.isdigit() else 0
    if not FIRST_YEAR <= year <= int(today()[:4]):
        raise FootprintError(
            f"{candidates[0]}: {figure.year[:20]!r} is no year from {FIRST_YEAR} to this one"
        )
    return candidates[0], year, _number(figure.g_per_kwh, GRID_REACH_G_PER_KWH, "g/kWh", candidates[0])


def _number(text: str, reach: tuple[float, float], unit: str, whose: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not reach[0] <= value <= reach[1]:
        raise FootprintError(f"{whose}: {text[:20]!r} is no number from {reach[0]:g} to {reach[1]:g} {unit}")
    return value


def _grid_change(
    key: str, year: int, value: float, known: Mapping[tuple[str, str, str], Row], accepted: frozenset[str]
) -> Change:
    """The line of a change; FootprintError if it is too large."""
    series = {
        int(row["year"]): row
        for row in known.values()
        if row["key"] == key and row["accounting"] == "lifecycle"
    }
    if not series:
        return Change("+", f"{key} {year}: {value:g} g/kWh, the first life-cycle factor")
    near = min(series, key=lambda other: (abs(other - year), -other))
    before = float(series[near]["g_per_kwh"])
    _require_likely(key, value, before, "grid", f"{near}: {before:g} g/kWh", accepted)
    moved = f"{100 * (value / before - 1):+.1f} %"
    if near == year:
        return Change(
            "~", f"{key} {year}: {before:g} -> {value:g} g/kWh ({moved}), was of {series[near]['source']}"
        )
    return Change("+", f"{key} {year}: {value:g} g/kWh ({moved} on {near})")


def _require_likely(
    key: str, value: float, before: float, kind: str, what: str, accepted: frozenset[str]
) -> None:
    ratio = max(value / before, before / value)
    if ratio > MOST_CHANGE[kind] and key not in accepted:
        raise FootprintError(
            f"{key}: {value:g} is {ratio:.1f} times off ({what}); --accept {key} if it is true"
        )


# ------------------------------------------------------------------------------- prices

_NAMES = {
    "provider": ("provider", "cloud", "vendor"),
    "accelerator": ("accelerator", "gpu", "gpu_name", "acceleratorname"),
    "usd_per_accelerator_h": ("usd_per_accelerator_h", "price_per_gpu_hour", "price", "usd_per_hour"),
    "dated": ("dated", "date", "day"),
    "region": ("region", "location"),
    "purchase": ("purchase", "pricing", "type"),
    "instance": ("instance", "instance_type", "instancetype"),
    "accelerators_per_instance": ("accelerators_per_instance", "gpu_count", "acceleratorcount"),
    "note": ("note",),
}
_NEEDED = ("provider", "accelerator", "usd_per_accelerator_h", "dated")
_OURS = (
    "provider", "accelerator", "region", "purchase", "usd_per_accelerator_h", "scope", "instance",
    "accelerators_per_instance", "dated", "source", "basis", "note",
)  # fmt: skip


def price_changes(
    downloaded: Sequence[Row], source: str, accepted: frozenset[str]
) -> tuple[list[Row], list[Change]]:
    """The rows of ``prices.csv`` after the update [USD per accelerator-hour], and what changed."""
    head = {name.lower().replace(" ", "_"): name for name in downloaded[0]}
    columns = {
        ours: next((head[name] for name in theirs if name in head), "") for ours, theirs in _NAMES.items()
    }
    missing = [name for name in _NEEDED if not columns[name]]
    if missing:
        raise DataFileError(f"no column for {', '.join(missing)}: see docs/ages.md")
    rows = table_rows()
    there = {tuple(row[name] for name in _OURS if name not in ("source", "basis", "note")) for row in rows}
    changes = []
    for line, row in enumerate(downloaded, start=2):
        try:
            offer = _offer({ours: row[theirs] if theirs else "" for ours, theirs in columns.items()}, source)
            key = tuple(offer[name] for name in _OURS if name not in ("source", "basis", "note"))
            if key in there:
                continue
            changes.append(_price_change(offer, rows, accepted))
            there.add(key)
            rows = [*rows, offer]
        except FootprintError as error:
            changes.append(Change("!", f"line {line}: {error}"))
    return sorted(rows, key=_place_in_table), changes


def _place_in_table(row: Row) -> tuple[str, ...]:
    return row["accelerator"], row["purchase"], row["provider"], row["region"], row["dated"]


def _offer(texts: Mapping[str, str], source: str) -> Row:
    """The row of prices.csv; FootprintError if it cannot be true."""
    provider = find_provider(texts["provider"])
    if is_own_list(provider):
        raise FootprintError(f"{provider[:40]!r} is no provider")
    chip = find_accelerator(texts["accelerator"]).id
    require_day("dated", texts["dated"])
    if not texts["dated"] or texts["dated"] > today():
        raise FootprintError(f"{chip} at {provider}: {texts['dated'][:20]!r} is not a day up to today")
    value = _number(texts["usd_per_accelerator_h"].lstrip("$"), PRICE_REACH_USD_PER_H, "USD/h", chip)
    purchase = find_purchase(
        texts["purchase"].replace("-", "_").replace("ondemand", "on_demand") or "on_demand"
    )
    return {
        "provider": provider, "accelerator": chip, "region": texts["region"] or "global",
        "purchase": purchase, "usd_per_accelerator_h": f"{value:g}", "scope": "instance",
        "instance": texts["instance"] or "as listed",
        "accelerators_per_instance": texts["accelerators_per_instance"] or "1", "dated": texts["dated"],
        "source": source, "basis": "datasheet", "note": texts["note"],
    }  # fmt: skip


def _price_change(offer: Row, rows: Iterable[Row], accepted: frozenset[str]) -> Change:
    """The line of an offer, against the newest of its provider, else the median of its kind."""
    value, chip = float(offer["usd_per_accelerator_h"]), offer["accelerator"]
    alike = [row for row in rows if (row["accelerator"], row["purchase"]) == (chip, offer["purchase"])]
    what = f"{chip} {offer['purchase']} at {offer['provider']}, {offer['region']}, {offer['dated']}"
    if not alike:
        return Change("+", f"{what}: {value:g} USD/h, the first price of its kind")
    own = [row for row in alike if row["provider"] == offer["provider"]]
    newest = max((row["dated"] for row in own), default="")
    last = [float(row["usd_per_accelerator_h"]) for row in own if row["dated"] == newest]
    before = median(last or [float(row["usd_per_accelerator_h"]) for row in alike])
    which = f"its newest of {newest}" if last else "the median of all providers"
    _require_likely(chip, value, before, "prices", f"{which}: {before:g} USD/h", accepted)
    return Change("+", f"{what}: {value:g} USD/h ({100 * (value / before - 1):+.0f} % on {which})")
