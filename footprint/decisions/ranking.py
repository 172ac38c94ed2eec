"""Where to train: the regions with an offer of a chip, by a run's CO2e, and what a tonne less costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from footprint.catalog.hardware import parse_cluster
from footprint.catalog.names import unknown
from footprint.catalog.places.groups import country_of, groups
from footprint.catalog.places.names import places
from footprint.catalog.places.names import resolve as place_key
from footprint.catalog.places.tables import cloud_regions
from footprint.catalog.prices.find import find_purchase
from footprint.catalog.prices.offers import offers_of
from footprint.catalog.version import headed
from footprint.decisions.causes import perturbed
from footprint.decisions.comparison import Answered, answered, said_of_the_run
from footprint.errors import FootprintError, MissingFactError, UnknownNameError
from footprint.estimator.request import EstimateRequest
from footprint.estimator.resolve.shared import Shared
from footprint.records import record, replace
from footprint.results import Quantity
from footprint.results.misfit import misfits_in
from footprint.results.shown import Drawn, show_as_text
from footprint.units import KG_PER_T
from footprint.vocabulary import ENDS

if TYPE_CHECKING:
    import pandas as pd

SCHEMA = "footprint/ranking/1"
Ends = tuple[float, float, float]
FOUND_OUT = ("region", "provider", "grid_g_per_kwh", "pue", "usd_per_hour", "capital_usd")
"""Fields of a scenario that a ranking finds out."""
MOST = 1e12


@record
class RankedPlace:
    """A run in one region, beside the same run in the baseline's."""

    rank: int
    """Number of regions with less CO2e, plus 1; regions on one grid with one PUE tie."""
    place: str
    provider: str
    offer_dated: str
    g_per_kwh: Quantity
    pue: Quantity
    usd_per_accelerator_h: Quantity
    co2e_kg: Quantity
    cost_usd: Quantity
    """With the cost of moving the data, for other regions than the baseline."""
    saved_kg: Ends
    """CO2e that the run saves here; negative where it takes more."""
    added_usd: Ends
    usd_per_tonne: Ends | None
    """Money added for each tonne saved; None where it is not clear that anything is saved."""
    verdict: str
    """``lower``, ``higher`` or ``not_clear``: the CO2e against the baseline."""


@record
class Ranking(Drawn):
    """Regions by the CO2e of a run; `to_json` is the contract ``footprint/ranking/1``."""

    baseline: str
    scenario: Mapping[str, Any]
    rows: tuple[RankedPlace, ...]
    warnings: tuple[str, ...]

    __repr__ = show_as_text

    def to_frame(self) -> pd.DataFrame:
        """A pandas frame: one row a region, as the CSV has it."""
        import pandas as pd

        return pd.DataFrame(import_module("footprint.reports.decisions.ranking_text").rows_of(self))

    def to_json(self) -> dict[str, Any]:
        """The ranking as JSON values, unrounded."""
        return {
            **headed(SCHEMA),
            "baseline": self.baseline,
            "scenario": dict(self.scenario),
            "rows": [_json_of(row) for row in self.rows],
            "warnings": list(self.warnings),
        }


