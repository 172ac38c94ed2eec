"""Where each factor of the chain comes from, by the name under which it enters a formula."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from footprint.estimator.facts import Embodied, Price, Site
from footprint.performance.goodput import GoodputFacts
from footprint.performance.power import PowerFactors
from footprint.performance.step_facts import StepFacts
from footprint.results import Assumption
from footprint.schema import Cluster


def sources_of(
    cluster: Cluster,
    steps: Iterable[StepFacts],
    goodput: GoodputFacts,
    spot: Assumption | None,
    power: PowerFactors | None,
    site: Site,
    embodied: Embodied | None,
    price: Price | None,
) -> Mapping[str, tuple[str, ...]]:
    """Source keys by factor; a factor that was given has none."""
    profile = (f"profile {cluster.accelerator.id}",)
    found: dict[str, tuple[str, ...]] = {
        "peak_flop_per_s": profile,
        "= step_time_s": _unique([*(step.source for step in steps), *profile]),
        "interruptions": _of([spot] if spot is not None else []),
        "pue": _of(site.pue_rows),
        "grid_g_per_kwh": (site.summary.source,) if site.summary is not None else (),
    }
    if goodput.given is None:
        found["goodput"] = _unique(number.source for number in goodput.by_scale.values())
    if power is not None:
        found["tdp_w"] = profile
        found["busy_over_tdp"] = _of(power.busy_rows[:2])
        found["idle_w"] = _of(power.idle_rows)
        found["= it_power_w"] = _unique([*profile, *_of(power.network_rows)])
    if embodied is not None:
        found["kg_per_accelerator"] = profile
        found["working_h"] = _unique(row.source for row in embodied.rows if row.unit != "kg")
    if price is not None:
        name = "usd_per_accelerator_h" if price.electricity_usd_per_kwh is None else "capital_usd_per_h"
        offers = price.summary.source.split("; ") if price.summary is not None else []
        found[name] = _unique(offers) or _of(price.rows)
    return found


def _of(rows: Iterable[Assumption]) -> tuple[str, ...]:
    return _unique(row.source for row in rows)


def _unique(sources: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(source for source in sources if source))