def rank(
    *,
    hw: str,
    baseline_region: str | None = None,
    keep_in: str | None = None,
    max_usd_per_hour: float | None = None,
    max_g_per_kwh: float | None = None,
    move_gb: float | None = None,
    egress_usd_per_gb: float | None = None,
    **fields: Any,
) -> Ranking:
    """Cloud regions with a dated offer of the chip, the least CO2e of the run first.

    ``fields`` are those of `footprint.estimate`, but for the place. The baseline is ``baseline_region``, else
    the region where the run costs least. ``keep_in`` is a country or a group such as EU;
    ``max_usd_per_hour`` is of one accelerator, ``max_g_per_kwh`` of the grid; ``move_gb`` is moved out of
    the baseline at ``egress_usd_per_gb``.

    Raises
    ------
    FootprintError
        For an unknown place, a chip without offers, and where no region is left.
    """
    for name, value in (
        ("max_usd_per_hour", max_usd_per_hour), ("max_g_per_kwh", max_g_per_kwh), ("move_gb", move_gb),
        ("egress_usd_per_gb", egress_usd_per_gb),
    ):  # fmt: skip
        if value is not None and not 0 <= value < MOST:
            raise FootprintError(f"`{name}=` must be a number from 0 on, not {value}")
    if (move_gb is None) != (egress_usd_per_gb is None):
        raise FootprintError("`move_gb=` and `egress_usd_per_gb=` belong together: give both or neither")
    for name in FOUND_OUT:
        if fields.get(name) is not None:
            raise FootprintError(f"`{name}=` says what a ranking finds out: leave it out")
    EstimateRequest.from_mapping({**fields, "hw": hw}, "rank()")  # each field is of its kind
    cluster, _ = parse_cluster(hw)
    chip, purchase = cluster.accelerator.id, find_purchase(fields.get("purchase") or "on_demand")
    dated = _regions_with_offers(chip, purchase)
    base_key = None if baseline_region is None else _region_key(baseline_region, dated)
    allowed = _places_in(keep_in)
    regions = [key for key in dated if allowed is None or key == base_key or _country(key) in allowed]
    rows, warnings, failed = _in_regions(regions, hw, fields)
    if not rows:
        reasons = set(failed.values())
        anywhere = answered({**fields, "hw": hw}, Shared()).reason
        if len(reasons) == 1 and (len(failed) > 1 or anywhere in reasons):
            raise FootprintError(failed[regions[0]])  # no fault of a region
        nowhere = f"no region with an offer of {chip} is in {keep_in}"
        raise FootprintError(warnings[0] if warnings else nowhere)
    base_key = base_key or min(rows, key=lambda key: rows[key].quantities["cost_usd"].mid)
    if base_key not in rows:
        raise FootprintError(next(one for one in warnings if one.startswith(base_key)))
    kept = {
        key: row
        for key, row in rows.items()
        if key == base_key or _within(row, max_usd_per_hour, max_g_per_kwh)
    }
    if len(kept) == 1 < len(rows):
        warnings.append(f"no region but the baseline, {base_key}, is within the limits")
    moving = (move_gb or 0.0) * (egress_usd_per_gb or 0.0)
    found = [
        _ranked(key, row, rows[base_key], dated[key], 0.0 if key == base_key else moving)
        for key, row in kept.items()
    ]
    found.sort(key=lambda one: (one.co2e_kg.mid, one.cost_usd.mid, one.place))
    return Ranking(
        baseline=base_key,
        scenario={"hw": hw, **{name: value for name, value in fields.items() if value is not None}},
        rows=tuple(_with_ranks(found)),
        warnings=tuple(dict.fromkeys(warnings)),
    )


def _in_regions(
    regions: Sequence[str], hw: str, fields: Mapping[str, Any]
) -> tuple[dict[str, Answered], list[str], dict[str, str]]:
    """The run in each region where its CO2e and cost are known, what is said of it, and why not elsewhere."""
    shared, rows, warnings, failed = Shared(), {}, [], {}
    for key in regions:
        row = answered({**fields, "hw": hw, "region": key}, shared)
        if row.facts is None or "cost_usd" not in row.quantities or "co2e_kg" not in row.quantities:
            failed[key] = row.reason
            warnings.append(f"{key}: {row.reason}")
            continue
        warnings += misfits_in([row.reason])
        warnings.extend(said_of_the_run(row))
        rows[key] = row
    return rows, warnings, failed


def _regions_with_offers(chip: str, purchase: str) -> dict[str, str]:
    """Key of each known cloud region with offers of a chip -> the day of the newest one."""
    regions = cloud_regions()
    dated: dict[str, str] = {}
    for offer in offers_of(chip):
        key = f"{offer.provider}:{offer.region}"
        if offer.purchase == purchase and key in regions:
            dated[key] = max(offer.dated, dated.get(key, ""))
    if not dated:
        raise MissingFactError(
            f"no {purchase} offer of {chip} names a cloud region, so there is nothing to rank: "
            "give another chip or `purchase=`, or compare places of your own with several of `region=`"
        )
    return dated


def _region_key(text: str, dated: Mapping[str, str]) -> str:
    key = place_key(text)
    if key not in dated:
        raise unknown("region with an offer of this chip", text, dated)
    return key


def _places_in(text: str | None) -> set[str] | None:
    """Countries of a group, or the one country; None for everywhere."""
    if text is None:
        return None
    try:
        key = place_key(text)
    except UnknownNameError as error:
        hint = "`keep_in=` takes a country, EU or a continent"
        raise UnknownNameError(error.kind, error.name, error.nearest, hint) from None
    kind = places()[key]["kind"] if key in places() else ""
    if kind == "world":
        return None
    if kind not in ("country", "group"):
        raise FootprintError(f"`keep_in=` takes a country, EU or a continent, not {text}")
    return set(groups()[key]) if kind == "group" else {key}


def _country(region: str) -> str:
    return country_of(cloud_regions()[region]["place"])


def _within(row: Answered, max_usd: float | None, max_g: float | None) -> bool:
    site, price = row.facts.site if row.facts else None, row.facts.price if row.facts else None
    if site is None or price is None or site.grid_g_per_kwh is None:
        return False
    return (max_usd is None or price.usd_per_accelerator_h.mid <= max_usd) and (
        max_g is None or site.grid_g_per_kwh.mid <= max_g
    )


def _ranked(key: str, row: Answered, base: Answered, dated: str, moving_usd: float) -> RankedPlace:
    if row.facts is None or row.facts.price is None or row.facts.site.grid_g_per_kwh is None:
        raise AssertionError("the price and the grid of a ranked region are known")
    own, other = (one.quantities["co2e_kg"] for one in (row, base))
    cost, base_cost = (one.quantities["cost_usd"] for one in (row, base))
    saved = perturbed(lambda a, b: b - a, own, other) or (0.0, 0.0, 0.0)
    added = perturbed(lambda a, b: a + moving_usd - b, cost, base_cost) or (0.0, 0.0, 0.0)
    verdict = "lower" if saved[0] > 0 else "higher" if saved[2] < 0 else "not_clear"
    each = _usd_per_tonne(saved, added) if verdict == "lower" else None
    return RankedPlace(
        rank=0, place=key, provider=key.partition(":")[0], offer_dated=dated,
        g_per_kwh=row.facts.site.grid_g_per_kwh, pue=row.facts.site.pue,
        usd_per_accelerator_h=row.facts.price.usd_per_accelerator_h, co2e_kg=own,
        cost_usd=cost + moving_usd if moving_usd else cost,
        saved_kg=saved, added_usd=added, usd_per_tonne=each, verdict=verdict,
    )  # fmt: skip


def _usd_per_tonne(saved: Ends, added: Ends) -> Ends | None:
    """Bounds of money over mass, whose errors have few causes in common: the ends that are farthest apart."""
    if saved[0] <= 0:
        return None
    ends = [a / (s / KG_PER_T) for a in (added[0], added[2]) for s in (saved[0], saved[2])]
    return min(ends), added[1] / (saved[1] / KG_PER_T), max(ends)


def _with_ranks(rows: Sequence[RankedPlace]) -> Sequence[RankedPlace]:
    ranked: list[RankedPlace] = []
    for row in rows:
        before = ranked[-1] if ranked else None
        tie = before is not None and abs(before.co2e_kg.mid - row.co2e_kg.mid) <= 1e-9 * row.co2e_kg.mid
        number = before.rank if tie and before is not None else len(ranked) + 1
        ranked.append(replace(row, rank=number))
    return ranked


def _json_of(row: RankedPlace) -> dict[str, Any]:
    def ends(value: Ends | None) -> dict[str, float] | None:
        return None if value is None else dict(zip(ENDS, value, strict=True))

    return {
        "rank": row.rank,
        "place": row.place,
        "provider": row.provider,
        "offer_dated": row.offer_dated,
        "g_per_kwh": row.g_per_kwh.to_json(),
        "pue": row.pue.to_json(),
        "usd_per_accelerator_h": row.usd_per_accelerator_h.to_json(),
        "co2e_kg": row.co2e_kg.to_json(),
        "cost_usd": row.cost_usd.to_json(),
        "saved_kg": ends(row.saved_kg),
        "added_usd": ends(row.added_usd),
        "usd_per_tonne": ends(row.usd_per_tonne),
        "verdict": row.verdict,
    }
